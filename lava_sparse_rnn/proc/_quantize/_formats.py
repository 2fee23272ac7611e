# SPDX-License-Identifier: BSD-3-Clause
"""From ranges to binary points."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import MAX_SHIFT, SpecError
from lava_sparse_rnn.spec import ACCUMULATOR_LIMIT, Recipe, Weights, Wire

IntArray = NDArray[np.int64]
RealArray = NDArray[np.float64]

MAX_SPREAD = 10  # how far a wire's frac may lie above its reference


def range_frac(peak: RealArray, bits: int, headroom: int) -> IntArray:
    """Largest frac with which ``peak * 2**headroom`` fits.

    Parameters
    ----------
    peak : array, shape (n,)
        Largest magnitudes. A neuron that was silent (0) gets the smallest frac of
        the others, the widest range.
    bits, headroom : int

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


def lower(frac: IntArray, bound: Callable[[IntArray], IntArray], name: str) -> IntArray:
    """Lower entries of ``frac`` until ``bound(frac)`` is below 2**30 in each row.

    Raises
    ------
    SpecError
        If 64 steps do not help; the message names tensor, row and value.
    """
    for _ in range(64):
        bad = bound(frac) >= ACCUMULATOR_LIMIT
        if not bad.any():
            return frac
        frac = frac - bad
    row = int(np.flatnonzero(bad)[0])
    raise SpecError(
        f"{name}, row {row}: no frac keeps it below {ACCUMULATOR_LIMIT:,}, its worst "
        f"case is {int(bound(frac)[row]):,}"
    )


def within_shift(frac: IntArray, offset: IntArray | int) -> IntArray:
    """Cap ``frac`` so that the shift ``frac + offset`` is a possible one."""
    return np.minimum(frac, MAX_SHIFT - offset)


def accumulator(
    frac: IntArray, W: RealArray, inp: Wire, bits: int, bias: RealArray
) -> IntArray:
    """Worst case of every row's accumulator with weights of ``frac``, shape (n,)."""
    total = Weights.quantize(W, inp, frac, bits).row_magnitude * inp.magnitude
    scaled = np.ceil(np.ldexp(abs(bias), frac + inp.ref))
    # A bias with an exponent is rounded to its last place, perhaps upwards.
    return total + np.minimum(scaled * (1 + 2.0**-20) + 1, 2.0**61).astype(np.int64)


def weight_frac(
    W: RealArray, inp: Wire, recipe: Recipe, bias: RealArray, name: str
) -> IntArray:
    """The frac of each row of weights, shape (n,)."""
    bits = recipe.weight_bits
    frac = Weights.largest_frac(W, inp, bits)
    return lower(frac, lambda f: accumulator(f, W, inp, bits, bias), name)


def beside(inp: Wire) -> Wire:
    """The wire twice, for two matrices side by side that share their rows' frac."""
    return Wire(inp.bits, np.concatenate([inp.frac, inp.frac]), inp.ref)
