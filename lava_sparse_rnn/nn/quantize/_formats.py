# SPDX-License-Identifier: BSD-3-Clause
"""Choosing exponents: from ranges to binary points that satisfy the load-time proof."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import MAX_SHIFT
from lava_sparse_rnn.spec import ACCUMULATOR_LIMIT, Weights, Wire

IntArray = NDArray[np.int64]

MAX_SPREAD = 10  # how far a wire's frac may lie above its reference
HEADROOM_BITS = 1  # one bit above the calibrated maximum: 1 saturation in 80 mixes


def range_frac(
    peak: NDArray[np.float64], bits: int, headroom: int = HEADROOM_BITS
) -> IntArray:
    """Largest frac with which ``peak * 2**headroom`` fits `bits` bits.

    Parameters
    ----------
    peak : array, shape (n,)
        Largest magnitudes. A silent neuron (0) gets the smallest frac of the others,
        the widest range: if it ever wakes up, nothing is known about its size.
    bits : int
    headroom : int

    Returns
    -------
    array of int, shape (n,)
    """
    highest = (1 << (bits - 1)) - 1
    alive = peak > 0
    if not alive.any():
        return np.zeros(len(peak), dtype=np.int64)
    safe = np.where(alive, peak, peak[alive].max())
    return np.floor(np.log2(highest / safe)).astype(np.int64) - headroom


def wire(frac: IntArray, bits: int) -> Wire:
    """A wire with these fracs, none more than `MAX_SPREAD` above the smallest."""
    ref = int(frac.min())
    return Wire(bits, np.minimum(frac, ref + MAX_SPREAD), ref)


def joint_frac(first: NDArray, second: NDArray, inp: Wire, bits: int) -> IntArray:
    """Largest frac per row with which the same row of both matrices fits."""
    both = Wire(inp.bits, np.concatenate([inp.frac, inp.frac]), inp.ref)
    return Weights.largest_frac(np.concatenate([first, second], axis=1), both, bits)


def lower(
    frac: IntArray,
    bound: Callable[[IntArray], IntArray],
    limit: int = ACCUMULATOR_LIMIT - 1,
) -> IntArray:
    """Lower entries of `frac` until ``bound(frac) <= limit`` holds in each row.

    Parameters
    ----------
    frac : array of int, shape (n,)
    bound : callable
        Gives the worst case of every row; it must fall when the row's frac falls.
    limit : int

    Returns
    -------
    array of int, shape (n,)

    Raises
    ------
    ValueError
        If 64 steps do not help.
    """
    for _ in range(64):
        bad = bound(frac) > limit
        if not bad.any():
            return frac
        frac = frac - bad
    row = int(np.flatnonzero(bad)[0])
    raise ValueError(
        f"no exponent keeps row {row} within {limit:,}; its worst case is "
        f"{int(bound(frac)[row]):,}"
    )


def within_shift(frac: IntArray, offset: IntArray | int) -> IntArray:
    """Cap `frac` so that the shift ``frac + offset`` stays at or below `MAX_SHIFT`."""
    return np.minimum(frac, MAX_SHIFT - offset)
