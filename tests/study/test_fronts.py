# SPDX-License-Identifier: BSD-3-Clause
"""Fronts and ratios, beside formulas that know nothing of the code."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lava_sparse_rnn.study.fronts import (
    Point,
    cost_at,
    front,
    interval,
    pareto,
    ratio,
)

costs_and_scores = st.lists(
    st.tuples(
        st.floats(1, 1e6),
        st.integers(-20, 20).map(float),  # equal scores happen
    ),
    min_size=1,
    max_size=30,
)


def beats(a, b):
    """Whether a point costs no more and scores no less than another, and differs."""
    return a[0] <= b[0] and a[1] >= b[1] and a != b


@given(costs_and_scores)
def test_the_front_is_what_nothing_beats(points):
    found = [points[i] for i in pareto(*zip(*points, strict=True))]
    assert set(found) == {p for p in points if not any(beats(q, p) for q in points)}
    costs, scores = zip(*found, strict=True)
    assert (np.diff(costs) > 0).all()
    assert (np.diff(scores) > 0).all()


@given(costs_and_scores, st.randoms(use_true_random=False))
def test_the_front_does_not_depend_on_the_order(points, random):
    shuffled = random.sample(points, len(points))
    found, again = (
        [list_[i] for i in pareto(*zip(*list_, strict=True))]
        for list_ in (points, shuffled)
    )
    assert found == again


def power_law(costs, scale, slope=7.0, offset=10.0):
    """Sizes whose score rises by `slope` with every factor of e of cost / scale."""
    return [
        Point(np.array([c]), np.array([offset + slope * np.log(c / scale)]))
        for c in costs
    ]


@pytest.mark.parametrize("saving", [0.5, 1.0, 2.0, 3.7])
def test_the_ratio_of_two_power_laws_is_that_of_their_scales(saving):
    """``a + b log(c / s)``: equal scores where ``c_dense / c_sparse = s_d / s_s``."""
    dense = front(power_law([10, 40, 90, 200, 700], scale=5 * saving))
    sparse = front(power_law([7, 30, 110, 150, 900, 1500], scale=5))
    found = ratio(dense, sparse)
    assert found.mean == pytest.approx(saving, rel=1e-12)
    np.testing.assert_allclose(found.ratios, saving, rtol=1e-12)
    assert found.low == max(dense[1][0], sparse[1][0])
    assert found.high == min(dense[1][-1], sparse[1][-1])


def cost_by_hand(points, score):
    """Two points around a score: ``c1 (c2 / c1) ** ((s - s1) / (s2 - s1))``."""
    for (c1, s1), (c2, s2) in itertools.pairwise(points):
        if s1 <= score <= s2:
            return c1 * (c2 / c1) ** ((score - s1) / (s2 - s1))
    return None


rising = st.lists(
    st.tuples(st.floats(1.1, 10), st.floats(0.1, 5)), min_size=2, max_size=6
).map(lambda steps: np.cumsum(np.log(steps), axis=0))


@given(rising, rising, st.floats(-2, 2))
def test_the_ratio_is_that_of_costs_by_hand(dense, sparse, shift):
    fronts = []
    for logs, by in ((dense, 0.0), (sparse, shift)):
        scores = np.cumsum(np.abs(logs[:, 1]) + 0.1) + by
        fronts.append((np.exp(logs[:, 0]), scores))
    found = ratio(*fronts, at=41)
    low, high = max(f[1][0] for f in fronts), min(f[1][-1] for f in fronts)
    if low >= high:
        assert found is None
        return
    grid = np.linspace(low, high, 20_001)[1:-1]
    pairs = [list(zip(*f, strict=True)) for f in fronts]
    for score, value in zip(found.scores[1:-1], found.ratios[1:-1], strict=True):
        by_hand = cost_by_hand(pairs[0], score) / cost_by_hand(pairs[1], score)
        assert value == pytest.approx(by_hand, rel=1e-9)
    logs = np.log(cost_at(*fronts[0], grid) / cost_at(*fronts[1], grid))
    assert np.log(found.mean) == pytest.approx(logs.mean(), abs=2e-3)


def test_where_fronts_do_not_overlap_there_is_no_ratio():
    low, high = (front(power_law(c, scale=5)) for c in ([6, 9, 12], [20, 30, 80]))
    assert ratio(low, high) is None
    assert ratio(high, low) is None
    assert np.isnan(cost_at(*low, low[1][-1] + 0.01))
    assert np.isnan(cost_at(*low, low[1][0] - 0.01))


def seeds(points, noise, n, rng):
    return [
        Point(np.repeat(p.costs, n), p.scores + noise * rng.standard_normal(n))
        for p in points
    ]


@pytest.mark.slow
def test_an_interval_is_as_wide_as_the_ratio_scatters():
    """Beside the scatter of studies that are made anew, seeds and all."""
    rng = np.random.default_rng(0)
    costs, noise, n = [5, 20, 80, 320], 0.6, 4
    truth = [power_law(costs, scale=s) for s in (10, 5)]
    again = []
    for _ in range(300):
        dense, sparse = (front(seeds(p, noise, n, rng)) for p in truth)
        again.append(np.log(ratio(dense, sparse).mean))
    widths = []
    for _ in range(8):
        dense, sparse = (seeds(p, noise, n, rng) for p in truth)
        scores = ratio(front(dense), front(sparse)).scores
        found = interval(dense, sparse, scores, samples=300)
        assert found.apart == 0
        widths.append(np.diff(np.log(found.mean))[0])
    low, high = np.percentile(again, (2.5, 97.5))
    assert np.mean(widths) == pytest.approx(high - low, rel=0.3)


def test_an_interval_needs_two_seeds_of_some_size():
    dense, sparse = (power_law([5, 20, 80], scale=s) for s in (10, 5))
    found = interval(dense, sparse, [12.0, 14.0], samples=10)
    assert found.mean is None
    assert found.at == [None, None]


def test_an_interval_says_how_often_fronts_do_not_overlap():
    rng = np.random.default_rng(0)
    dense = seeds(power_law([5, 10], scale=5), 2.0, 3, rng)
    sparse = seeds(power_law([10, 20], scale=5), 2.0, 3, rng)
    found = interval(dense, sparse, [15.0], samples=200)
    assert 0.05 < found.apart < 0.95
