# SPDX-License-Identifier: BSD-3-Clause
"""HDF5 files that appear whole or not at all."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from lava_sparse_rnn.files import no_file, replacing
from lava_sparse_rnn.fixed_point import SpecError


@contextmanager
def replacing_hdf5(path: str | Path, **options: Any) -> Iterator[h5py.File]:
    """An empty HDF5 file, in memory, that becomes ``path`` when the block succeeds.

    On a full disk HDF5 itself cannot close what it has opened: it prints every error
    and may end the process.

    Parameters
    ----------
    path : str or pathlib.Path
        As for `files.replacing`.
    **options
        Of `h5py.File`, such as ``libver``.

    Yields
    ------
    h5py.File
    """
    with replacing(path) as temporary:
        image = io.BytesIO()
        with h5py.File(image, "w", **options) as file:
            yield file
        temporary.write_bytes(image.getvalue())


def check_file(path: str | Path) -> None:
    """Refuse what is not there, and what HDF5 cannot seek in, such as a pipe.

    Raises
    ------
    SpecError
        Which says what it is.
    """
    if (reason := no_file(path)) is not None:
        raise SpecError(f"{path}: {reason}")
