# SPDX-License-Identifier: BSD-3-Clause
"""Neuron groups of real values: their integers against the equations."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lava_sparse_rnn import proc, spec
from lava_sparse_rnn.fixed_point import OverflowCounters, SpecError

N, T = 5, 40
FRACS = st.integers(6, 16)
SCALES = st.floats(0.05, 8.0)
RECIPES = st.sampled_from(
    [spec.Recipe(), spec.Recipe("nearest"), spec.Recipe(wire_bits=8, gate_bits=8)]
)
given_numbers = given(
    st.integers(0, 10**6), FRACS, FRACS, SCALES, RECIPES, st.booleans()
)


def integers(real, frac):
    """What arrives, and the real values that it stands for."""
    q = np.rint(np.ldexp(real, frac)).astype(np.int64)
    return q, np.ldexp(q.astype(float), -np.asarray(frac))


def arithmetic_of(process):
    arithmetic = process.proc_params["recipe"].arithmetic()
    arithmetic.counters = OverflowCounters()
    return arithmetic


def known(arrays, ranged):
    """Calibration data, or the range of these values."""
    arrays = arrays if isinstance(arrays, tuple) else (arrays,)
    largest = tuple(abs(a).max(axis=0) for a in arrays)
    value = largest if ranged else arrays
    return {
        "input_range" if ranged else "calibration": value[0]
        if len(value) == 1
        else value
    }


# The bias is rounded upwards, and what was the largest sum is one more.
@example(6, 8, 6, 0.12109375, spec.Recipe(), True)
@example(6, 8, 6, 0.12109375, spec.Recipe("nearest"), True)
@example(6, 8, 6, 0.12109375, spec.Recipe(wire_bits=8, gate_bits=8), True)
@settings(max_examples=20)
@given_numbers
def test_affine(seed, frac, unused, scale, recipe, ranged):
    rng = np.random.default_rng(seed)
    bias, relu = scale * rng.normal(size=N), bool(seed % 2)
    q, acc = integers(scale * rng.normal(size=(T, N)), frac)
    process = proc.Affine.from_float(
        bias, acc_frac=frac, relu=relu, recipe=recipe, **known(acc, ranged)
    )
    arithmetic = arithmetic_of(process)
    out = process.group.step(q, arithmetic)
    assert sum(arithmetic.counters.values()) == 0
    expected = acc + bias
    if relu:
        expected = np.maximum(expected, 0)
    step = np.ldexp(1.0, -process.out_wire.frac)
    # The bias is off by half of its last place, and the shift by less than one.
    error = abs(process.out_wire.format.dequantize(out) - expected)
    assert (error <= step + np.ldexp(0.5, -frac) + 1e-12).all()


@settings(max_examples=20)
@given_numbers
def test_readout(seed, c_frac, d_frac, scale, recipe, ranged):
    rng = np.random.default_rng(seed)
    bias = scale * rng.normal(size=N)
    q_c, c = integers(scale * rng.normal(size=(T, N)), c_frac)
    q_d, d = integers(rng.normal(size=(T, N)), d_frac)
    process = proc.Readout.from_float(
        bias,
        acc_c_frac=c_frac,
        acc_d_frac=d_frac,
        recipe=recipe,
        **known((c, d), ranged),
    )
    arithmetic = arithmetic_of(process)
    z = process.group.step(q_c, q_d, arithmetic)
    assert sum(arithmetic.counters.values()) == 0
    step = np.ldexp(1.0, -process.out_wire.frac)
    expected = np.maximum(2 * c + d + bias, 0)
    error = abs(process.out_wire.format.dequantize(z) - expected)
    assert (error <= 2.5 * step + 1e-12).all()  # two shifts and a bias


@settings(max_examples=20)
@given_numbers
def test_gate(seed, frac, u_frac, scale, recipe, ranged):
    rng = np.random.default_rng(seed)
    z_frac = 8 if recipe.wire_bits > 8 else 3
    u_frac = min(u_frac, z_frac)
    bias = rng.normal(size=N)
    q_a, a = integers(scale * rng.normal(size=(T, N)), frac)
    q_z, z = integers(abs(scale * rng.normal(size=(T, N))), z_frac)
    q_u, u = integers(rng.normal(size=(T, N)), u_frac)
    process = proc.Gate.from_float(
        bias,
        acc_frac=frac,
        z_frac=z_frac,
        u_frac=u_frac,
        recipe=recipe,
        **known((a, z, u), ranged),
    )
    arithmetic = arithmetic_of(process)
    g = process.group.argument(q_a, arithmetic)
    out = process.group.combine(q_z, g, q_u, arithmetic)
    assert sum(arithmetic.counters.values()) == 0
    step = np.ldexp(1.0, -process.out_wire.frac)
    g_step = np.ldexp(1.0, -process.group.g_frac) + np.ldexp(0.5, -frac)
    expected = np.maximum(z / (1 + np.exp(-(a + bias))) + u, 0)
    # The lines follow the sigmoid to 0.5 %, whose slope is at most 1/4.
    bound = 2 * step + z * (g_step / 4 + 0.006)
    error = abs(process.out_wire.format.dequantize(out) - expected)
    assert (error <= bound + 1e-12).all()


REFUSED = {
    "no data": (
        lambda: proc.Affine.from_float([0.0], acc_frac=3),
        "either calibration",
    ),
    "large": (
        lambda: proc.Affine.from_float([0.0], acc_frac=28, input_range=9.0),
        r"a_in \+ bias, row 0: with 28 fractional bits it reaches",
    ),
    "one of two": (
        lambda: proc.Readout.from_float(
            [0.0], acc_c_frac=3, acc_d_frac=3, input_range=1.0
        ),
        "input_range: must be a tuple of a_c_in, a_d_in",
    ),
    "negative": (
        lambda: proc.Readout.from_float(
            [0.0], acc_c_frac=3, acc_d_frac=3, input_range=(1.0, -2.0)
        ),
        "input_range of a_d_in, row 0: -2.0, must be finite and 0 or more",
    ),
    "rows": (
        lambda: proc.Gate.from_float(
            [0.0],
            acc_frac=3,
            z_frac=3,
            u_frac=3,
            calibration=(np.ones((2, 1)), np.ones((3, 1)), np.ones((2, 1))),
        ),
        "a_in, z_in, u_in must have as many rows each",
    ),
    "shape": (
        lambda: proc.Affine.from_float(
            [0.0, 1.0], acc_frac=3, calibration=np.ones((4, 3))
        ),
        r"calibration of a_in: shape \(4, 3\), must be \(T, 2\)",
    ),
    "frac": (
        lambda: proc.Affine.from_float([0.0, 1.0], acc_frac=[3, 4, 5], input_range=1),
        r"acc_frac: shape \(3,\), must be \(\) or \(2,\)",
    ),
    "gate": (
        lambda: proc.Gate.from_float(
            [0.0], acc_frac=0, z_frac=3, u_frac=3, input_range=(1e12, 1.0, 1.0)
        ),
        "a_in",
    ),
}


@pytest.mark.parametrize(("make", "says"), REFUSED.values(), ids=REFUSED)
def test_the_message_names_what_does_not_fit(make, says):
    with pytest.raises(SpecError, match=says):
        make()
