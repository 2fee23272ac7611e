# SPDX-License-Identifier: BSD-3-Clause
"""Constants of neuron groups on their own, from real values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.fixed_point import SIGMOID_FRAC, QFormat, SpecError
from lava_sparse_rnn.spec._tensors import Bias, Wire
from lava_sparse_rnn.spec._validate import ACCUMULATOR_LIMIT, shifted_bound
from lava_sparse_rnn.spec.groups import (
    AffineGroup,
    GateGroup,
    ReadoutGroup,
    RecurrenceGroup,
)
from lava_sparse_rnn.spec.layers import Recipe
from lava_sparse_rnn.spec.quantize.block import argument_frac, gated_frac, shiftable
from lava_sparse_rnn.spec.quantize.formats import (
    IntArray,
    RealArray,
    lower,
    range_frac,
    wire,
)
from lava_sparse_rnn.spec.quantize.peaks import (
    HEADROOM,
    largest_part,
    peaks_of,
    real,
    recur,
    stable,
)
from lava_sparse_rnn.spec.quantize.states import own_bound, quantize_a, state_wire

Equation = Callable[..., dict[str, RealArray]]


def vector(name: str, value: ArrayLike) -> RealArray:
    """``value`` as finite real numbers, shape (n,)."""
    return real(name, value, (np.size(value),))


def fracs(value: ArrayLike, n: int) -> IntArray:
    """Binary points given as one number or one for each of ``n`` neurons."""
    return np.broadcast_to(np.asarray(value, dtype=np.int64), n)


def _peaks(
    names: tuple[str, ...],
    calibration: Any,
    input_range: Any,
    n: int,
    trace: Equation,
    worst: Equation,
) -> tuple[dict[str, RealArray], int]:
    """Largest magnitudes of the inputs and of what an equation makes of them.

    Parameters
    ----------
    names : tuple of str
        Of the inputs.
    calibration, input_range
        One array, or a tuple of one for each name.
    n : int
    trace, worst : callable
        Of arrays (T, n), and of largest magnitudes (1, n): arrays by name.
    """
    if (calibration is None) == (input_range is None):
        raise SpecError("from_float: give either calibration or input_range")
    label = "input_range" if calibration is None else "calibration"
    given = input_range if calibration is None else calibration
    given = (given,) if len(names) == 1 else given
    if not isinstance(given, tuple | list) or len(given) != len(names):
        raise SpecError(f"{label}: must be a tuple of {', '.join(names)}")
    arrays = []
    for name, values in zip(names, given, strict=True):
        if calibration is None:
            values = np.broadcast_to(np.asarray(values, dtype=np.float64), (1, n))
            if not (np.isfinite(values) & (values >= 0)).all():
                text = "must be finite and 0 or more"
                raise SpecError(f"{label} of {name}: {values.min()}, {text}")
        arrays.append(real(f"{label} of {name}", values, (None, n)))
    if len({len(values) for values in arrays}) > 1:
        raise SpecError(f"{label}: {', '.join(names)} must have as many rows each")
    found = (worst if calibration is None else trace)(*arrays)
    found |= dict(zip(names, arrays, strict=True))
    headroom = 0 if calibration is None else HEADROOM
    return {name: abs(v).max(axis=0) for name, v in found.items()}, headroom


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
    frac = fracs(acc_frac, n)

    def trace(a: RealArray) -> dict[str, RealArray]:
        out = a + bias
        return {"out": np.maximum(out, 0) if relu else out}

    peaks, headroom = _peaks(
        ("a_in",),
        calibration,
        input_range,
        n,
        trace,
        lambda a: {"out": a + abs(bias)},
    )
    total = peaks["a_in"] + np.ldexp(abs(bias), -headroom)
    size = _magnitude(total, frac, headroom, "a_in + bias")
    out_frac = lower(
        range_frac(peaks["out"], recipe.wire_bits, headroom),
        lambda f: shifted_bound(size, frac - f),
        "out before saturation",
    )
    out = wire(out_frac, recipe.wire_bits)
    value = Bias.quantize(bias, frac, recipe.bias_bits).value
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
    c_frac, d_frac = fracs(acc_c_frac, n), fracs(acc_d_frac, n)
    peaks, headroom = _peaks(
        ("a_c_in", "a_d_in"),
        calibration,
        input_range,
        n,
        lambda c, d: {"z": np.maximum(2 * c + d + bias, 0)},
        lambda c, d: {"z": 2 * c + d + abs(bias)},
    )
    size_c = _magnitude(peaks["a_c_in"], c_frac, headroom, "a_c_in")
    size_d = _magnitude(peaks["a_d_in"], d_frac, headroom, "a_d_in")

    def worst(f: IntArray) -> IntArray:
        own = np.ceil(np.minimum(np.ldexp(abs(bias), f), 2.0**40)).astype(np.int64)
        return (
            shifted_bound(size_c, c_frac - 1 - f) + shifted_bound(size_d, d_frac - f)
        ) + own

    z_frac = range_frac(peaks["z"], recipe.wire_bits, headroom)
    z = wire(lower(z_frac, worst, "z before saturation"), recipe.wire_bits)
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
    frac, z_frac, u_frac = (fracs(f, n) for f in (acc_frac, z_frac, u_frac))

    def trace(a: RealArray, z: RealArray, u: RealArray) -> dict[str, RealArray]:
        g = a + bias
        return {"g": g, "out": np.maximum(z * np.exp(-np.logaddexp(0, -g)) + u, 0)}

    peaks, headroom = _peaks(
        ("a_in", "z_in", "u_in"),
        calibration,
        input_range,
        n,
        trace,
        lambda a, z, u: {"g": a + abs(bias), "out": z + u},
    )
    total = peaks["a_in"] + np.ldexp(abs(bias), -headroom)
    size = _magnitude(total, frac, headroom, "a_in + bias")
    g_frac = range_frac(peaks["g"], recipe.gate_bits, headroom)
    g_frac = argument_frac(shiftable(g_frac, recipe), size, frac, recipe)
    out_frac = range_frac(peaks["out"], recipe.wire_bits, headroom)
    largest = 1 << (recipe.wire_bits - 1)
    out_frac = gated_frac(out_frac, (largest, z_frac), (largest, u_frac))
    out = wire(out_frac, recipe.wire_bits)
    group = GateGroup(
        bias=Bias.quantize(bias, frac, recipe.bias_bits).value,
        k_g=frac - g_frac,
        g_bits=recipe.gate_bits,
        g_frac=g_frac,
        sigmoid=recipe.sigmoid,
        k_h=z_frac + SIGMOID_FRAC - out.frac,
        k_u=u_frac - out.frac,
        bits=out.bits,
    )
    return group, out


@dataclass(frozen=True)
class _RealRecurrence:
    a: NDArray[np.complex128]
    bias: NDArray[np.complex128]

    def trace(self, drive: NDArray) -> dict[str, NDArray]:
        x = recur(self.a, drive + self.bias)
        return {"x": largest_part(x), "drive": largest_part(drive)}

    def worst(self, drive: NDArray) -> dict[str, NDArray]:
        # Either part of the drive may be that large.
        x = (np.sqrt(2) * drive + abs(self.bias)) / (1 - abs(self.a))
        return {"x": x, "drive": drive}


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
    acc_frac = np.broadcast_to(np.asarray(acc_frac, dtype=np.int64), n)
    zero = np.zeros(n)
    bias = real("bias", zero if bias is None else bias, (n,), np.complex128)
    system = _RealRecurrence(a, bias)
    peaks, headroom = peaks_of(system, calibration, input_range, n, np.complex128)

    a_re, a_im = quantize_a(a, recipe)
    drive_max = np.ldexp(peaks["drive"], acc_frac + headroom)
    drive_max += np.ldexp(np.maximum(abs(bias.real), abs(bias.imag)), acc_frac) + 1
    if (bad := np.flatnonzero(drive_max >= ACCUMULATOR_LIMIT)).size:
        row = int(bad[0])
        raise SpecError(
            f"acc_frac, row {row}: {acc_frac[row]} lets the drive reach "
            f"{int(drive_max[row]):,}, the limit is {ACCUMULATOR_LIMIT - 1:,}"
        )
    worst, own = np.ceil(drive_max).astype(np.int64), own_bound(a_re, a_im, recipe)
    frac = lower(
        range_frac(peaks["x"], recipe.state_bits, headroom),
        lambda f: own + shifted_bound(worst, acc_frac - f),
        "x before saturation",
    )
    s = state_wire(range_frac(peaks["x"], recipe.wire_bits, headroom), frac, recipe)
    group = RecurrenceGroup(
        bias_re=Bias.quantize(bias.real, acc_frac, recipe.bias_bits).value,
        bias_im=Bias.quantize(bias.imag, acc_frac, recipe.bias_bits).value,
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
