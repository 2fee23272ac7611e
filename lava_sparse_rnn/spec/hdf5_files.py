# SPDX-License-Identifier: BSD-3-Clause
"""HDF5 files: written whole or not at all, read, and no signal is lost meanwhile."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import h5py

from lava_sparse_rnn.files import as_path, in_words, kind_of, read_pipe, replacing
from lava_sparse_rnn.fixed_point import SpecError
from lava_sparse_rnn.signals import uninterrupted

T = TypeVar("T")


def replace_hdf5(
    path: str | Path, write: Callable[[h5py.File], object], **options: Any
) -> None:
    """Make or replace a file by what a function writes, when that has succeeded.

    On a full disk HDF5 itself cannot close what it has opened: it prints every error
    and may end the process.

    Parameters
    ----------
    path : str or pathlib.Path
        As for `files.replacing`.
    write, **options
        As for `written`.
    """
    with replacing(as_path(path, error=SpecError)) as temporary:
        temporary.write_bytes(written(write, **options))


@uninterrupted()
def written(write: Callable[[h5py.File], object], **options: Any) -> bytes:
    """An HDF5 file, in memory, of what a function writes.

    Parameters
    ----------
    write : callable
        Gets the file, empty; signals wait until it has written.
    **options
        Of `h5py.File`, such as ``libver``.
    """
    image = io.BytesIO()
    with h5py.File(image, "w", **options) as file:
        write(file)
    return image.getvalue()


@uninterrupted()
def read_from(source: Path | bytes | io.BytesIO, read: Callable[[h5py.File], T]) -> T:
    """What a function reads of an HDF5 file, or of the bytes of one.

    Parameters
    ----------
    source : path, bytes or io.BytesIO
        As `readable` gives it, or `written`.
    read : callable
        Gets the file, open; signals wait until it has read.
    """
    content = io.BytesIO(source) if isinstance(source, bytes) else source
    with h5py.File(content, "r") as file:
        return read(file)


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
