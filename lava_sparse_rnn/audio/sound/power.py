# SPDX-License-Identifier: BSD-3-Clause
"""How loud a signal is: levels and powers of its frames, the power of active speech."""

from __future__ import annotations

import numpy as np

from lava_sparse_rnn.audio.sound.rate import FRAME

ACTIVE_RANGE_DB = 30.0
"""Frames this far below the loudest frame still count as active speech."""


def frame_powers(x: np.ndarray) -> np.ndarray:
    """Mean square of each whole 20 ms frame.

    Parameters
    ----------
    x : numpy.ndarray
        float32 (..., samples).

    Returns
    -------
    numpy.ndarray
        float32 (..., samples // 320).
    """
    count = x.shape[-1] // FRAME
    frames = x[..., : count * FRAME].reshape(*x.shape[:-1], count, FRAME)
    return np.einsum("...j,...j->...", frames, frames) / np.float32(FRAME)


def mean_power(x: np.ndarray) -> float:
    """Mean square of float32 (samples,); 0 of nothing."""
    return float(np.einsum("i,i->", x, x)) / max(1, len(x))


def active_power(x: np.ndarray) -> float:
    """Mean square over the frames in which somebody speaks.

    Parameters
    ----------
    x : numpy.ndarray
        float32 (samples,).

    Returns
    -------
    float
        Mean of the frame powers within :data:`ACTIVE_RANGE_DB` of the loudest; 0 for
        silence.
    """
    powers = frame_powers(x)
    if len(powers) == 0:
        return mean_power(x)
    limit = np.max(powers) * 10.0 ** (-ACTIVE_RANGE_DB / 10.0)
    active = powers[powers >= limit]
    return float(np.mean(active, dtype=np.float64))


def frame_levels(x: np.ndarray) -> np.ndarray:
    """Level of each whole 20 ms frame.

    Parameters
    ----------
    x : numpy.ndarray
        (samples,).

    Returns
    -------
    numpy.ndarray
        float64 (samples // 320,), dBFS of a mean square of 1; -120 at most silent.
    """
    frames = x[: len(x) // FRAME * FRAME].reshape(-1, FRAME).astype(np.float64)
    return 10.0 * np.log10(np.mean(frames**2, axis=1) + 1e-12)
