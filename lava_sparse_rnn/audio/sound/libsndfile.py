# SPDX-License-Identifier: BSD-3-Clause
"""Files of libsndfile, and what it reads of them with errors that name the file."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile

from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.files import kind_of, read_pipe
from lava_sparse_rnn.signals import uninterrupted

BLOCK = 1 << 16
"""Samples that are read at once."""

UNKNOWN = 2**63 - 1  # frames of a stream that does not tell


class Forward(soundfile.SoundFile):
    """A file that only goes on: libsndfile cannot seek in all that it knows."""

    def seekable(self) -> bool:
        return False


def content_of(path: Path) -> Path | bytes:
    """The path of a file, or all that comes out of a pipe."""
    try:
        kind = kind_of(path)
        if kind not in ("a file", "a pipe", "a socket"):
            raise AudioError(f"{path}: is {kind}, an audio file is needed")
        content = path if kind == "a file" else read_pipe(path)
        size = path.stat().st_size if isinstance(content, Path) else len(content)
        if isinstance(content, Path) and not os.access(path, os.R_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except FileNotFoundError:
        raise AudioError(f"{path}: not found") from None
    except OSError as error:
        raise AudioError(f"{path}: cannot be read ({error.strerror})") from error
    if size == 0:
        raise AudioError(f"{path}: empty file")
    return content


def opened(
    path: Path,
    content: Any,
    kind: type[soundfile.SoundFile] = Forward,
) -> soundfile.SoundFile:
    """Open a path, the bytes of a file, or what can be read as one."""
    if isinstance(content, Path):
        content = os.fsencode(content)  # soundfile's own way is only for UTF-8
    elif isinstance(content, bytes):
        content = io.BytesIO(content)
    try:
        with uninterrupted():
            file = kind(content)
    except soundfile.LibsndfileError as error:
        raise AudioError(f"{path}: not an audio file ({error.error_string})") from None
    except TypeError as error:
        # What soundfile takes for headerless samples, such as a name in ".raw".
        raise AudioError(
            f"{path}: has no header that tells its sampling rate ({error})"
        ) from None
    if file.frames == 0:
        file.close()
        raise AudioError(f"{path}: holds no samples")
    return file


_WIDTHS = {
    **dict.fromkeys(("PCM_S8", "PCM_U8"), 1),
    **{"PCM_16": 2, "PCM_24": 3, "PCM_32": 4},
    **{"FLOAT": 4, "DOUBLE": 8},
}
_CORRECTED = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU")
_MOST_TOLD = 2**31 - 2**16  # bytes: who does not know the length writes about 2 GB


def told(file: soundfile.SoundFile) -> int:
    """Frames that a header tells of; 0 where it does not or cannot be believed."""
    width = _WIDTHS.get(file.subtype, 0) * file.channels
    return file.frames if 0 < file.frames * width < _MOST_TOLD else 0


def told_of(path: Path, content: Path | bytes, file: soundfile.SoundFile) -> int:
    """`told` of an open file, also where less is there than its header says.

    libsndfile corrects that by the length of the file, unless it does not see an end.
    """
    if file.format not in _CORRECTED or file.subtype not in _WIDTHS:
        return told(file)
    raw = path.open("rb") if isinstance(content, Path) else io.BytesIO(content)
    with raw, opened(path, _Told(raw)) as endless:
        return told(endless)


class EndlessFile:
    """What libsndfile reads as a file of which it never sees the end."""

    def __init__(self) -> None:
        self._at = 0  # the place of the next byte

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + (0, self._at, 1 << 62)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def write(self, data: bytes) -> int:
        return 0


class _Told(EndlessFile):
    """A file that seems to go on: reading beyond its end gives nothing."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file, self._size = file, file.seek(0, os.SEEK_END)

    def read(self, count: int) -> bytes:
        self._file.seek(min(self._at, self._size))
        data = self._file.read(count)
        self._at += len(data)
        return data


def take(path: Path, file: soundfile.SoundFile, frames: int) -> np.ndarray:
    """The next samples, float32 (at most frames, channels)."""
    with named(path):
        return file.read(frames, dtype="float32", always_2d=True)


def take_all(path: Path, file: soundfile.SoundFile) -> np.ndarray:
    """All samples; also of a stream whose header does not tell how many."""
    if file.frames < UNKNOWN:
        return take(path, file, file.frames)
    none = np.zeros((0, file.channels), np.float32)
    return np.concatenate([none, *blocks_of(path, file, BLOCK)])


def blocks_of(path: Path, file: soundfile.SoundFile, size: int) -> Iterator[np.ndarray]:
    """The samples that are left, so many at once."""
    while len(x := take(path, file, size)):
        yield x


def skip(path: Path, file: soundfile.SoundFile, frames: int) -> None:
    """Pass over samples."""
    with named(path):
        file.seek(frames) if file.seekable() else file.read(frames)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Let an error of libsndfile name the file, and let signals wait."""
    try:
        with uninterrupted():
            yield
    except RuntimeError as error:
        text = getattr(error, "error_string", error)
        raise AudioError(f"{path}: not an audio file ({text})") from None
