# SPDX-License-Identifier: BSD-3-Clause
"""A, B and the states between them, from real values."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import QFormat
from lava_sparse_rnn.spec._tensors import Bias, Weights, Wire
from lava_sparse_rnn.spec._validate import shifted_bound
from lava_sparse_rnn.spec.quantize.formats import (
    ComplexArray,
    IntArray,
    accumulator,
    beside,
    lower,
    sum_frac,
    weight_rows,
    wire,
    within_shift,
)
from lava_sparse_rnn.spec.recipe import Recipe


def quantize_a(a: ComplexArray, recipe: Recipe) -> tuple[IntArray, IntArray]:
    """Real and imaginary part of ``a`` as integers, whose state decays as well.

    Of the nearest integers the magnitude may be one or more where that of ``a`` is
    below one. There the nearest of the pairs around ``a`` that are inside the unit
    circle is taken; both parts rounded towards zero always are.
    """
    fmt = QFormat(recipe.a_bits, recipe.a_bits - 1)  # type: ignore[arg-type]
    one = 1 << (recipe.a_bits - 1)
    found = np.stack([fmt.quantize(a.real), fmt.quantize(a.imag)])
    rows = np.flatnonzero((found**2).sum(axis=0) >= one**2)
    if rows.size:
        exact = np.ldexp(np.stack([a.real, a.imag])[:, rows], recipe.a_bits - 1)
        found[:, rows] = decaying(exact, found[:, rows], one)
    return found[0], found[1]


def decaying(exact: NDArray, rounded: IntArray, one: int) -> IntArray:
    """Of four pairs of integers the nearest to `exact` whose magnitude is below `one`.

    Parameters
    ----------
    exact, rounded : array, shape (2, n)
        Real and imaginary parts; what they were rounded to.
    one : int

    Returns
    -------
    array of int, shape (2, n)
        Each part as rounded or rounded towards zero; `rounded` where no pair is inside.
    """
    short = np.trunc(exact).astype(np.int64)
    nearest, best = rounded.copy(), np.full(exact.shape[1], np.inf)
    for re, im in product((rounded[0], short[0]), (rounded[1], short[1])):
        distance = (exact[0] - re) ** 2 + (exact[1] - im) ** 2
        better = (re**2 + im**2 < one**2) & (distance < best)
        nearest[:, better] = np.stack([re, im])[:, better]
        best[better] = distance[better]
    return nearest


def own_bound(a_re: IntArray, a_im: IntArray, recipe: Recipe) -> IntArray:
    """Worst case of ``|a_re x| + |a_im x|`` after their shifts, shape (n,)."""
    x_max, frac = 1 << (recipe.state_bits - 1), recipe.a_bits - 1
    return shifted_bound(abs(a_re) * x_max, frac) + shifted_bound(
        abs(a_im) * x_max, frac
    )


def within_reach(frac: IntArray, s_frac: IntArray, recipe: Recipe) -> IntArray:
    """The frac of the states, capped where the shift to their wire would be too far.

    The wire's fracs lie within ten of each other: it is coarse for states that are far
    quieter than others.
    """
    return within_shift(frac, -wire(s_frac, recipe.wire_bits).frac)


def state_wire(frac: IntArray, state_frac: IntArray, recipe: Recipe) -> Wire:
    """The wire of the states, its frac lowered until no state leaves 30 bits."""
    x_max = np.int64(1 << (recipe.state_bits - 1))
    frac = lower(frac, lambda f: shifted_bound(x_max, state_frac - f), "s")
    return wire(frac, recipe.wire_bits)


def quantize_states(
    a: ComplexArray,
    B: ComplexArray,
    bias: ComplexArray,
    frac: Any,
    inp: Wire,
    recipe: Recipe,
) -> dict[str, Any]:
    """B, biases, A, the formats of the state and of its wire.

    Parameters
    ----------
    a, bias : array of complex, shape (n,)
    B : array of complex, shape (n, d)
    frac : dict of array
        Of x and s, where only their peaks count.
    inp : Wire
    recipe : Recipe
    """
    x_frac = within_reach(frac["x"], frac["s"], recipe)
    bits, parts = recipe.weight_bits, {"re": (B.real, bias.real)}
    parts["im"] = (B.imag, bias.imag)
    a_re, a_im = quantize_a(a, recipe)
    both = np.concatenate([B.real, B.imag], axis=1)
    rows = Weights.largest_frac(both, beside(inp), bits)
    for m, v in parts.values():
        rows = lower(rows, lambda f, m=m, v=v: accumulator(f, m, inp, bits, v), "B")
    rows = within_shift(rows, inp.ref - x_frac)
    state_frac, own = x_frac, own_bound(a_re, a_im, recipe)
    for m, v in parts.values():
        worst = accumulator(rows, m, inp, bits, v)
        state_frac = sum_frac(state_frac, [(worst, rows + inp.ref)], "x", own=own)
    made: dict[str, Any] = {}
    for name, (m, v) in parts.items():
        made[f"B_{name}"] = Weights.quantize(m, inp, rows, bits)
        made[f"bias_x_{name}"] = Bias.quantize(v, rows + inp.ref, recipe.bias_bits)
    a_format = QFormat(recipe.a_bits, recipe.a_bits - 1)  # type: ignore[arg-type]
    state = QFormat(recipe.state_bits, state_frac)
    made |= {"a_re": a_re, "a_im": a_im, "a_format": a_format, "state": state}
    return made | {"s": state_wire(frac["s"], state_frac, recipe)}


def quantize_answer(
    C: ComplexArray, s: Wire, out_frac: IntArray, recipe: Recipe
) -> tuple[dict[str, Any], tuple[IntArray, IntArray]]:
    """C, and what ``2 Re(C s)`` adds to a sum.

    Parameters
    ----------
    C : array of complex, shape (m, n)
    s : Wire
        Of n states.
    out_frac : array of int, shape (m,)
        Of the sum, where only its peaks count.
    recipe : Recipe

    Returns
    -------
    weights : dict of Weights
        ``C_re`` and ``C_imn``, the imaginary part negated.
    answer : tuple of array of int, shape (m,)
        Worst case and frac of the accumulators, with the 2; see `sum_frac`.
    """
    both = np.concatenate([C.real, -C.imag], axis=1)
    rows, worst = weight_rows(both, beside(s), recipe, None, out_frac + 1, "C")
    parts = {"C_re": C.real, "C_imn": -C.imag}
    bits = recipe.weight_bits
    weights = {n: Weights.quantize(m, s, rows, bits) for n, m in parts.items()}
    return weights, (worst, rows + s.ref - 1)
