# SPDX-License-Identifier: BSD-3-Clause
"""States that decay in real numbers decay in integers."""

import itertools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lava_sparse_rnn import spec
from lava_sparse_rnn.spec.quantize.states import quantize_a

BITS = st.integers(2, 16)
INSIDE = st.builds(
    lambda depth, angle: (1 - 10.0**-depth) * np.exp(1j * angle),
    st.floats(0.01, 9),
    st.floats(-np.pi, np.pi),
)
OUTWARDS = 0.999995 * np.exp(0.698042j)  # to the nearest: |a| of 1.000016


def integers(a, bits):
    return quantize_a(np.array([a]), spec.Recipe(a_bits=bits))


def nearest(a, bits):
    """Distance to the nearest pair inside the circle, all around `a` looked at."""
    one = 2 ** (bits - 1)
    x, y = a.real * one, a.imag * one
    around = itertools.product(range(-2, 3), repeat=2)
    pairs = [(round(x) + i, round(y) + j) for i, j in around]
    return min(np.hypot(x - i, y - j) for i, j in pairs if i * i + j * j < one * one)


@given(INSIDE, BITS)
@example(-0.9999999 + 0j, 16)
@example(OUTWARDS, 16)
def test_the_nearest_that_decays(a, bits):
    one, (re, im) = 2 ** (bits - 1), integers(a, bits)
    assert re[0] ** 2 + im[0] ** 2 < one**2
    found = np.hypot(a.real * one - re[0], a.imag * one - im[0])
    assert found == pytest.approx(nearest(a, bits), abs=1e-9)


@given(INSIDE, BITS)
def test_rounded_as_ever_where_that_decays(a, bits):
    one = 2 ** (bits - 1)
    re, im = np.rint(a.real * one), np.rint(a.imag * one)
    if re**2 + im**2 < one**2:
        assert (re, im) == integers(a, bits)


def left_alone(re, im, steps):
    """Magnitude of a state of 2**20 after so many steps of the contract's rule."""
    x, y = 2**20, 0
    for _ in range(steps):
        x, y = ((re * x) >> 15) - ((im * y) >> 15), ((re * y) >> 15) + ((im * x) >> 15)
    return np.hypot(x, y)


def test_a_state_left_alone_decays():
    nearest = [round(part * 2**15) for part in (OUTWARDS.real, OUTWARDS.imag)]
    assert left_alone(*nearest, 20_000) > 1.3 * 2**20
    re, im = integers(OUTWARDS, 16)
    assert left_alone(int(re[0]), int(im[0]), 20_000) < 2**20
