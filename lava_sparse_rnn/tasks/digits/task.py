# SPDX-License-Identifier: BSD-3-Clause
"""Digits that people say: the Free Spoken Digit Dataset, or recordings named alike."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.sound import wav
from lava_sparse_rnn.audio.sound.mel import LogMel
from lava_sparse_rnn.tasks._sequences import Parts, Sequences
from lava_sparse_rnn.tasks.arrays import Arrays, SequenceConfig
from lava_sparse_rnn.tasks.digits.variation import varied
from lava_sparse_rnn.train.sections import FREE, FilePath
from lava_sparse_rnn.train.tasks import RawBatch

NAME = re.compile(r"(?P<digit>\d)_(?P<speaker>[^_]+)_(?P<number>\d+)\.wav")
"""How a recording is named: ``7_jackson_32.wav``."""

TEST, VALIDATION = range(5), range(5, 10)
"""Numbers of each digit and speaker that are kept apart, the first by the set's own
rule."""


class DigitsConfig(SequenceConfig):
    """Recordings of digits, and how a training hears them."""

    path: FilePath | None = Field(
        default=None,
        description="folder of {digit}_{speaker}_{number}.wav",
        json_schema_extra=FREE,
    )
    head: Literal["sequence", "mean", "last"] = "mean"
    held_out: str | None = Field(
        default=None,
        description="a speaker who is the test set and not trained on; else numbers 0 "
        "to 4 of each digit and speaker are",
    )
    bands: int = Field(default=32, ge=4, le=64, description="of the mel scale, a token")
    seconds: float = Field(
        default=1.0, gt=0, le=10, description="after which a recording is cut"
    )
    vary: bool = Field(
        default=True, description="a recording sounds otherwise every time it is heard"
    )


@dataclass(frozen=True)
class Recording:
    """One file and what its name says."""

    path: Path
    digit: int
    speaker: str
    number: int


def recordings(folder: Path) -> list[Recording]:
    """Recordings of a folder in the order of their names.

    Raises
    ------
    ValueError
        If there are none.
    """
    found = []
    for path in sorted(folder.rglob("*.wav")):
        if match := NAME.fullmatch(path.name):
            digit, number = int(match["digit"]), int(match["number"])
            found.append(Recording(path, digit, match["speaker"], number))
    if not found:
        raise ValueError(
            f"data.path: {folder} holds no recordings named like 7_jackson_32.wav"
        )
    return found


def part_of(recording: Recording, held_out: str | None) -> str:
    """The part of the set that a recording is in: train, validation or test."""
    if held_out is not None and recording.speaker == held_out:
        return "test"
    if held_out is None and recording.number in TEST:
        return "test"
    return "validation" if recording.number in VALIDATION else "train"


class Digits(Arrays):
    """Which digit is said; one answer a recording.

    Numbers 5 to 9 of each digit and speaker are what a training watches.
    """

    Settings = DigitsConfig
    settings: DigitsConfig
    token_s = LogMel().stft.hop_length / wav.SAMPLE_RATE
    classes = (
        *("zero", "one", "two", "three", "four"),
        *("five", "six", "seven", "eight", "nine"),
    )

    @classmethod
    def read(cls, settings: DigitsConfig) -> Parts:
        """See `Arrays`."""
        found = recordings(Path(settings.path or ""))
        speakers = {one.speaker for one in found}
        if settings.held_out is not None and settings.held_out not in speakers:
            raise ValueError(
                f"data.held_out is {settings.held_out!r}; the speakers of "
                f"{settings.path} are {', '.join(sorted(speakers))}"
            )
        parts: dict[str, list[Recording]] = {"train": [], "validation": [], "test": []}
        for one in found:
            parts[part_of(one, settings.held_out)].append(one)
        for name, of in parts.items():
            if not of:
                raise ValueError(
                    f"data.path: {settings.path} holds no recordings for {name}; each "
                    "digit and speaker needs numbers 0 to 10 and more"
                )
        front = front_end(settings.bands)
        return Parts(*(_sequences(of, front, settings) for of in parts.values()))

    def vary(self, batch: RawBatch, rng: np.random.Generator) -> RawBatch:
        """See `Arrays`: louder, faster, higher, noisier, with parts missing."""
        return varied(batch, self._mean, rng) if self.settings.vary else batch


@functools.lru_cache(maxsize=4)
def front_end(bands: int) -> LogMel:
    """What makes tokens of a recording: 32 ms every 16 ms, to 4 kHz."""
    return LogMel(bands)


def tokens(path: Path, front: LogMel, seconds: float) -> NDArray[np.float32]:
    """Tokens (T, bands) of a recording, cut after so many seconds.

    Raises
    ------
    ValueError
        If the file cannot be read.
    """
    try:
        samples, _ = wav.read(path)
    except AudioError as error:
        raise ValueError(f"data.path: {error}") from None
    return front(samples[: round(seconds * wav.SAMPLE_RATE)])


def _sequences(
    found: list[Recording], front: LogMel, settings: DigitsConfig
) -> Sequences:
    heard = [tokens(one.path, front, settings.seconds) for one in found]
    lengths = np.array([len(x) for x in heard])
    x = np.zeros((len(heard), lengths.max(), front.bands), np.float32)
    for row, one in zip(x, heard, strict=True):
        row[: len(one)] = one
    y = np.array([one.digit for one in found])
    if settings.head == "sequence":
        y = np.repeat(y[:, None], x.shape[1], axis=1)
    return Sequences.of(x, y, lengths, settings.head, "cross_entropy")
