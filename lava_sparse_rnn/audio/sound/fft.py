# SPDX-License-Identifier: BSD-3-Clause
"""The Fourier transform of ``scipy.fft``, which keeps float32, with its types told."""

from __future__ import annotations

from typing import cast

import numpy as np
import scipy.fft


def rfft(x: np.ndarray, n: int | None = None) -> np.ndarray:
    """Transform real (..., samples) to complex (..., n // 2 + 1)."""
    return cast(np.ndarray, scipy.fft.rfft(x, n))


def irfft(spectrum: np.ndarray, n: int) -> np.ndarray:
    """Transform complex (..., n // 2 + 1) back to real (..., n)."""
    return cast(np.ndarray, scipy.fft.irfft(spectrum, n))


def rfftfreq(n: int, spacing: float) -> np.ndarray:
    """Frequency of each bin, Hz, when samples are ``spacing`` seconds apart."""
    return np.fft.rfftfreq(n, spacing)


def good_length(n: int) -> int:
    """Return the smallest length from ``n`` on that is fast to transform."""
    return cast(int, scipy.fft.next_fast_len(n, real=True))
