# SPDX-License-Identifier: BSD-3-Clause
"""Choosing exponents: from ranges to binary points that satisfy the load-time proof."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import MAX_SHIFT, SpecError
from lava_sparse_rnn.spec._tensors import MAX_FRAC_ABOVE_REF, Weights, Wire
from lava_sparse_rnn.spec._validate import ACCUMULATOR_LIMIT, shifted_bound
from lava_sparse_rnn.spec.recipe import Recipe

IntArray = NDArray[np.int64]
RealArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]


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


def weight_rows(
    W: RealArray,
    inp: Wire,
    recipe: Recipe,
    bias: RealArray | None,
    out_frac: IntArray,
    name: str,
) -> tuple[IntArray, IntArray]:
    """Fracs of a matrix, and the worst cases of the accumulators that it feeds.

    Parameters
    ----------
    W : array of float, shape (n, m)
    inp : Wire
        Of m values.
    recipe : Recipe
    bias : array of float, shape (n,), or None
        What is added in the accumulators.
    out_frac : array of int, shape (n,)
        Of what the accumulators are shifted to: no shift exceeds 31.
    name : str

    Returns
    -------
    rows, worst : array of int, shape (n,)
        The largest fracs whose accumulators never overflow, and how far they go.

    Raises
    ------
    SpecError
        When no frac keeps an accumulator below 2**30.
    """
    bits = recipe.weight_bits
    rows = Weights.largest_frac(W, inp, bits)
    rows = lower(rows, lambda f: accumulator(f, W, inp, bits, bias), name)
    rows = within_shift(rows, inp.ref - out_frac)
    return rows, accumulator(rows, W, inp, bits, bias)


def sum_frac(
    frac: IntArray,
    parts: Iterable[tuple[IntArray | int, IntArray]],
    name: str,
    *,
    bias: RealArray | None = None,
    own: IntArray | int = 0,
) -> IntArray:
    """``frac`` of a sum, lowered until the sum stays below 2**30 before it saturates.

    Parameters
    ----------
    frac : array of int, shape (n,)
        With which the sum's peaks fit.
    parts : iterable of (worst case, frac), each int or array of int, shape (n,)
        Accumulators that are shifted to the sum's frac and added.
    name : str
        Of the sum.
    bias : array of float, shape (n,), optional
        Added with the sum's frac.
    own : int or array of int, shape (n,)
        Largest magnitude of what is added whatever the frac.

    Raises
    ------
    SpecError
        When no frac does.
    """
    parts = tuple(parts)
    beside = 0.0 if bias is None else abs(bias)

    def bound(f: IntArray) -> IntArray:
        shifted = sum(shifted_bound(worst, acc_frac - f) for worst, acc_frac in parts)
        added = np.ceil(np.minimum(np.ldexp(beside, f), 2.0**40)).astype(np.int64)
        return own + shifted + added

    return lower(frac, bound, f"{name} before saturation")
