# SPDX-License-Identifier: BSD-3-Clause
"""How integers stand for other numbers, in all of the front end that has none else."""

from __future__ import annotations

from math import floor, log2

import numpy as np
from numpy.typing import NDArray

FULL_SCALE = 15  # log2 of that of samples
LOG_FRAC = 25  # fraction bits of logarithms


def mantissa(x: float, bits: int) -> tuple[int, int]:
    """``m`` of so many bits and ``e`` with ``x`` about ``m / 2^e``, x > 0."""
    e = bits - 1 - floor(log2(x))
    m = round(x * 2.0**e)
    return (m, e) if m < 2**bits else (m // 2, e - 1)


def rounded(v: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """``v / 2^n`` to the nearest, halves up."""
    return (v + (1 << n >> 1)) >> n
