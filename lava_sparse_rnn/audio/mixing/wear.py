# SPDX-License-Identifier: BSD-3-Clause
"""What microphones, gain controls and lines do to a mixture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.mixing import augment
from lava_sparse_rnn.audio.sound.fft import irfft, rfft, rfftfreq
from lava_sparse_rnn.audio.sound.rate import SAMPLE_RATE

_RAMP = 320  # samples: a gain moves within 20 ms
_LEAST_LEFT = 0.02  # of the speech's energy, in a mixture that is muted
_MU = 255.0  # of G.711's law, here as a formula and in 8 bits


@dataclass(frozen=True)
class Wear:
    """Shares of the mixtures that are worn in each way.

    Attributes
    ----------
    clip : float
        Clipped at 0.1 to 0.7 of the peak; what is clean stays whole.
    gain : float
        The gain of mixture and clean speech steps one to three times, by at most 12 dB.
    line : float
        Both end at 3 to 7.5 kHz and begin at 50 to 300 Hz; half of these mixtures are
        sent in 8 bits by the mu law, too.
    mute : float
        Nothing comes for a while, a tenth to three quarters of the mixture; half of
        these begin with that. Those that would lose their speech by it stay whole.
    """

    clip: float = 0.0
    gain: float = 0.0
    line: float = 0.0
    mute: float = 0.0

    def __post_init__(self) -> None:
        for name in ("clip", "gain", "line", "mute"):
            if not 0 <= getattr(self, name) <= 1:
                raise AudioError(f"{name} {getattr(self, name)}: must lie in 0..1")


def worn(
    rng: np.random.Generator, noisy: np.ndarray, clean: np.ndarray, wear: Wear
) -> tuple[np.ndarray, np.ndarray]:
    """Wear some rows of a batch.

    Parameters
    ----------
    rng : numpy.random.Generator
        Untouched when all shares are 0.
    noisy, clean : numpy.ndarray
        float32 (rows, samples) in [-1, 1]; overwritten.
    wear : Wear

    Returns
    -------
    tuple of numpy.ndarray
        noisy and clean, float32 (rows, samples) in [-1, 1].
    """
    changes = (
        *((wear.clip, _clip), (wear.gain, _step)),
        *((wear.line, _line), (wear.mute, _mute)),
    )
    for share, change in changes:
        if share:
            for row in np.flatnonzero(rng.random(len(noisy)) < share):
                change(rng, noisy[row], clean[row])
    return noisy, clean


def _clip(rng: np.random.Generator, noisy: np.ndarray, clean: np.ndarray) -> None:
    limit = np.float32(rng.uniform(0.1, 0.7)) * np.max(np.abs(noisy))
    np.clip(noisy, -limit, limit, out=noisy)


def _step(rng: np.random.Generator, noisy: np.ndarray, clean: np.ndarray) -> None:
    count = int(rng.integers(1, 4))
    at = np.sort(rng.integers(0, len(noisy), count))
    levels = rng.uniform(-12.0, 0.0, count + 1)  # down only: nothing may clip
    places = np.column_stack([at, at + _RAMP]).ravel()
    values = np.column_stack([levels[:-1], levels[1:]]).ravel()
    gains = np.interp(np.arange(len(noisy)), np.maximum.accumulate(places), values)
    gains = (10.0 ** (gains / 20.0)).astype(np.float32)
    noisy *= gains
    clean *= gains


def _mute(rng: np.random.Generator, noisy: np.ndarray, clean: np.ndarray) -> None:
    where = augment.silent(rng, len(noisy))
    energy, lost = (float(np.dot(x, x)) for x in (clean, clean[where]))
    if lost > (1 - _LEAST_LEFT) * energy:
        return
    for x in (noisy, clean):
        x[where] = 0.0


def _line(rng: np.random.Generator, noisy: np.ndarray, clean: np.ndarray) -> None:
    hz = rfftfreq(len(noisy), 1.0 / SAMPLE_RATE)
    high, low = rng.uniform(3000.0, 7500.0), rng.uniform(50.0, 300.0)
    gains = (1.0 + (hz / high) ** 32) ** -0.5 * (1.0 - 1.0 / (1.0 + (hz / low) ** 4))
    gains = gains.astype(np.float32)
    for x in (noisy, clean):
        x[:] = irfft(rfft(x) * gains, len(x))
    peak = max(np.max(np.abs(noisy)), np.max(np.abs(clean)))
    if peak > 1.0:
        noisy /= peak
        clean /= peak
    if rng.random() < 0.5:
        noisy[:] = _eight_bits(noisy)


def _eight_bits(x: np.ndarray) -> np.ndarray:
    """What is left of samples in [-1, 1] that were sent by the mu law."""
    codes = np.round(np.log1p(_MU * np.abs(x)) * (127.0 / np.log1p(_MU)))
    return np.sign(x) * np.expm1(codes * (np.log1p(_MU) / 127.0)) / np.float32(_MU)
