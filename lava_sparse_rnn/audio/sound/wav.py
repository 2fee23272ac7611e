# SPDX-License-Identifier: BSD-3-Clause
"""Read any WAV, FLAC or OGG file as 16 kHz mono, whole, in pieces or in part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.sound.libsndfile import (
    BLOCK,
    UNKNOWN,
    blocks_of,
    content_of,
    opened,
    skip,
    take,
    take_all,
    told,
    told_of,
)
from lava_sparse_rnn.audio.sound.rate import SAMPLE_RATE
from lava_sparse_rnn.audio.sound.samples import check_level
from lava_sparse_rnn.audio.sound.writer import write
from lava_sparse_rnn.files import as_path
from lava_sparse_rnn.fixed_point import check_number, check_whole

__all__ = ["BLOCK", "PipeReader", "Reader", "WavInfo", "read", "read_parts", "write"]

_QUALITY = "HQ"  # of resampling

_LONGEST_PART = 86_400.0
"""Seconds of a part that is repeated until it is as long: a day."""

_HIGHEST = 10_000_000
"""Hz; libsndfile and soxr go further, and a second takes 40 MB there."""

_FULL_SCALE = 1.0 - 1.0 / 32768.0
"""Largest value of 16-bit audio; from there on a sample counts as clipped."""


@dataclass(frozen=True)
class WavInfo:
    """What a file held before it became 16 kHz mono.

    Attributes
    ----------
    path : str
    sample_rate : int
        Samples per second in the file.
    channels : int
        Channels in the file; more than one were averaged.
    seconds : float
        Duration.
    clipped : int
        Samples at or beyond full scale, over all channels.
    silent : bool
        Whether every sample is 0.
    target : int
        The rate that it was brought to.
    missing : int
        Samples of a channel that its header tells of and that are not there.
    """

    path: str
    sample_rate: int
    channels: int
    seconds: float
    clipped: int
    silent: bool
    target: int = SAMPLE_RATE
    missing: int = 0

    @property
    def resampled(self) -> bool:
        """Whether the rate was changed."""
        return self.sample_rate != self.target

    def notes(self) -> list[str]:
        """Return what a user should know, one line for each point."""
        found = []
        if self.missing:
            found.append(
                f"cut off: its header tells of {self.missing} samples more than came"
            )
        if self.resampled:
            found.append(f"resampled from {self.sample_rate} Hz to {self.target} Hz")
        if self.channels > 1:
            found.append(f"{self.channels} channels averaged to one")
        if self.clipped:
            found.append(f"{self.clipped} samples clipped")
        if self.silent:
            found.append("silent")
        return found


def _require_sound(x: np.ndarray, name: str, first: int = 0) -> None:
    bad = np.flatnonzero(~np.isfinite(x).all(axis=1 if x.ndim > 1 else ()))
    if len(bad):
        value = x[bad[0]] if x.ndim == 1 else x[bad[0]][~np.isfinite(x[bad[0]])][0]
        raise AudioError(
            f"{name}: sample {first + bad[0]} is {value}; "
            f"{len(bad)} samples are not finite"
        )
    check_level(x, name, first)


def read(path: str | Path, target: int = SAMPLE_RATE) -> tuple[np.ndarray, WavInfo]:
    """Read a file as mono, of 16 kHz if nothing else is said.

    Parameters
    ----------
    path : str or pathlib.Path
        WAV, FLAC, OGG or whatever else libsndfile knows.
    target : int
        The rate of the result, Hz.

    Returns
    -------
    samples : numpy.ndarray
        float32 (samples,), [-1, 1] unless the file itself goes beyond.
    info : WavInfo
        What was changed on the way and what stood out.

    Raises
    ------
    AudioError
        For a file that is missing, empty, not audio, without samples, or with samples
        that are not finite (the position is named).
    """
    path = as_path(path, error=AudioError)
    _check_target(target)
    content = content_of(path)
    with opened(path, content) as file:
        x, rate = take_all(path, file), file.samplerate
        frames = told_of(path, content, file)
    about = _Survey(path)
    about.add(x)
    mono = _mono(x)
    if rate != target:
        mono = soxr.resample(mono, rate, target, quality=_QUALITY)
    return mono, about.info(rate, target, frames)


def _check_target(target: int) -> None:
    check_whole("target", target, 1, _HIGHEST, error=AudioError)


def _mono(x: np.ndarray) -> np.ndarray:
    return x.mean(axis=1, dtype=np.float32) if x.shape[1] > 1 else x[:, 0].copy()


class _Survey:
    """What stands out in samples that come in pieces."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._frames = self._channels = self._clipped = 0
        self._silent = True

    def add(self, x: np.ndarray) -> None:
        """Take note of samples (n, channels), or refuse them."""
        _require_sound(x, self._path, self._frames)
        self._frames += len(x)
        self._channels = x.shape[1]
        self._clipped += int(np.count_nonzero(np.abs(x) >= _FULL_SCALE))
        self._silent = self._silent and not np.any(x)

    def info(self, rate: int, target: int, frames: int = 0) -> WavInfo:
        """All of it, of a file of that rate, and of the rate that it is brought to.

        ``frames`` is what the header tells of, 0 where it does not.
        """
        if not self._frames:
            raise AudioError(f"{self._path}: holds no samples")
        if not round(self._frames * target / rate):
            raise AudioError(
                f"{self._path}: holds {self._frames} samples at {rate} Hz, less than "
                f"one at {target} Hz"
            )
        return WavInfo(
            path=self._path,
            sample_rate=rate,
            channels=self._channels,
            seconds=self._frames / rate,
            clipped=self._clipped,
            silent=self._silent,
            target=target,
            missing=max(frames - self._frames, 0),
        )


