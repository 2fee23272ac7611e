# SPDX-License-Identifier: BSD-3-Clause
"""The sigmoid's lines against the sigmoid."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from lava_sparse_rnn.fixed_point import (
    PLAN,
    SIGMOID_ONE,
    IntegerArithmetic,
    RealArithmetic,
    SigmoidLines,
    SpecError,
    fit_lines,
    lines_from_points,
)

EVERY_G = np.arange(-32768, 32768)


def evaluate(lines, g, frac, arithmetic=None):
    shifts = lines.shifts_for(frac)
    return lines.evaluate(np.asarray(g), shifts, arithmetic or IntegerArithmetic())


@pytest.mark.parametrize(("error", "n"), [(0.02, 2), (0.01, 3), (0.005, 4)])
def test_the_fewest_lines_for_an_error(error, n):
    lines = fit_lines(error)
    assert len(lines) == n
    for frac in (8, 12, 15):
        p = evaluate(lines, EVERY_G, frac) / SIGMOID_ONE
        assert np.abs(p - expit(EVERY_G / 2.0**frac)).max() < error


@pytest.mark.parametrize("lines", [fit_lines(), PLAN], ids=["fitted", "plan"])
def test_shape_monotone_symmetric_within_0_and_1(lines):
    p = evaluate(lines, EVERY_G, 12)
    assert (np.diff(p) >= 0).all()
    assert p.min() >= 0
    assert p.max() == SIGMOID_ONE
    # 1 - p for negative arguments; 0 itself belongs to the upper half.
    assert np.array_equal(p[1:32768], SIGMOID_ONE - p[:32768:-1])


def test_plan_has_its_published_error():
    # Amin et al. give 1.89 % as the largest error.
    assert PLAN.max_error(frac=12) == pytest.approx(0.0189, abs=1e-4)


@given(st.integers(-32768, 32767), st.integers(4, 15))
def test_integers_follow_the_formula_one_by_one(g, frac):
    lines = fit_lines()
    p = SIGMOID_ONE
    for slope, s, offset in zip(lines.slope, lines.shift, lines.offset, strict=True):
        p = min(p, (int(slope) * abs(g) >> int(s + frac)) + int(offset))
    assert evaluate(lines, [g], frac)[0] == (p if g >= 0 else SIGMOID_ONE - p)


def test_real_arithmetic_differs_by_the_dropped_bits_only():
    p = evaluate(fit_lines(), EVERY_G, 12)
    r = evaluate(fit_lines(), EVERY_G, 12, RealArithmetic())
    assert np.abs(p - r).max() < 1


def test_a_table_becomes_its_interpolation():
    x = np.array([0.0, 0.5, 1, 1.5, 2, 3, 4, 6, 9])
    lines = lines_from_points(x, expit(x))
    assert len(lines) == 8
    g = np.rint(x[1:-1] * 2**12).astype(int)
    assert np.abs(evaluate(lines, g, 12) / SIGMOID_ONE - expit(x[1:-1])).max() < 1e-3


def test_a_table_that_bends_upwards_is_refused():
    with pytest.raises(SpecError, match="bend downwards"):
        lines_from_points([0, 1, 2], [0.5, 0.6, 0.9])


@pytest.mark.parametrize(
    ("slope", "shift", "offset", "message"),
    [
        ([], [], [], "at least one"),
        ([1, 2], [0], [0], "differ in length"),
        ([1 << 16], [0], [0], "slope 65536"),
        ([1], [0], [SIGMOID_ONE + 1], "offset 32769"),
    ],
)
def test_impossible_lines_are_refused(slope, shift, offset, message):
    with pytest.raises(SpecError, match=message):
        SigmoidLines(slope, shift, offset)


@pytest.mark.parametrize("frac", [-3, 40])
def test_a_frac_without_a_shift_is_refused(frac):
    with pytest.raises(SpecError, match="must be 0 to 31"):
        fit_lines().shifts_for(frac)
