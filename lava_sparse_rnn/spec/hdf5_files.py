# SPDX-License-Identifier: BSD-3-Clause
"""HDF5 files: written whole or not at all, read, and no signal is lost meanwhile."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import h5py

from lava_sparse_rnn.files import as_path, in_words, kind_of, read_pipe, replacing
from lava_sparse_rnn.fixed_point import SpecError
from lava_sparse_rnn.signals import uninterrupted

T = TypeVar("T")

NO_NETWORK = "not a readable network description"
SIGNATURE = b"\x89HDF\r\n\x1a\n"


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


def readable(path: str | Path, refusal: str = NO_NETWORK) -> Path | io.BytesIO:
    """What `h5py.File` reads: the file, or all that comes out of a pipe.

    HDF5 seeks in what it reads, which a pipe does not allow.

    Parameters
    ----------
    path : str or pathlib.Path
    refusal : str
        What a file of another kind is not.

    Raises
    ------
    SpecError
        When there is nothing, or what is neither file nor pipe; it says what it is.
        When it is no HDF5 file.
    """
    path = as_path(path, error=SpecError)
    source: Path | io.BytesIO = path
    try:
        kind = kind_of(path)
        if kind in ("a pipe", "a socket"):
            source, kind = io.BytesIO(read_pipe(path)), "a file"
        begins = kind != "a file" or _is_hdf5(source)
    except FileNotFoundError:
        raise SpecError(f"{path}: no such file") from None
    except OSError as error:
        text = in_words(path, error.errno, error.strerror)
        raise SpecError(text) from error
    if kind != "a file":
        raise SpecError(f"{path}: is {kind}, a file is needed")
    if not begins:
        raise SpecError(f"{path}: {refusal}, it is no HDF5 file")
    return source


def said_of(error: Exception) -> str:
    """What h5py says; of a file that was cut off, without HDF5's own names."""
    cut = re.search(r"truncated file: eof = (\d+).*stored_eof = (\d+)", str(error))
    if cut is None:
        return str(error)
    return f"cut off: {cut[1]} bytes are there, of {cut[2]}"


def _is_hdf5(source: Path | io.BytesIO) -> bool:
    """Whether it begins as HDF5 does: at 0, 512, 1024, 2048 and so on, the format."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            return _begins(file)
    try:
        return _begins(source)
    finally:
        source.seek(0)


def _begins(file: BinaryIO) -> bool:
    end, place = file.seek(0, io.SEEK_END), 0
    while place < end:
        file.seek(place)
        if file.read(len(SIGNATURE)) == SIGNATURE:
            return True
        place = max(2 * place, 512)
    return False
