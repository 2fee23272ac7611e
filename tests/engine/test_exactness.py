# SPDX-License-Identifier: BSD-3-Clause
"""Every kernel computes the reference's integers, on every wire."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse

from lava_sparse_rnn import engine, spec

from ..conftest import (
    SEEDS,
    at_the_limit,
    made,
    moved,
    recipes,
    steepest,
    tokens,
)

SIZES = st.integers(1, 40) | st.sampled_from([64, 127, 128, 129, 193, 257, 321])
WIDE = st.integers(17, 20)
LAYOUTS = (None, "sparse", "dense")
same_function_each_time = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.slow
@same_function_each_time
@given(
    SEEDS,
    recipes(),
    st.tuples(SIZES, SIZES, SIZES, SIZES),
    st.integers(0, 3),
    st.floats(0, 1),
)
def test_random_networks(assert_same, seed, recipe, sizes, n_blocks, density):
    network = made(seed, recipe, sizes, n_blocks, density)
    assert_same(network, tokens(network, seed), layouts=LAYOUTS)


def test_policies(assert_same, policy_recipe, random_tokens):
    for seed in range(2):
        rng = np.random.default_rng(seed)
        network = spec.random_network(rng, 33, 48, 17, 20, 2, recipe=policy_recipe)
        assert_same(network, random_tokens(network, 40), layouts=LAYOUTS)


@pytest.mark.slow
@same_function_each_time
@given(SEEDS, recipes(WIDE, WIDE), st.integers(1, 2))
def test_wide_formats_fall_back(assert_same, seed, recipe, n_blocks):
    # Widths by layer might make a layer narrow again.
    recipe = replace(recipe, weight_bits=4, by_layer={})
    network = made(seed, recipe, (3, 4, 3, 2), n_blocks, 0.5)
    x = tokens(network, seed)
    assert_same(network, x)
    for kernel in engine.available():
        stream = engine.Stream(network, kernel)
        assert stream.kernel == "scalar"
        assert bool(stream.notes) == (kernel != "scalar")


@pytest.mark.slow
@same_function_each_time
@given(
    SEEDS,
    recipes(),
    st.integers(-4, 40),
    st.lists(st.integers(-9, 9), min_size=7, max_size=7),
)
def test_unusual_shifts(assert_same, seed, recipe, a_frac, moves):
    network = moved(made(seed, recipe, (7, 9, 5, 6), 1, 0.5), a_frac, moves)
    assert_same(network, tokens(network, seed), layouts=LAYOUTS)


@pytest.mark.parametrize("rounding", ["floor", "nearest"])
@pytest.mark.parametrize("k", [-2, 0, 1, 15, 31])
@pytest.mark.parametrize("relu", [False, True])
def test_ends_of_the_accumulator(assert_same, rounding, k, relu):
    assert_same(*at_the_limit(rounding, k, relu), layouts=LAYOUTS)


@pytest.mark.parametrize("overflow", ["saturate", "wrap"])
def test_ends_of_the_sigmoid(assert_same, overflow):
    network = steepest(overflow)
    x = tokens(network, 0, 200)
    trace = {}
    spec.reference.run(network, x, trace)
    assert abs(trace["layer1_g"]).max() == 32768 or overflow == "wrap"
    assert_same(network, x)


def test_wide_and_empty_matrices(assert_same, random_tokens):
    """More columns than the registers hold at once; rows without a weight."""
    for density in (0.0, 0.02, 0.3):
        rng = np.random.default_rng(1)
        network = spec.random_network(rng, 1000, 700, 30, 3, 1, density=density)
        assert_same(network, random_tokens(network, 5), layouts=LAYOUTS)


@pytest.mark.parametrize(("wire_bits", "rows"), [(16, 100), (8, 64), (16, 257)])
def test_rows_of_very_unequal_length(assert_same, wire_bits, rows):
    """Rows of 0 to 200 weights, in no order: kernels may sort them."""
    rng, n = np.random.default_rng(6), 400
    lengths = rng.permutation(np.linspace(0, 200, rows).astype(int))
    dense = np.zeros((rows, n), int)
    for row, length in zip(dense, lengths, strict=True):
        row[rng.choice(n, length, replace=False)] = rng.integers(-128, 128, length)
    inp = spec.Wire(wire_bits, np.full(n, 8), 8)
    weights = spec.Weights(sparse.csr_array(dense), np.full(rows, 3))
    bias = spec.Bias(np.arange(rows), np.zeros(rows, int))
    out = spec.Wire(wire_bits, np.full(rows, 3), 3)
    layer = spec.Affine(inp, weights, bias, out, relu=False)
    network = spec.Network((layer,), spec.Recipe())
    assert_same(network, tokens(network, 1), layouts=LAYOUTS)


def test_a_network_may_begin_with_a_block(assert_same, random_tokens):
    network = spec.random_network(np.random.default_rng(8))
    only = spec.Network(network.layers[1:2], network.recipe)
    assert_same(only, random_tokens(only, 50))
