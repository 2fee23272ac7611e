# SPDX-License-Identifier: BSD-3-Clause
"""Constants of affine, readout and gate neurons on their own, from real values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.fixed_point import SIGMOID_FRAC, SpecError
from lava_sparse_rnn.spec import ACCUMULATOR_LIMIT, Bias, Recipe, Wire, shifted_bound
from lava_sparse_rnn.spec.formats import lower, range_frac, wire
from lava_sparse_rnn.spec.groups import AffineGroup, GateGroup, ReadoutGroup
from lava_sparse_rnn.spec.quantize.peaks import CALIBRATION_HEADROOM, real

IntArray = NDArray[np.int64]
RealArray = NDArray[np.float64]
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
    headroom = 0 if calibration is None else CALIBRATION_HEADROOM
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


def quantize_affine(
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


def quantize_readout(
    bias: ArrayLike,
    acc_c_frac: ArrayLike,
    acc_d_frac: ArrayLike,
    calibration: Any,
    input_range: Any,
    recipe: Recipe,
) -> tuple[ReadoutGroup, Wire]:
    """Constants of `Readout.from_float`, and its wire; see `quantize_affine`."""
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


def quantize_gate(
    bias: ArrayLike,
    acc_frac: ArrayLike,
    z_frac: ArrayLike,
    u_frac: ArrayLike,
    calibration: Any,
    input_range: Any,
    recipe: Recipe,
) -> tuple[GateGroup, Wire]:
    """Constants of `Gate.from_float`, and its wire; see `quantize_affine`."""
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
    lines = recipe.sigmoid.shift
    # Every line's shift plus the argument's frac must be a possible shift.
    g_frac = range_frac(peaks["g"], recipe.gate_bits, headroom)
    g_frac = np.clip(g_frac, -lines.min(), 31 - lines.max())
    g_frac = lower(g_frac, lambda f: shifted_bound(size, frac - f), "g")
    if (bad := np.flatnonzero(g_frac < -lines.min())).size:
        raise SpecError(f"g, row {int(bad[0])}: so large that it leaves an accumulator")
    largest = np.int64(1 << (recipe.wire_bits - 1))
    out_frac = lower(
        range_frac(peaks["out"], recipe.wire_bits, headroom),
        lambda f: shifted_bound(largest << SIGMOID_FRAC, z_frac + SIGMOID_FRAC - f)
        + shifted_bound(largest, u_frac - f),
        "out before saturation",
    )
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