class Reader:
    """A file as mono in pieces: the samples of `read`, in little memory.

    All of it is looked through first, so that what `read` refuses is refused at once;
    what comes out of a pipe is kept as it came.

    Parameters
    ----------
    path : str or pathlib.Path
    block : int
        Samples of a piece, as the file has them.
    target : int
        The rate of the pieces, Hz.

    Attributes
    ----------
    info : WavInfo
    samples : int
        At that rate, exact where the file has that rate and to one sample else.

    Raises
    ------
    AudioError
        As from `read`.
    """

    def __init__(
        self, path: str | Path, block: int = BLOCK, target: int = SAMPLE_RATE
    ) -> None:
        self._path = as_path(path, error=AudioError)
        self._block = check_whole("block", block, 1, error=AudioError)
        _check_target(target)
        self._content = content_of(self._path)
        with opened(self._path, self._content) as file:
            rate, frames = file.samplerate, told_of(self._path, self._content, file)
        about = _Survey(self._path)
        for x in self._blocks(max(block, BLOCK)):
            about.add(x)
        self.info = about.info(rate, target, frames)
        self.samples = round(self.info.seconds * target)

    def _blocks(self, size: int) -> Iterator[np.ndarray]:
        with opened(self._path, self._content) as file:
            yield from blocks_of(self._path, file, size)

    def __iter__(self) -> Iterator[np.ndarray]:
        """The pieces, float32 (samples,) each, from the beginning."""
        blocks = self._blocks(self._block)
        return _brought_to(self.info.target, self.info.sample_rate, blocks)


class PipeReader:
    """What comes out of a pipe as mono in pieces, while it comes.

    Parameters
    ----------
    name : str
        For errors.
    file : object
        With ``read``, ``seek`` and ``tell``: libsndfile looks beyond what has come,
        and then comes back.
    block : int
        Samples of a piece, as the file has them.
    target : int
        The rate of the pieces, Hz.

    Raises
    ------
    AudioError
        As from `read`, also while it is read.
    """

    def __init__(
        self, name: str, file: object, block: int, target: int = SAMPLE_RATE
    ) -> None:
        self._path, self._block, self._target = Path(name), block, target
        self._file = opened(self._path, file)
        self._about, self._told = _Survey(self._path), told(self._file)
        self._ended = False

    @property
    def info(self) -> WavInfo:
        """What was read until now; what is missing is known at the end."""
        frames = self._told if self._ended else 0
        return self._about.info(self._file.samplerate, self._target, frames)

    def __iter__(self) -> Iterator[np.ndarray]:
        """The pieces, float32 (samples,) each."""
        with self._file as file:
            yield from _brought_to(self._target, file.samplerate, self._blocks())

    def _blocks(self) -> Iterator[np.ndarray]:
        for x in blocks_of(self._path, self._file, self._block):
            self._about.add(x)
            yield x
        self._ended = True


def _brought_to(
    target: int, rate: int, blocks: Iterator[np.ndarray]
) -> Iterator[np.ndarray]:
    """Blocks (n, channels) of a rate as mono of another."""
    if rate == target:
        yield from map(_mono, blocks)
        return
    stream = soxr.ResampleStream(rate, target, 1, dtype="float32", quality=_QUALITY)
    for x in blocks:
        yield stream.resample_chunk(_mono(x))
    yield stream.resample_chunk(np.zeros(0, np.float32), last=True)


def read_parts(
    paths: Sequence[Path], at: float, seconds: float
) -> tuple[np.ndarray, ...]:
    """Read the same part of files that belong together, as 16 kHz mono.

    Only that part is read from disk. What is shorter than `seconds` is repeated.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        Of equal lengths and sampling rates.
    at : float
        Where the part begins, 0 (earliest) to 1 (latest possible place).
    seconds : float

    Returns
    -------
    tuple of numpy.ndarray
        float32 (samples,) of each file.

    Raises
    ------
    AudioError
        As `read` does, and for files that differ in length or rate.
    """
    check_number("at", at, least=0, most=1, error=AudioError)
    check_number("seconds", seconds, above=0, most=_LONGEST_PART, error=AudioError)
    count = round(seconds * SAMPLE_RATE)
    first: tuple[int, int] | None = None
    parts = []
    for path in paths:
        with opened(path, content_of(path), soundfile.SoundFile) as file:
            if file.frames == UNKNOWN:
                raise AudioError(f"{path}: does not tell its length")
            size = file.frames, file.samplerate
            if first is None:
                first = size
            if size != first:
                raise AudioError(
                    f"{path}: {size[0]} samples at {size[1]} Hz, {paths[0]} has "
                    f"{first[0]} at {first[1]} Hz"
                )
            wanted = min(round(seconds * size[1]), size[0])
            skip(path, file, round(at * (size[0] - wanted)))
            x = take(path, file, wanted)
        _require_sound(x, str(path))
        mono = x.mean(axis=1, dtype=np.float32)
        if size[1] != SAMPLE_RATE:
            mono = soxr.resample(mono, size[1], SAMPLE_RATE, quality=_QUALITY)
        parts.append(np.resize(mono, count))
    return tuple(parts)
