# SPDX-License-Identifier: BSD-3-Clause
"""Choosing exponents: from ranges to binary points that satisfy the load-time proof."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import MAX_SHIFT, SpecError
from lava_sparse_rnn.spec._tensors import MAX_FRAC_ABOVE_REF, Weights, Wire
from lava_sparse_rnn.spec._validate import ACCUMULATOR_LIMIT
from lava_sparse_rnn.spec.layers import Recipe

IntArray = NDArray[np.int64]
RealArray = NDArray[np.float64]


def range_frac(peak: NDArray[np.float64], bits: int, headroom: int) -> IntArray:
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
    """A wire with these fracs, none more than 10 above the smallest."""
    ref = int(frac.min())
    return Wire(bits, np.minimum(frac, ref + MAX_FRAC_ABOVE_REF), ref)


def lower(
    frac: IntArray, bound: Callable[[IntArray], IntArray], name: str = "worst case"
) -> IntArray:
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


def beside(inp: Wire) -> Wire:
    """The wire twice, for two matrices side by side that share their rows' frac."""
    return Wire(inp.bits, np.concatenate([inp.frac, inp.frac]), inp.ref)


def accumulator(
    frac: IntArray, W: RealArray, inp: Wire, bits: int, bias: RealArray | None
) -> IntArray:
    """Worst case of every row's accumulator with weights of ``frac``, shape (n,)."""
    total = Weights.quantize(W, inp, frac, bits).row_magnitude * inp.magnitude
    if bias is None:
        return total
    scaled = np.ceil(np.ldexp(abs(bias), frac + inp.ref))
    # A bias with an exponent is rounded to its last place, perhaps upwards.
    return total + np.minimum(scaled * (1 + 2.0**-20) + 1, 2.0**61).astype(np.int64)


def weight_frac(
    W: RealArray, inp: Wire, recipe: Recipe, bias: RealArray | None, name: str
) -> IntArray:
    """Largest frac of each row whose accumulator never overflows, shape (n,)."""
    bits = recipe.weight_bits
    frac = Weights.largest_frac(W, inp, bits)
    return lower(frac, lambda f: accumulator(f, W, inp, bits, bias), name)
