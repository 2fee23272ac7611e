# SPDX-License-Identifier: BSD-3-Clause
"""Constants of neuron groups on their own, from real values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.fixed_point import (
    MAX_SHIFT,
    SIGMOID_FRAC,
    QFormat,
    SpecError,
    shift,
)
from lava_sparse_rnn.spec._tensors import Bias, Wire
from lava_sparse_rnn.spec._validate import ACCUMULATOR_LIMIT
from lava_sparse_rnn.spec.groups import (
    AffineGroup,
    GateGroup,
    ReadoutGroup,
    RecurrenceGroup,
)
from lava_sparse_rnn.spec.quantize.block import argument_frac, gated_frac, shiftable
from lava_sparse_rnn.spec.quantize.formats import (
    ComplexArray,
    IntArray,
    RealArray,
    range_frac,
    sum_frac,
    wire,
)
from lava_sparse_rnn.spec.quantize.peaks import (
    Peaks,
    each,
    gated,
    largest_part,
    peaks_of,
    real,
    recur,
    stable,
)
from lava_sparse_rnn.spec.quantize.states import (
    own_bound,
    quantize_a,
    state_wire,
    within_reach,
)
from lava_sparse_rnn.spec.recipe import Recipe


def vector(name: str, value: ArrayLike) -> RealArray:
    """``value`` as finite real numbers, shape (n,)."""
    return real(name, value, (np.size(value),))


@dataclass(frozen=True)
class Equation:
    """What neurons make of their inputs; see `peaks_of`.

    Parameters
    ----------
    trace, worst : callable
        Of arrays (T, n), and of largest magnitudes (n,): arrays by name.
    """

    trace: Callable[..., Peaks]
    worst: Callable[..., Peaks]


def _magnitude(peak: RealArray, frac: IntArray, headroom: int, name: str) -> IntArray:
    """Largest integer that an accumulator holds, or an error if it has no room."""
    size = np.ceil(np.ldexp(peak, frac + headroom)) + 1
    if (bad := np.flatnonzero(size >= ACCUMULATOR_LIMIT)).size:
        row = int(bad[0])
        raise SpecError(
            f"{name}, row {row}: with {frac[row]} fractional bits it reaches "
            f"{int(size[row]):,}, the limit is {ACCUMULATOR_LIMIT - 1:,}"
        )
    return size.astype(np.int64)


def _arrived(peak: RealArray, frac: IntArray) -> IntArray:
    """The largest integer that stands for no more than ``peak``."""
    return np.floor(np.ldexp(peak, frac)).astype(np.int64)


def _fitting(
    frac: IntArray,
    parts: list[tuple[IntArray, IntArray]],
    fmt: tuple[int, str],
    headroom: int,
    bias: RealArray | float = 0.0,
) -> IntArray:
    """``frac``, lowered where a worst case rounds to more than its format holds.

    What arrives is no larger than a range, but a bias and every shift may be rounded
    upwards: together they can be one more than the range's own integer.

    Parameters
    ----------
    frac : array of int, shape (n,)
        With which the range itself fits.
    parts : list of (largest integer, frac)
        What is shifted to the sum's frac and added, shape (n,) each.
    fmt : (bits, rounding)
        Of the sum, and of the shifts.
    headroom : int
        Bits above peaks of data; nothing is lowered where there are some.
    bias : array of float, shape (n,)
        Added with the sum's frac.
    """
    bits, rounding = fmt
    highest = (1 << (bits - 1)) - 1

    def worst(f: IntArray) -> IntArray:
        total = np.rint(np.ldexp(np.abs(bias), f)).astype(np.int64)
        for largest, own in parts:
            k = np.clip(own - f, -MAX_SHIFT, MAX_SHIFT)
            total = total + shift(largest, k, rounding)
        return total

    while not headroom and (bad := worst(frac) > highest).any():
        frac = frac - bad
    return frac


def affine_group(
    bias: ArrayLike,
    acc_frac: ArrayLike,
    relu: bool,
    calibration: Any,
    input_range: Any,
    recipe: Recipe,
) -> tuple[AffineGroup, Wire]:
    """Constants of `Affine.from_float`, and its wire.

    Raises
    ------
    SpecError
        When an argument does not fit, or a worst case would leave an accumulator.
    """
    bias = vector("bias", bias)
    n = len(bias)
    frac = each("acc_frac", acc_frac, n, np.int64)
    neurons = Equation(
        lambda a: {"out": np.maximum(a + bias, 0) if relu else a + bias},
        lambda a: {"out": a + abs(bias)},
    )
    peaks, headroom = peaks_of(neurons, calibration, input_range, n, names=("a_in",))
    total = peaks["a_in"] + np.ldexp(abs(bias), -headroom)
    size = _magnitude(total, frac, headroom, "a_in + bias")
    value = Bias.quantize(bias, frac, recipe.bias_bits).value
    parts = [(_arrived(peaks["a_in"], frac) + abs(value), frac)]
    out_frac = range_frac(peaks["out"], recipe.wire_bits, headroom)
    fmt = recipe.wire_bits, recipe.rounding
    out_frac = _fitting(out_frac, parts, fmt, headroom)
    out = wire(sum_frac(out_frac, [(size, frac)], "out"), recipe.wire_bits)
    return AffineGroup(value, frac - out.frac, out.bits, relu), out


def readout_group(
    bias: ArrayLike,
    acc_c_frac: ArrayLike,
    acc_d_frac: ArrayLike,
    calibration: Any,
    input_range: Any,
    recipe: Recipe,
) -> tuple[ReadoutGroup, Wire]:
    """Constants of `Readout.from_float`, and its wire; see `affine_group`."""
    bias = vector("bias", bias)
    n = len(bias)
    c_frac = each("acc_c_frac", acc_c_frac, n, np.int64)
    d_frac = each("acc_d_frac", acc_d_frac, n, np.int64)
    neurons = Equation(
        lambda c, d: {"z": np.maximum(2 * c + d + bias, 0)},
        lambda c, d: {"z": 2 * c + d + abs(bias)},
    )
    names = "a_c_in", "a_d_in"
    peaks, headroom = peaks_of(neurons, calibration, input_range, n, names=names)
    size_c = _magnitude(peaks["a_c_in"], c_frac, headroom, "a_c_in")
    size_d = _magnitude(peaks["a_d_in"], d_frac, headroom, "a_d_in")
    z_frac = range_frac(peaks["z"], recipe.wire_bits, headroom)
    largest = [
        (_arrived(peaks["a_c_in"], c_frac), c_frac - 1),
        (_arrived(peaks["a_d_in"], d_frac), d_frac),
    ]
    fmt = recipe.wire_bits, recipe.rounding
    z_frac = _fitting(z_frac, largest, fmt, headroom, bias)
    parts = (size_c, c_frac - 1), (size_d, d_frac)
    z = wire(sum_frac(z_frac, parts, "z", bias=bias), recipe.wire_bits)
    value = Bias.quantize(bias, z.frac, recipe.bias_bits).value
    group = ReadoutGroup(c_frac - 1 - z.frac, d_frac - z.frac, value, z.bits)
    return group, z


def gate_group(
    bias: ArrayLike,
    acc_frac: ArrayLike,
    z_frac: ArrayLike,
    u_frac: ArrayLike,
    calibration: Any,
    input_range: Any,
    recipe: Recipe,
) -> tuple[GateGroup, Wire]:
    """Constants of `Gate.from_float`, and its wire; see `affine_group`."""
    bias = vector("bias", bias)
    n = len(bias)
    frac = each("acc_frac", acc_frac, n, np.int64)
    z_frac = each("z_frac", z_frac, n, np.int64)
    u_frac = each("u_frac", u_frac, n, np.int64)
    neurons = Equation(
        lambda a, z, u: {"g": a + bias, "out": gated(a + bias, z, u)},
        lambda a, z, u: {"g": a + abs(bias), "out": z + u},
    )
    names = "a_in", "z_in", "u_in"
    peaks, headroom = peaks_of(neurons, calibration, input_range, n, names=names)
    total = peaks["a_in"] + np.ldexp(abs(bias), -headroom)
    size = _magnitude(total, frac, headroom, "a_in + bias")
    value = Bias.quantize(bias, frac, recipe.bias_bits).value
    argument = [(_arrived(peaks["a_in"], frac) + abs(value), frac)]
    g_frac = range_frac(peaks["g"], recipe.gate_bits, headroom)
    fmt = recipe.gate_bits, recipe.rounding
    g_frac = _fitting(g_frac, argument, fmt, headroom)
    g_frac = argument_frac(shiftable(g_frac, recipe), size, frac, recipe)
    open_gate = [
        (_arrived(peaks["z_in"], z_frac) << SIGMOID_FRAC, z_frac + SIGMOID_FRAC),
        (_arrived(peaks["u_in"], u_frac), u_frac),
    ]
    out_frac = range_frac(peaks["out"], recipe.wire_bits, headroom)
    fmt = recipe.wire_bits, recipe.rounding
    out_frac = _fitting(out_frac, open_gate, fmt, headroom)
    largest = 1 << (recipe.wire_bits - 1)
    out_frac = gated_frac(out_frac, (largest, z_frac), (largest, u_frac))
    out = wire(out_frac, recipe.wire_bits)
    group = GateGroup(
        bias=value,
        k_g=frac - g_frac,
        g_bits=recipe.gate_bits,
        g_frac=g_frac,
        sigmoid=recipe.sigmoid,
        k_h=z_frac + SIGMOID_FRAC - out.frac,
        k_u=u_frac - out.frac,
        bits=out.bits,
    )
    return group, out


def recurrence_group(
    a_bar: ArrayLike,
    acc_frac: ArrayLike,
    bias: ArrayLike | None,
    calibration: ArrayLike | None,
    input_range: Any,
    recipe: Recipe,
) -> tuple[RecurrenceGroup, QFormat, Wire]:
    """Constants of `Recurrence.from_float`, the state's format and its wire.

    Raises
    ------
    SpecError
        When an argument does not fit, or a worst case would leave an accumulator.
    """
    a = stable(a_bar)
    n = len(a)
    acc_frac = each("acc_frac", acc_frac, n, np.int64)
    bias = np.zeros(n) if bias is None else bias
    offset: ComplexArray = real("bias", bias, (n,), np.complex128)

    def trace(drive: NDArray[np.complex128]) -> Peaks:
        x = recur(a, drive + offset)
        return {"x": largest_part(x), "drive": largest_part(drive)}

    def worst(drive: NDArray) -> Peaks:
        # Either part of the drive may be that large.
        return {"x": (np.sqrt(2) * drive + abs(offset)) / (1 - abs(a)), "drive": drive}

    neurons = Equation(trace, worst)
    peaks, headroom = peaks_of(neurons, calibration, input_range, n, np.complex128)

    a_re, a_im = quantize_a(a, recipe)
    total = peaks["drive"] + np.ldexp(largest_part(offset), -headroom)
    size = _magnitude(total, acc_frac, headroom, "drive + bias")
    s_frac = range_frac(peaks["x"], recipe.wire_bits, headroom)
    x_frac = range_frac(peaks["x"], recipe.state_bits, headroom)
    x_frac = within_reach(x_frac, s_frac, recipe)
    own = own_bound(a_re, a_im, recipe)
    frac = sum_frac(x_frac, [(size, acc_frac)], "x", own=own)
    s = state_wire(s_frac, frac, recipe)
    group = RecurrenceGroup(
        bias_re=Bias.quantize(offset.real, acc_frac, recipe.bias_bits).value,
        bias_im=Bias.quantize(offset.imag, acc_frac, recipe.bias_bits).value,
        k_B=acc_frac - frac,
        a_re=a_re,
        a_im=a_im,
        a_frac=recipe.a_bits - 1,
        state_bits=recipe.state_bits,
        k_x=frac - s.frac,
        bits=recipe.wire_bits,
        nonlinearity=recipe.state_nonlinearity,
    )
    return group, QFormat(recipe.state_bits, frac), s
