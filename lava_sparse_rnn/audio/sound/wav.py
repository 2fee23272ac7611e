# SPDX-License-Identifier: BSD-3-Clause
"""Read any WAV, FLAC or OGG file as 16 kHz mono, whole, in pieces or in part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import soxr

from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.sound.libsndfile import (
    BLOCK,
    UNKNOWN,
    Seekable,
    blocks_of,
    content_of,
    fixed,
    opened,
    skip,
    take,
    take_all,
    told,
    told_of,
    unending,
)
from lava_sparse_rnn.audio.sound.rate import SAMPLE_RATE
from lava_sparse_rnn.audio.sound.survey import Survey, WavInfo, mono, require_sound
from lava_sparse_rnn.audio.sound.writer import write
from lava_sparse_rnn.files import as_path
from lava_sparse_rnn.fixed_point import check_number, check_whole

__all__ = ["BLOCK", "PipeReader", "Reader", "WavInfo", "read", "read_parts", "write"]

_QUALITY = "HQ"  # of resampling

_LONGEST_PART = 86_400.0
"""Seconds of a part that is repeated until it is as long: a day."""

_HIGHEST = 10_000_000
"""Hz; libsndfile and soxr go further, and a second takes 40 MB there."""


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
        header = told_of(path, content, file), fixed(file)
    about = Survey(path)
    about.add(x)
    samples = mono(x)
    if rate != target:
        samples = soxr.resample(samples, rate, target, quality=_QUALITY)
    return samples, about.info(rate, target, *header)


def _check_target(target: int) -> None:
    check_whole("target", target, 1, _HIGHEST, error=AudioError)


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
    most : int
        So many at most.

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
            rate = file.samplerate
            header = told_of(self._path, self._content, file), fixed(file)
        about = Survey(self._path)
        for x in self._blocks(max(block, BLOCK)):
            about.add(x)
        self.info = about.info(rate, target, *header)
        self.samples = round(self.info.seconds * target)
        self.most = self.samples + 1

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
        self._file = opened(self._path, unending(file))
        self._about, self._told = Survey(self._path), told(self._file)
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
        yield from map(mono, blocks)
        return
    stream = soxr.ResampleStream(rate, target, 1, dtype="float32", quality=_QUALITY)
    for x in blocks:
        yield stream.resample_chunk(mono(x))
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
        with opened(path, content_of(path), Seekable) as file:
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
        if len(x) < wanted:
            raise AudioError(
                f"{path}: cut off: its header tells of {size[0]} samples, some of the "
                "part that is read are not there"
            )
        require_sound(x, str(path))
        part = x.mean(axis=1, dtype=np.float32)
        if size[1] != SAMPLE_RATE:
            part = soxr.resample(part, size[1], SAMPLE_RATE, quality=_QUALITY)
        parts.append(np.resize(part, count))
    return tuple(parts)
