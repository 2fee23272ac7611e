# SPDX-License-Identifier: BSD-3-Clause
"""The exported C computes the reference's integers, and no undefined behaviour."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lava_sparse_rnn import spec
from lava_sparse_rnn.fixed_point import (
    QFormat,
)

from ..conftest import (
    SEEDS,
    at_the_limit,
    made,
    moved,
    recipes,
    steepest,
    tokens,
)
from .conftest import SANITIZE

SIZES = st.integers(1, 24) | st.sampled_from([257, 300])
PORTABLE = "-DARITHMETIC_SHIFT=0"
few_examples = settings(
    max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.slow
@few_examples
@given(
    SEEDS,
    recipes(),
    st.tuples(SIZES, SIZES, SIZES, SIZES),
    st.integers(0, 2),
    st.floats(0, 1),
    st.sampled_from([("-O2",), SANITIZE, (*SANITIZE, PORTABLE)]),
)
def test_random_networks(assert_same, seed, recipe, sizes, n_blocks, density, flags):
    network = made(seed, recipe, sizes, n_blocks, density)
    assert_same(network, tokens(network, seed), *flags)


@pytest.mark.slow
@few_examples
@given(
    SEEDS,
    recipes(st.integers(17, 20), st.integers(17, 32)),
    st.sampled_from([("-O2",), SANITIZE]),
)
def test_wide_formats(assert_same, seed, recipe, flags):
    recipe = replace(recipe, weight_bits=4)
    network = made(seed, recipe, (3, 4, 3, 2), 1, 0.5)
    assert_same(network, tokens(network, seed), *flags)


@pytest.mark.slow
@few_examples
@given(
    SEEDS,
    recipes(),
    st.tuples(SIZES, SIZES, SIZES, SIZES),
    st.lists(st.sampled_from(["s5", "s4d"]), max_size=2),
    st.sampled_from([("-O2",), (*SANITIZE, PORTABLE)]),
)
def test_channels(assert_same, seed, recipe, sizes, kinds, flags):
    network = made(seed, recipe, sizes, 0, 0.5, ("s4d", *kinds))
    assert_same(network, tokens(network, seed), *flags)
    alone = spec.Network((network.layers[1],), recipe)
    assert_same(alone, tokens(alone, seed), *flags)


@pytest.mark.slow
def test_policies(assert_same, paired_recipe):
    network = spec.random_network(
        np.random.default_rng(7), 9, 12, 7, 5, 2, recipe=paired_recipe
    )
    assert_same(network, tokens(network, 7, 60), "-O2")
    assert_same(network, tokens(network, 7, 60), "-O1", PORTABLE)


@pytest.mark.slow
@few_examples
@given(SEEDS, recipes(), st.integers(0, 31), st.lists(st.integers(-9, 9), min_size=7))
def test_unusual_shifts(assert_same, seed, recipe, a_frac, moves):
    network = moved(made(seed, recipe, (7, 9, 5, 6), 1, 0.5), a_frac, moves)
    assert_same(network, tokens(network, seed), *SANITIZE)


@pytest.mark.parametrize("rounding", ["floor", "nearest"])
@pytest.mark.parametrize("k", [-2, 31])
def test_ends_of_the_accumulator(assert_same, rounding, k):
    """In a matrix that is kept dense."""
    assert_same(*at_the_limit(rounding, k), *SANITIZE)


@pytest.mark.slow
@pytest.mark.parametrize("overflow", ["saturate", "wrap"])
def test_ends_of_the_sigmoid(assert_same, overflow):
    network = steepest(overflow)
    assert_same(network, tokens(network, 0, 200), *SANITIZE)


def widest_block():
    """A block of nothing but 32-bit formats: matrices are empty, biases speak."""
    n = 3
    ones, none = np.ones(n, dtype=int), spec.Weights(np.zeros((n, n)), np.zeros(n))
    bias = spec.Bias([2**23 - 1, -(2**23) + 1, 77], 2 * ones)
    return spec.S5Block(
        inp=spec.Wire(32, 0 * ones, 0),
        **dict.fromkeys(("B_re", "B_im", "C_re", "C_imn", "W"), none),
        bias_x_re=bias,
        bias_x_im=spec.Bias([2**23 - 1, 5, -(2**23) + 1], 4 * ones),
        a_re=[8000, -7000, 5],
        a_im=[-3, 4000, 8000],
        a_format=QFormat(16, 15),
        state=QFormat(32, 0 * ones),
        s=spec.Wire(32, [-2, -2, -31], -2),
        D=spec.Diagonal(0 * ones, 0 * ones),
        bias_z=bias,
        z=spec.Wire(32, 0 * ones, 0),
        bias_g=spec.Bias([2**23 - 1, -(2**23) + 1, 0], 5 * ones),
        g=QFormat(32, 2 + 0 * ones),
        out=spec.Wire(32, [-3, -16, -12], -13),
    )


@pytest.mark.slow
@pytest.mark.parametrize("rounding", ["floor", "nearest"])
def test_the_widest_formats(assert_same, rounding):
    network = spec.Network((widest_block(),), spec.Recipe(rounding))
    x = tokens(network, 0, 30)
    assert_same(network, x, *SANITIZE)


@pytest.mark.slow
def test_long_ways_between_weights(assert_same):
    """Gaps of more than 255 rows, columns and rows without a weight."""
    rng = np.random.default_rng(1)
    network = spec.random_network(rng, 1000, 700, 300, 3, 1, density=0.002)
    assert_same(network, tokens(network, 5), *SANITIZE)


@pytest.mark.slow
def test_a_network_may_begin_with_a_block(assert_same):
    network = spec.random_network(np.random.default_rng(8))
    only = spec.Network(network.layers[1:2], network.recipe)
    assert_same(only, tokens(only, 5, 50), *SANITIZE)


@pytest.mark.slow
@pytest.mark.parametrize("flags", [("-O2",), ("-Os",), SANITIZE])
def test_the_shipped_network(shipped, assert_same, flags):
    network, rng = shipped, np.random.default_rng(0)
    x = np.rint(rng.gamma(0.3, 900, (100, network.d_in))).clip(0, 32767).astype(int)
    x[-4:] = tokens(network, 3, 4)
    assert_same(network, x, *flags)
