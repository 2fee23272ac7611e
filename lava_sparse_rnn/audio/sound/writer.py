# SPDX-License-Identifier: BSD-3-Clause
"""Write 16 kHz mono, whole or in pieces, as the name says: WAV, FLAC or OGG."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np

from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.sound.libsndfile import Forward
from lava_sparse_rnn.audio.sound.rate import SAMPLE_RATE
from lava_sparse_rnn.audio.sound.samples import check_samples
from lava_sparse_rnn.files import as_path, replacing, target_of
from lava_sparse_rnn.signals import uninterrupted

FORMATS = {
    ".wav": ("WAV", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".ogg": ("OGG", "VORBIS"),
}
"""Suffix to libsndfile's names of a format and its samples."""

_PIECE = 1 << 14  # samples at once: libsndfile's Vorbis keeps a call's on the stack
_LONGEST_WAV = 2**32 - 1  # bytes that its header can tell
_LONG_WAV = ("RF64", "PCM_16")
_WAV_HEAD = 44  # bytes


def format_of(path: str | Path) -> tuple[str, str]:
    """Format and kind of samples that belong to a name.

    What is no file (a device, a pipe) gets WAV whatever its name.

    Raises
    ------
    AudioError
        For another suffix or none, and what cannot be written into.
    """
    path = as_path(path, error=AudioError)
    found = FORMATS.get(path.suffix.lower())
    if found is not None:
        return found
    try:
        if os.path.exists(path) and target_of(path) is None:
            return FORMATS[".wav"]
    except OSError as error:
        raise AudioError(str(error)) from None
    raise AudioError(
        f"{path}: suffix {path.suffix!r} is no kind of sound that is written, must "
        f"be one of: {', '.join(FORMATS)}"
    )


def to_pcm16(samples: np.ndarray) -> tuple[np.ndarray, int]:
    """Samples as little-endian 16-bit integers, and how many of them were clipped."""
    clipped = int(np.count_nonzero(np.abs(samples) > 1.0))
    scaled = np.round(samples.astype(np.float64) * 32768.0)
    return np.clip(scaled, -32768, 32767).astype("<i2"), clipped


def kind_for(path: str | Path, samples: int) -> tuple[str, str]:
    """`format_of` a recording of so many samples: RF64 is a WAV file beyond 4 GiB.

    Parameters
    ----------
    path : str or pathlib.Path
    samples : int
        As many at most, or 0 where nobody knows.
    """
    kind = format_of(path)
    long = _WAV_HEAD + 2 * samples > _LONGEST_WAV
    return _LONG_WAV if long and kind[0] == "WAV" else kind


class _Raw:
    """The file below libsndfile, which tells of an error only that there was one."""

    def __init__(self, file: FileIO, longest: int | None) -> None:
        self._file, self._longest = file, longest
        self.error: BaseException | None = None
        self.seek, self.tell, self.readinto = file.seek, file.tell, file.readinto
        self.read = file.read

    def write(self, data: bytes) -> int:
        """Write all of it or nothing; where that fails, keep the error and go on."""
        at, done = self._file.tell(), 0
        try:
            if self._longest and at + len(data) > self._longest:
                raise OSError("a WAV file holds 4 GiB, .flac and .ogg hold more")
            while done < len(data):
                done += self._file.write(data[done:]) or 0
        except BaseException as error:  # also Ctrl-C: it may not leave a C callback
            self.error = self.error or error
            if at + done >= self._file.seek(0, os.SEEK_END):
                self._file.truncate(at)  # half a frame could not be read
            self._file.seek(at)
            return 0
        return done


class Writer:
    """A sound file that is being written; see `writing`.

    Attributes
    ----------
    clipped : int
        Samples so far that were beyond full scale.
    written : int
        Samples so far.
    format : str
        libsndfile's name of it.
    """

    def __init__(
        self, path: Path, raw: FileIO, kind: tuple[str, str], rate: int = SAMPLE_RATE
    ) -> None:
        self.path, self.clipped, self.written = path, 0, 0
        self.format = kind[0]
        self._raw = _Raw(raw, _LONGEST_WAV if kind[0] == "WAV" else None)
        below: Any = self._raw
        with self._told():
            self._file = Forward(below, "w", rate, 1, format=kind[0], subtype=kind[1])

    def write(self, samples: np.ndarray) -> None:
        """Append samples, float (n,); what is beyond [-1, 1] is clipped.

        Raises
        ------
        AudioError
            For a wrong shape or type, samples that are not finite, or when the file
            cannot be written.
        """
        data, clipped = to_pcm16(check_samples(samples, str(self.path)))
        self.clipped += clipped
        for at in range(0, len(data), _PIECE):
            piece = data[at : at + _PIECE]
            with self._told():
                self._file.write(piece)
            self.written += len(piece)

    def close(self) -> None:
        """Write what the format has at its end and in its header."""
        with self._told():
            self._file.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            with uninterrupted():
                yield
        except (RuntimeError, AssertionError) as error:
            self._raw.error = self._raw.error or error
        error, self._raw.error = self._raw.error, None
        if error is not None and not isinstance(error, Exception):
            raise error
        if error is not None:
            text = getattr(error, "strerror", None) or error
            raise AudioError(f"{self.path}: cannot be written ({text})") from error


@contextmanager
def writing(
    path: str | Path, keep: bool = False, rate: int = SAMPLE_RATE, samples: int = 0
) -> Iterator[Writer]:
    """Write a sound file piece by piece.

    The file appears under its name only when it is complete, so when the block
    succeeds.

    Parameters
    ----------
    path : str or pathlib.Path
        Its suffix says the format, see `FORMATS`.
    keep : bool
        Whether the file also gets its name when only its end cannot be written.
    rate : int
        Hz.
    samples : int
        As many at most, where that is known: a WAV file that would be longer than its
        header can tell becomes RF64, its successor. 0 where it is not; such a file ends
        in an error when it is full.

    Yields
    ------
    Writer

    Raises
    ------
    AudioError
        For another suffix or none, or when the file cannot be written.
    """
    path = as_path(path, error=AudioError)
    kind, failed = kind_for(path, samples), None
    try:
        with replacing(path) as part, open(part, "r+b", buffering=0) as raw:
            writer = Writer(path, raw, kind, rate)
            try:
                yield writer
            finally:
                try:
                    writer.close()
                except AudioError as error:
                    failed = error
            if failed is not None and not keep:
                raise failed
    except OSError as error:
        if error.filename != str(path):
            raise
        raise AudioError(f"{path}: cannot be written ({error.strerror})") from error
    if failed is not None:
        raise failed


def write(path: str | Path, samples: np.ndarray) -> int:
    """Write 16 kHz mono in 16 bits; the suffix says the format, see `FORMATS`.

    The file appears under its name only when it is complete.

    Parameters
    ----------
    path : str or pathlib.Path
    samples : numpy.ndarray
        float (samples,); what is beyond [-1, 1] is clipped.

    Returns
    -------
    int
        Samples that were clipped.

    Raises
    ------
    AudioError
        For a wrong shape or type, samples that are not finite, another suffix, or when
        the file cannot be written.
    """
    path = as_path(path, error=AudioError)
    samples = check_samples(samples, str(path))
    with writing(path, samples=len(samples)) as writer:
        writer.write(samples)
    return writer.clipped
