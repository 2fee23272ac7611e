# SPDX-License-Identifier: BSD-3-Clause
"""Logarithmic mel spectra: what a recogniser of sounds is given a token."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.sound.rate import SAMPLE_RATE
from lava_sparse_rnn.audio.sound.stft import Stft

FLOOR = 1e-6
"""Added to powers: silence is silence, however many bits a recording had."""


def _mel(hz: float | NDArray) -> NDArray:
    # O'Shaughnessy, "Speech Communication", 1987.
    return 2595.0 * np.log10(1.0 + np.asarray(hz) / 700.0)


def _hz(mel: NDArray) -> NDArray:
    return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)


@dataclass(frozen=True)
class LogMel:
    """Powers of triangular bands that are equally wide on the mel scale, as logarithms.

    A frame is complete with its hop, nothing looks ahead; see `Stft`.

    Parameters
    ----------
    bands : int
    low, high : float
        Hz; where the first band begins and the last one ends.
    stft : Stft
        At 16 kHz.

    Attributes
    ----------
    weights : numpy.ndarray
        (bins, bands) of each bin's power in each band.

    Raises
    ------
    AudioError
        If the bands do not lie below half the sampling rate, or one is empty.
    """

    bands: int = 32
    low: float = 60.0
    high: float = 4000.0
    stft: Stft = field(default_factory=lambda: Stft(n_fft=512, hop_length=256))
    weights: NDArray[np.float32] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= SAMPLE_RATE / 2:
            raise AudioError(
                f"mel bands from {self.low:g} to {self.high:g} Hz: they must rise and "
                f"lie in 0 to {SAMPLE_RATE // 2} Hz"
            )
        edges = _hz(np.linspace(_mel(self.low), _mel(self.high), self.bands + 2))
        bins = np.arange(self.stft.bins)[:, None] * SAMPLE_RATE / self.stft.n_fft
        below, centre, above = edges[:-2], edges[1:-1], edges[2:]
        rise, fall = (
            (bins - below) / (centre - below),
            (above - bins) / (above - centre),
        )
        weights = np.maximum(0.0, np.minimum(rise, fall)).astype(np.float32)
        if empty := np.flatnonzero(~weights.any(axis=0)).tolist():
            raise AudioError(
                f"mel band {empty[0]} of {self.bands} lies between two bins of a frame "
                f"of {self.stft.n_fft} samples; take fewer bands or a longer frame"
            )
        object.__setattr__(self, "weights", weights)

    def __call__(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Tokens (T, bands) of samples at 16 kHz, one per hop."""
        spectra = self.stft.analysis(samples)
        powers = (spectra.real**2 + spectra.imag**2) / self.stft.n_fft
        return np.log(powers @ self.weights + FLOOR).astype(np.float32)
