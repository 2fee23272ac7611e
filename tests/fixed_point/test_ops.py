# SPDX-License-Identifier: BSD-3-Clause
"""Primitive operations against Python's own integers and fractions."""

import warnings
from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lava_sparse_rnn.fixed_point import (
    OverflowCounters,
    QFormat,
    SpecError,
    frozen_ints,
    quantize,
    saturate,
    shift,
    wrap,
)

integers = st.integers(-(2**40), 2**40)
bits = st.integers(2, 32)


@given(integers, st.integers(-20, 31))
def test_floor_shift_is_floored_division(q, s):
    assert shift(q, s) == floor(q * Fraction(2) ** -s)


@given(integers, st.integers(-20, 31))
def test_nearest_shift_is_division_with_half_rounded_up(q, s):
    expected = floor(q * Fraction(2) ** -s + Fraction(1, 2))
    assert shift(q, s, "nearest") == expected


@given(st.lists(integers, min_size=1), st.data())
def test_shift_takes_one_amount_per_element(q, data):
    s = data.draw(st.lists(st.integers(-20, 31), min_size=len(q), max_size=len(q)))
    single = [int(shift(a, b)) for a, b in zip(q, s, strict=True)]
    assert shift(np.array(q), np.array(s)).tolist() == single


@given(integers, bits)
def test_saturate_is_the_nearest_value_in_range(q, n):
    low, high = -(2 ** (n - 1)), 2 ** (n - 1) - 1
    assert saturate(q, n) == min(max(q, low), high)


@given(integers, bits)
def test_wrap_is_congruent_and_in_range(q, n):
    w = int(wrap(q, n))
    assert -(2 ** (n - 1)) <= w < 2 ** (n - 1)
    assert (w - q) % 2**n == 0


@given(st.floats(-1e6, 1e6), st.integers(-8, 24), bits)
def test_quantize_rounds_half_to_even_then_saturates(x, frac, n):
    exact = round(Fraction(x) * Fraction(2) ** frac)  # Python rounds half to even
    low, high = -(2 ** (n - 1)), 2 ** (n - 1) - 1
    assert quantize(x, QFormat(n, frac)) == min(max(exact, low), high)


def test_quantize_takes_one_frac_per_element():
    fmt = QFormat(16, [0, 3, -1])
    q = fmt.quantize([[2.5, 2.5, 2.5], [-1.5, 1.0, 7.0]])
    assert q.tolist() == [[2, 20, 1], [-2, 8, 4]]
    assert fmt.dequantize(q[0]).tolist() == [2.0, 2.5, 2.0]


def test_quantize_keeps_what_is_beyond_int64_in_range():
    assert quantize([1e300, -1e300], QFormat(16, 0)).tolist() == [32767, -32768]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_quantize_names_the_place_of_a_value_that_is_not_finite(bad):
    with pytest.raises(SpecError, match=r"\(1, 2\)"):
        quantize([[0, 0, 0], [0, 0, bad]], QFormat(16, 0))


@pytest.mark.parametrize("n", [1, 33])
def test_a_format_of_an_impossible_width_is_refused(n):
    with pytest.raises(SpecError, match=f"bits is {n}"):
        QFormat(n, 0)


def test_integers_that_are_not_whole_are_refused():
    assert frozen_ints([1.0, 2.0], "x").dtype == np.int64
    with pytest.raises(SpecError, match="weights"):
        frozen_ints([1.5], "weights")


def test_unknown_rounding_lists_the_choices():
    with pytest.raises(SpecError, match="floor, nearest"):
        shift(1, 1, "up")


def test_counters_count_changes_per_tensor():
    counters = OverflowCounters()
    q = np.array([1, 300, -300])
    counters.add("wire", q, saturate(q, 8))
    counters.add("wire", q, saturate(q, 16))
    assert counters["wire"] == 2
    assert counters["another"] == 0


@pytest.mark.parametrize(
    "bad",
    [[1 + 2j], ["1"], [None], [0, np.inf], [np.nan], [2.0**63], [2**63], [-(2**63)]],
)
def test_what_int64_does_not_hold_is_refused(bad):
    with pytest.raises(SpecError, match="weights: values must be whole numbers"):
        frozen_ints(bad, "weights")


@pytest.mark.parametrize(
    "good", [[], 3, [True], [2**63 - 1], [-(2**63) + 1], [2.0**62]]
)
def test_what_int64_holds_is_kept(good):
    assert np.array_equal(frozen_ints(good, "x"), np.array(good, dtype=np.int64))


@pytest.mark.parametrize("kind", ["float16", "float32", "longdouble", ">f8"])
def test_whole_numbers_of_every_float_are_taken_without_a_warning(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert frozen_ints(np.array([-3, 0, 2048], kind), "x").tolist() == [-3, 0, 2048]
