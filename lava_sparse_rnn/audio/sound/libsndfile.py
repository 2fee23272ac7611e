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
from lava_sparse_rnn.audio.sound import headers
from lava_sparse_rnn.files import kind_of, read_pipe
from lava_sparse_rnn.signals import uninterrupted

BLOCK = 1 << 16
"""Samples that are read at once."""

_NEAR = 1 << 18  # bytes of a header that a pipe can be gone back over

UNKNOWN = 2**63 - 1  # frames of a stream that does not tell


class Seekable(soundfile.SoundFile):
    """A file, and what it is read from where that is a file of Python's."""

    below: Any = None
    owned = False  # whether that is closed with it

    def close(self) -> None:
        super().close()
        _close(self.below, self.owned)


class Forward(Seekable):
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


def opened(path: Path, content: Any, kind: type[Seekable] = Forward) -> Seekable:
    """Open a path, the bytes of a file, or what can be read as one.

    Where its header tells of too few samples, all that are there are read.
    """
    owned = isinstance(content, Path | bytes)
    below = _below(path, content) if owned else content
    try:
        # soundfile's own way from a path is only for UTF-8.
        file = _begun(path, os.fsencode(content) if below is None else below, kind)
    except BaseException:
        _close(below, owned)
        raise
    file.below, file.owned = below, owned
    if file.frames == 0:
        file.close()
        raise AudioError(f"{path}: holds no samples")
    return file


def _begun(path: Path, content: Any, kind: type[Seekable]) -> Seekable:
    try:
        with uninterrupted():
            return kind(content)
    except soundfile.LibsndfileError as error:
        raise AudioError(f"{path}: not an audio file ({error.error_string})") from None
    except TypeError as error:
        # What soundfile takes for headerless samples, such as a name in ".raw".
        raise AudioError(
            f"{path}: has no header that tells its sampling rate ({error})"
        ) from None


def _close(below: Any, owned: bool) -> None:
    if owned and below is not None:
        below.close()


def _below(path: Path, content: Path | bytes) -> Any:
    """What Python reads for libsndfile; None where that reads a path itself."""
    file = _raw(path, content)
    try:
        found = headers.untold(file)
        file.seek(0)
        # Of one that is cut off the place has to be known.
        flac = file.read(4) == b"fLaC"
        file.seek(0)
    except OSError as error:
        file.close()
        raise AudioError(f"{path}: cannot be read ({error.strerror})") from error
    if found is not None:
        return _Fixed(file, found.fix)
    if flac or isinstance(content, bytes):
        return file
    file.close()
    return None


def unending(file: Any) -> Any:
    """What comes out of a pipe, to its end where its header tells of no samples.

    Its writer could not go back to the header when it knew how many they are.
    """
    found = headers.find(file, _NEAR)
    file.seek(0)
    return _Fixed(file, found.fix) if found and found.fix and not found.told else file


def _raw(path: Path, content: Path | bytes) -> BinaryIO:
    if isinstance(content, bytes):
        return io.BytesIO(content)
    try:
        return content.open("rb")
    except OSError as error:
        raise AudioError(f"{path}: cannot be read ({error.strerror})") from error


class _Fixed:
    """A file in which other bytes stand at some places."""

    def __init__(self, file: BinaryIO, fix: tuple[tuple[int, bytes], ...]) -> None:
        self._file, self._fix = file, fix
        self.seek, self.tell = file.seek, file.tell

    def close(self) -> None:
        self._file.close()

    def read(self, count: int) -> bytes:
        at = self._file.tell()
        data = bytearray(self._file.read(count))
        for place, new in self._fix:
            for i, byte in enumerate(new, place - at):
                if 0 <= i < len(data):
                    data[i] = byte
        return bytes(data)


_WIDTHS = {
    **dict.fromkeys(("PCM_S8", "PCM_U8", "ULAW", "ALAW"), 1.0),
    **{"PCM_16": 2.0, "PCM_24": 3.0, "PCM_32": 4.0, "FLOAT": 4.0, "DOUBLE": 8.0},
    # At most: blocks begin with some numbers of their own.
    **dict.fromkeys(("IMA_ADPCM", "MS_ADPCM", "G721_32", "NMS_ADPCM_32"), 0.6),
    **{"NMS_ADPCM_16": 0.3, "NMS_ADPCM_24": 0.45, "G723_24": 0.45, "G723_40": 0.7},
    "GSM610": 0.25,
}
"""Bytes of a sample."""
_CORRECTED = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU")
_MOST_TOLD = 2**31 - 2**16  # bytes: who does not know the length writes about 2 GB


def _most_told(file: soundfile.SoundFile) -> int:
    """Bytes of samples that a header may tell of and be believed."""
    return 2**50 if file.format in ("RF64", "W64") else _MOST_TOLD


def told(file: soundfile.SoundFile) -> int:
    """Frames that a header tells of; 0 where it does not or cannot be believed."""
    if file.format == "FLAC":
        return file.frames if file.frames < UNKNOWN else 0
    width = _WIDTHS.get(file.subtype, 0) * file.channels
    return file.frames if 0 < file.frames * width < _most_told(file) else 0


def told_of(path: Path, content: Path | bytes, file: Seekable) -> int:
    """`told` of an open file, also where less or more is there than its header says.

    libsndfile corrects that by the length of the file, unless it does not see an end.
    """
    if file.format not in _CORRECTED or file.subtype not in _WIDTHS:
        return told(file)
    with _raw(path, content) as raw:
        if file.format in ("W64", "AU") or fixed(file):
            return _frames(file, headers.find(raw))  # libsndfile does not say it
        with opened(path, _Told(raw)) as endless:
            return told(endless)


def _frames(file: Seekable, found: headers.Samples | None) -> int:
    """Those of so many bytes; exact where samples do not share theirs."""
    if found is None or (found.told > found.there and found.told > _most_told(file)):
        return 0
    width = _WIDTHS[file.subtype] * file.channels
    if width.is_integer():
        return int(found.told // width)
    return round(file.frames * found.told / found.there)


def fixed(file: Seekable) -> bool:
    """Whether its header tells of fewer samples than are there."""
    return isinstance(file.below, _Fixed)


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


def take(path: Path, file: Seekable, frames: int) -> np.ndarray:
    """The next samples, float32 (at most frames, channels)."""
    with named(path):
        if file.format != "FLAC":
            return file.read(frames, dtype="float32", always_2d=True)
        x = np.empty((frames, file.channels), np.float32)
        before = file.tell()
        try:
            return file.read(frames, out=x)
        except soundfile.LibsndfileError as error:
            there = file.tell()
            if there == 0:
                raise
            if file.below is None or file.below.read(1):
                seconds = there / file.samplerate
                raise AudioError(
                    f"{path}: damaged after {seconds:.2f} s ({error.error_string})"
                ) from None
            return x[: there - before]  # it is cut off: what had come is used


def take_all(path: Path, file: Seekable) -> np.ndarray:
    """All samples; also of a stream whose header does not tell how many."""
    if file.frames < UNKNOWN:
        return take(path, file, file.frames)
    none = np.zeros((0, file.channels), np.float32)
    return np.concatenate([none, *blocks_of(path, file, BLOCK)])


def blocks_of(path: Path, file: Seekable, size: int) -> Iterator[np.ndarray]:
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
