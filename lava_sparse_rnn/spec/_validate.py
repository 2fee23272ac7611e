# SPDX-License-Identifier: BSD-3-Clause
"""Rules that a description keeps: shapes, formats, and the load-time proof.

The proof: the worst case of everything that shares one accumulator, of every value
after a left shift, and of every sum inside a neuron before it saturates stays below
2**30, so that 32-bit registers never overflow silently. (One of the 31 magnitude
bits is needed by Lava's stock `Sparse`, where signed 8-bit weights travel doubled.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.fixed_point import MAX_SHIFT, SIGMOID_ONE, SpecError
from lava_sparse_rnn.spec._tensors import Bias, Weights, Wire
from lava_sparse_rnn.spec.groups import (
    AffineGroup,
    GateGroup,
    ReadoutGroup,
    RecurrenceGroup,
)
from lava_sparse_rnn.spec.layers import Affine, Layer, Recipe, S5Block

ACCUMULATOR_LIMIT = 1 << 30

IntArray = NDArray[np.int64]
Bound = tuple[str, IntArray]


def validate_layer(layer: Layer, recipe: Recipe, where: str) -> None:
    """Check one layer on its own; ``where`` names it in messages."""
    sizes, formats, bounds = RULES[layer.type]
    for name, actual, expected in sizes(layer):
        if actual != expected:
            raise SpecError(f"{where}, {name}: size {actual}, must be {expected}")
    for name, problem in formats(layer):
        raise SpecError(f"{where}, {name}: {problem}")
    for name, bound in bounds(layer, recipe):
        if name.startswith("k_"):
            bad = np.flatnonzero(abs(bound) > MAX_SHIFT)
            limit = MAX_SHIFT
        else:
            bad = np.flatnonzero(bound >= ACCUMULATOR_LIMIT)
            limit = ACCUMULATOR_LIMIT - 1
        if bad.size:
            row = int(bad[0])
            raise SpecError(
                f"{where}, {name}, row {row}: can reach {int(bound[row]):,}, "
                f"the limit is {limit:,}"
            )


def shifted_bound(bound: ArrayLike, k: ArrayLike) -> IntArray:
    """The largest magnitude that ``shift(v, k)`` can have for ``|v| <= bound``."""
    bound = np.asarray(bound, dtype=np.int64)
    k = np.asarray(k, dtype=np.int64)
    right = np.clip(k, 0, MAX_SHIFT)  # an impossible k is an error of its own
    left = np.clip(-k, 0, MAX_SHIFT)
    return ((bound + (np.int64(1) << right) - 1) >> right) << left


def _accumulator(wire: Wire, *matrices: Weights, bias: Bias | None = None) -> IntArray:
    weights = np.sum([m.row_magnitude for m in matrices], axis=0)
    total = weights * wire.magnitude
    return total if bias is None else total + abs(bias.value)


def _affine_sizes(layer: Affine) -> Iterator[tuple[str, object, object]]:
    for name in ("inp", "out"):
        wire = getattr(layer, name)
        yield f"{name}.frac", wire.frac.shape, (wire.size,)
    yield "weights", layer.weights.shape, (layer.out.size, layer.inp.size)
    yield "bias", layer.bias.mant.shape, (layer.out.size,)


def _affine_formats(layer: Affine) -> Iterator[tuple[str, str]]:
    yield from ()


def _affine_bounds(layer: Affine, recipe: Recipe) -> Iterator[Bound]:
    group = AffineGroup.of(layer, recipe)
    yield "k_out", group.k
    acc = _accumulator(layer.inp, layer.weights, bias=layer.bias)
    yield "accumulator of weights", acc
    yield "out before saturation", shifted_bound(acc, group.k)


def _s5_sizes(block: S5Block) -> Iterator[tuple[str, object, object]]:
    n, d = block.d_state, block.d_model
    for name in ("inp", "s", "z", "out"):
        wire = getattr(block, name)
        yield f"{name}.frac", wire.frac.shape, (wire.size,)
    for name in ("a_re", "a_im"):
        yield name, getattr(block, name).shape, (n,)
    yield "s", block.s.size, n
    yield "state.frac", block.state.frac.shape, (n,)
    for name in ("B_re", "B_im"):
        yield name, getattr(block, name).shape, (n, d)
    for name in ("C_re", "C_imn"):
        yield name, getattr(block, name).shape, (d, n)
    for name in ("bias_x_re", "bias_x_im"):
        yield name, getattr(block, name).mant.shape, (n,)
    yield "W", block.W.shape, (d, d)
    for name in ("z", "out"):
        yield name, getattr(block, name).size, d
    yield "D", block.D.values.shape, (d,)
    yield "D.frac", block.D.frac.shape, (d,)
    yield "g.frac", block.g.frac.shape, (d,)
    for name in ("bias_z", "bias_g"):
        yield name, getattr(block, name).mant.shape, (d,)


def _s5_formats(block: S5Block) -> Iterator[tuple[str, str]]:
    if block.a_format.frac.ndim != 0:
        yield "a_format", "frac must be one number"
    elif not 0 <= (frac := int(block.a_format.frac)) <= MAX_SHIFT:
        yield "a_format", f"frac is {frac}, must be 0 to {MAX_SHIFT}"
    for name in ("a_re", "a_im"):
        value = getattr(block, name)
        low, high = block.a_format.lowest, block.a_format.highest
        if (bad := np.flatnonzero((value < low) | (value > high))).size:
            row = int(bad[0])
            text = f"row {row}: {value[row]} does not fit {block.a_format.bits} bits"
            yield name, text
    for a, b in (("B_re", "B_im"), ("C_re", "C_imn")):
        if not np.array_equal(getattr(block, a).frac, getattr(block, b).frac):
            yield f"{a} and {b}", "the same row must have the same frac in both"


def _s5_bounds(block: S5Block, recipe: Recipe) -> Iterator[Bound]:
    yield from _recurrence_bounds(block, recipe)
    yield from _readout_bounds(block, recipe)
    yield from _gate_bounds(block, recipe)


def _recurrence_bounds(block: S5Block, recipe: Recipe) -> Iterator[Bound]:
    group = RecurrenceGroup.of(block, recipe)
    yield "k_B", group.k_B
    yield "k_x", group.k_x
    x_max = block.state.magnitude
    own = shifted_bound(abs(group.a_re) * x_max, group.a_frac)
    other = shifted_bound(abs(group.a_im) * x_max, group.a_frac)
    for part in ("re", "im"):
        bias = getattr(block, f"bias_x_{part}")
        acc = _accumulator(block.inp, getattr(block, f"B_{part}"), bias=bias)
        yield f"accumulator of B_{part}", acc
        drive = shifted_bound(acc, group.k_B)
        yield f"x_{part} before saturation", own + other + drive
    yield "s before saturation", shifted_bound(x_max, group.k_x)


def _readout_bounds(block: S5Block, recipe: Recipe) -> Iterator[Bound]:
    group = ReadoutGroup.of(block, recipe)
    yield "k_C", group.k_C
    yield "k_D", group.k_D
    acc = _accumulator(block.s, block.C_re, block.C_imn)
    yield "accumulator of C_re and C_imn", acc
    direct = abs(block.D.values) * block.inp.magnitude
    yield "accumulator of D", direct
    total = shifted_bound(acc, group.k_C) + shifted_bound(direct, group.k_D)
    yield "z before saturation", total + abs(group.bias)


def _gate_bounds(block: S5Block, recipe: Recipe) -> Iterator[Bound]:
    group = GateGroup.of(block, recipe)
    for name in ("k_g", "k_h", "k_u"):
        yield name, getattr(group, name)
    acc = _accumulator(block.z, block.W, bias=block.bias_g)
    yield "accumulator of W", acc
    yield "g before saturation", shifted_bound(acc, group.k_g)
    gated = shifted_bound(block.z.magnitude * SIGMOID_ONE, group.k_h)
    residual = shifted_bound(block.inp.magnitude, group.k_u)
    yield "out before saturation", gated + residual


RULES: dict[str, tuple[Callable, Callable, Callable]] = {
    "affine": (_affine_sizes, _affine_formats, _affine_bounds),
    "s5": (_s5_sizes, _s5_formats, _s5_bounds),
}
