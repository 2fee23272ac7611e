# SPDX-License-Identifier: BSD-3-Clause
"""Reference, fused and layered models give the same integers in every step."""

import numpy as np
import pytest

from lava_sparse_rnn import proc, spec
from lava_sparse_rnn.fixed_point import OverflowCounters, RealArithmetic
from lava_sparse_rnn.spec import reference

W4 = spec.Recipe("nearest", "wrap", "split", weight_bits=4, state_bits=16)
W8A8 = spec.Recipe("nearest", wire_bits=8, state_bits=16, gate_bits=8)
SIZES = {
    "one state": {"d_in": 1, "d_model": 1, "d_state": 1, "d_out": 1, "density": 1.0},
    "wide": {"d_in": 9, "d_model": 24, "d_state": 16, "d_out": 11, "density": 0.15},
    "only affine": {"n_blocks": 0},
    "W4, 16-bit state, wrap": {"recipe": W4},
    "W8A8": {"recipe": W8A8, "n_blocks": 2},
}


def same_in_every_way(network, x, layered):
    """Answers and overflow counts of a Lava run are the reference's."""
    expected, found = OverflowCounters(), OverflowCounters()
    y = reference.run(network, x, counters=expected)
    answers = proc.run(network, x, layered=layered, counters=found)
    assert answers.dtype == np.int64
    np.testing.assert_array_equal(answers, y)
    assert found == expected
    return expected


def test_fused_equals_reference(network, random_tokens, policy_recipe):
    net = network(4, policy_recipe, n_blocks=2)
    counts = same_in_every_way(net, random_tokens(net, 20), layered=False)
    assert sum(counts.values()) > 0  # the case is meant to overflow


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_fused_equals_reference_for_shapes_and_formats(network, random_tokens, sizes):
    net = network(5, **sizes)
    same_in_every_way(net, random_tokens(net, 20), layered=False)


@pytest.mark.parametrize("recipe", [None, W4], ids=["default", "W4"])
def test_layered_equals_reference(network, random_tokens, recipe):
    net = network(6, recipe)
    same_in_every_way(net, random_tokens(net, 15), layered=True)


@pytest.mark.slow
def test_layered_equals_reference_for_policies(network, random_tokens, paired_recipe):
    net = network(4, paired_recipe, n_blocks=2)
    same_in_every_way(net, random_tokens(net, 20), layered=True)


@pytest.mark.slow
@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_layered_equals_reference_for_shapes(network, random_tokens, sizes):
    net = network(5, **sizes)
    same_in_every_way(net, random_tokens(net, 20), layered=True)


@pytest.mark.slow
@pytest.mark.parametrize("tag", ["fixed_pt", "floating_pt"])
def test_block_sends_the_same_in_every_step_also_before_its_first_token(
    network, ports, tag
):
    net = network(7)
    block, depth = net.layers[1], 4
    # Fill that comes from other processes need not be zero.
    x = np.random.default_rng(1).integers(0, 20000, (12, block.d_model))
    fused, layered = (
        ports(proc.S5Block(block, net.recipe, depth=depth), x, 20, tag=tag, layered=v)
        for v in (False, True)
    )
    assert fused[1 : depth + block.latency].any()
    # Integers are equal; only real numbers may differ in their last places.
    tolerance = {"fixed_pt": 0.0, "floating_pt": 1e-9}[tag]
    np.testing.assert_allclose(fused, layered, rtol=tolerance, atol=tolerance)
    alone = spec.Network((block,), net.recipe)
    arithmetic = {"fixed_pt": None, "floating_pt": RealArithmetic()}[tag]
    answers = reference.Reference(alone, arithmetic).run(x[depth:])
    first = depth + block.latency
    got = fused[first : first + len(answers)]
    np.testing.assert_allclose(got, answers, rtol=tolerance)


@pytest.mark.parametrize("n_blocks", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_network_sends_the_same_in_every_step(network, ports, random_tokens, n_blocks):
    net = network(8, n_blocks=n_blocks)
    x = random_tokens(net, 10)
    process = proc.SparseRNN(net, depth=2)
    n_steps = 12 + net.latency
    fused = ports(process, x, n_steps)
    np.testing.assert_array_equal(fused, ports(process, x, n_steps, layered=True))
    np.testing.assert_array_equal(
        fused[2 + net.latency : 10 + net.latency], reference.run(net, x[2:])
    )


@pytest.mark.slow
def test_real_numbers_agree(network, random_tokens):
    net = network(9)
    x = random_tokens(net, 12) + 0.25
    expected = reference.Reference(net, RealArithmetic()).run(x)
    scale = abs(expected).max()
    for layered in (False, True):
        y = proc.run(net, x, "floating_pt", layered)
        assert y.dtype == np.float64
        np.testing.assert_allclose(y, expected, rtol=1e-9, atol=1e-9 * scale)
