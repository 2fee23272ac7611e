# SPDX-License-Identifier: BSD-3-Clause
"""SI-SNR against a formula written another way, and its edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lava_sparse_rnn.audio import (
    AudioError,
    find_lag,
    si_snr,
    si_snr_improvement,
)
from lava_sparse_rnn.audio.evaluation.metrics import align


def by_least_squares(estimate, reference):
    """Fit estimate = a * reference + b; signal is the fit's variance."""
    columns = np.stack([reference, np.ones_like(reference)], axis=1)
    solution, *_ = np.linalg.lstsq(columns, estimate, rcond=None)
    fit = columns @ solution
    return 10 * np.log10(np.var(fit) / np.var(estimate - fit))


def pair(seed, n=500):
    rng = np.random.default_rng(seed)
    s = rng.standard_normal(n)
    return s + rng.uniform(0.01, 3) * rng.standard_normal(n) + rng.normal(), s


@given(st.integers(0, 10_000))
def test_against_least_squares(seed):
    e, s = pair(seed)
    assert si_snr(e, s) == pytest.approx(by_least_squares(e, s), abs=1e-8)


@given(st.integers(0, 1000), st.floats(-50, 50).filter(lambda a: abs(a) > 1e-3))
def test_scale_and_offset_change_nothing(seed, a):
    e, s = pair(seed)
    assert si_snr(a * e + 3.0, s - 7.0) == pytest.approx(si_snr(e, s), abs=1e-6)


def test_known_value():
    s = np.array([1.0, -1.0, 1.0, -1.0])
    n = np.array([1.0, 1.0, -1.0, -1.0])  # orthogonal, equal power
    assert si_snr(s + 0.1 * n, s) == pytest.approx(20.0)


def test_rows():
    rows = [pair(i) for i in range(6)]
    e = np.stack([r[0] for r in rows]).reshape(2, 3, -1)
    s = np.stack([r[1] for r in rows]).reshape(2, 3, -1)
    expected = [[si_snr(e[i, j], s[i, j]) for j in range(3)] for i in range(2)]
    np.testing.assert_allclose(si_snr(e, s), expected)


def test_improvement():
    e, s = pair(1)
    noisy = e + pair(2)[0]
    assert si_snr_improvement(e, noisy, s) == pytest.approx(
        si_snr(e, s) - si_snr(noisy, s)
    )


def test_edges():
    s = pair(0)[1]
    assert si_snr(np.zeros_like(s), s) == -np.inf
    assert si_snr(np.array([1.0, 1, -1, -1]), np.array([1.0, -1, 1, -1])) == -np.inf
    assert si_snr(2.0 * (s - s.mean()), s - s.mean()) > 250


@pytest.mark.parametrize("level", [0.0, 0.3, 1e-30])
def test_silent_reference(level):
    with pytest.raises(AudioError, match="silent or constant"):
        si_snr(np.ones(10), np.full(10, level))


def test_silent_row_is_named():
    s = np.stack([pair(0)[1], np.zeros(500)])
    with pytest.raises(AudioError, match=r"row \[1\]"):
        si_snr(s, s)


def test_quiet_reference_is_not_silent():
    e, s = pair(3)
    assert si_snr(e, s * 1e-20) == pytest.approx(si_snr(e, s))


@pytest.mark.parametrize(
    ("e", "s", "word"),
    [
        (np.zeros(3), np.zeros(4), r"\(3,\).*\(4,\)"),
        (np.zeros(0), np.zeros(0), "at least one"),
        (np.array([0.0, np.nan]), np.ones(2), "estimate: sample 1 is nan"),
        (np.ones(2), np.array([np.inf, 0.0]), "reference: sample"),
    ],
)
def test_bad_input(e, s, word):
    with pytest.raises(AudioError, match=word):
        si_snr(e, s)


@given(st.integers(-40, 40), st.booleans())
def test_lag_is_found(lag, flipped):
    x = np.random.default_rng(0).standard_normal(700)
    reference = x[100:600]
    estimate = x[100 - lag : 600 - lag] * (-1 if flipped else 1)
    assert find_lag(estimate, reference, 40) == lag
    e, s = align(estimate, reference, lag)
    assert len(e) == len(s) == 500 - abs(lag)
    np.testing.assert_allclose(np.abs(e), np.abs(s))
    assert si_snr(estimate, reference, max_lag=40) > 200


def test_bad_lag():
    x = np.ones(10)
    with pytest.raises(AudioError, match="max_lag 10"):
        find_lag(x, x, 10)
    with pytest.raises(AudioError, match="lag 10"):
        align(x, x, 10)
    with pytest.raises(AudioError, match="one dimension"):
        find_lag(np.ones((2, 9)), np.ones((2, 9)), 3)
