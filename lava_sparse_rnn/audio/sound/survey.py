# SPDX-License-Identifier: BSD-3-Clause
"""What a recording held before it became mono of another rate, and what stands out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.sound.rate import SAMPLE_RATE
from lava_sparse_rnn.audio.sound.samples import check_level

_CANCELLED = 10.0
"""Decibels that channels without anything in common never lose but by cancelling."""

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
    untold : int
        Samples of a channel that are there beyond those that its header tells of.
    cancelled : float
        Decibels that the mean is below the channels, where they cancel each other;
        ``inf`` where nothing is left, 0 where they do not.
    """

    path: str
    sample_rate: int
    channels: int
    seconds: float
    clipped: int
    silent: bool
    target: int = SAMPLE_RATE
    missing: int = 0
    untold: int = 0
    cancelled: float = 0.0

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
        if self.untold:
            there = round(self.seconds * self.sample_rate)
            found.append(
                f"its header tells of {there - self.untold} samples, all {there} that "
                "are there were read"
            )
        if self.resampled:
            found.append(f"resampled from {self.sample_rate} Hz to {self.target} Hz")
        if self.channels > 1:
            found.append(f"{self.channels} channels averaged to one")
        if self.cancelled:
            left = (
                f"{self.cancelled:g} dB below them"
                if math.isfinite(self.cancelled)
                else "silent"
            )
            found.append(f"the channels cancel each other: their mean is {left}")
        if self.clipped:
            found.append(f"{self.clipped} samples clipped")
        if self.silent:
            found.append("silent")
        return found


def require_sound(x: np.ndarray, name: str, first: int = 0) -> None:
    """Refuse what is not finite, and what `check_level` refuses."""
    bad = np.flatnonzero(~np.isfinite(x).all(axis=1 if x.ndim > 1 else ()))
    if len(bad):
        value = x[bad[0]] if x.ndim == 1 else x[bad[0]][~np.isfinite(x[bad[0]])][0]
        raise AudioError(
            f"{name}: sample {first + bad[0]} is {value}; "
            f"{len(bad)} samples are not finite"
        )
    check_level(x, name, first)


def mono(x: np.ndarray) -> np.ndarray:
    """The mean (n,) of channels (n, channels)."""
    return x.mean(axis=1, dtype=np.float32) if x.shape[1] > 1 else x[:, 0].copy()


class Survey:
    """What stands out in samples that come in pieces."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._frames = self._channels = self._clipped = 0
        self._silent = True
        self._powers = np.zeros(2)  # sums: of the channels' mean, of the channels

    def add(self, x: np.ndarray) -> None:
        """Take note of samples (n, channels), or refuse them."""
        require_sound(x, self._path, self._frames)
        self._frames += len(x)
        self._channels = x.shape[1]
        self._clipped += int(np.count_nonzero(np.abs(x) >= _FULL_SCALE))
        self._silent = self._silent and not np.any(x)
        if self._channels > 1:
            self._powers += [np.vdot(y, y) for y in (mono(x), x.ravel())]

    def _cancelled(self) -> float:
        """Decibels, beyond those that the mean of unlike channels loses; else 0."""
        mean, all_of = self._powers
        if not all_of:
            return 0.0
        if not mean:
            return math.inf
        lost = 10 * math.log10(all_of / self._channels / mean)
        unlike = 10 * math.log10(self._channels)
        return float(round(lost)) if lost > unlike + _CANCELLED else 0.0

    def info(
        self, rate: int, target: int, frames: int = 0, short: bool = False
    ) -> WavInfo:
        """All of it, of a file of that rate, and of the rate that it is brought to.

        ``frames`` is what the header tells of, 0 where it does not; with ``short`` it
        tells of less than is there.
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
            untold=max(self._frames - frames, 0) if short else 0,
            cancelled=self._cancelled(),
        )
