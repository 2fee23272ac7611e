# SPDX-License-Identifier: BSD-3-Clause
"""HDF5 files that appear whole or not at all."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from lava_sparse_rnn.files import as_path, in_words, kind_of, read_pipe, replacing
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
    with replacing(as_path(path, error=SpecError)) as temporary:
        image = io.BytesIO()
        with h5py.File(image, "w", **options) as file:
            yield file
        temporary.write_bytes(image.getvalue())


def readable(path: str | Path) -> Path | io.BytesIO:
    """What `h5py.File` reads: the file, or all that comes out of a pipe.

    HDF5 seeks in what it reads, which a pipe does not allow.

    Raises
    ------
    SpecError
        When there is nothing, or what is neither file nor pipe; it says what it is.
    """
    path = as_path(path, error=SpecError)
    try:
        kind = kind_of(path)
        if kind in ("a pipe", "a socket"):
            return io.BytesIO(read_pipe(path))
    except FileNotFoundError:
        raise SpecError(f"{path}: no such file") from None
    except OSError as error:
        text = in_words(path, error.errno, error.strerror)
        raise SpecError(text) from error
    if kind != "a file":
        raise SpecError(f"{path}: is {kind}, a file is needed")
    return path
