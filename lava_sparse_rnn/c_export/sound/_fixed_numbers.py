# SPDX-License-Identifier: BSD-3-Clause
"""How integers stand for other numbers, in all of the front end that has none else."""

from __future__ import annotations

from math import floor, log2

FULL_SCALE = 15  # log2 of that of samples


def mantissa(x: float, bits: int) -> tuple[int, int]:
    """``m`` of so many bits and ``e`` with ``x`` about ``m / 2^e``, x > 0."""
    e = bits - 1 - floor(log2(x))
    m = round(x * 2.0**e)
    return (m, e) if m < 2**bits else (m // 2, e - 1)
