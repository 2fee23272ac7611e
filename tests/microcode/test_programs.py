# SPDX-License-Identifier: BSD-3-Clause
"""The programs of the neuron groups against the reference, on every wire."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from lava_sparse_rnn import microcode, spec
from lava_sparse_rnn.fixed_point import PLAN, OverflowCounters, SigmoidLines, SpecError
from lava_sparse_rnn.spec.groups import (
    AffineGroup,
    GateGroup,
    ReadoutGroup,
    RecurrenceGroup,
)


def assert_same(network, x):
    """Every wire, state and overflow count; returns the instruction counts."""
    wires, expected = {}, {}
    overflows, expected_overflows = OverflowCounters(), OverflowCounters()
    counts = {}
    y = microcode.run(network, x, wires, overflows, counts)
    expected_y = spec.reference.run(network, x, expected, expected_overflows)
    assert wires.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(wires[name], value, err_msg=name)
        assert wires[name].dtype == value.dtype
    np.testing.assert_array_equal(y, expected_y)
    assert overflows == expected_overflows
    return counts


def test_every_policy(policy_recipe, random_tokens):
    rng = np.random.default_rng(7)
    network = spec.random_network(rng, n_blocks=2, recipe=policy_recipe)
    counters = OverflowCounters()
    x = random_tokens(network, 40)
    spec.reference.run(network, x, counters=counters)
    assert sum(counters.values()) > 20  # overflow is among what is compared
    assert_same(network, x)


def random_recipes():
    return st.builds(
        spec.Recipe,
        rounding=st.sampled_from(["floor", "nearest"]),
        overflow=st.sampled_from(["saturate", "wrap"]),
        state_nonlinearity=st.sampled_from(["real_gate", "split", "none"]),
        weight_bits=st.sampled_from([8, 4]),
        wire_bits=st.sampled_from([16, 8, 12]),
        state_bits=st.sampled_from([24, 16]),
        a_bits=st.sampled_from([16, 12]),
        gate_bits=st.sampled_from([16, 12]),
    )


LINES = st.sampled_from(
    [None, PLAN, SigmoidLines([40000], [3], [9000]), SigmoidLines([0], [5], [32768])]
)


@given(random_recipes(), st.integers(0, 2**32 - 1), LINES)
@settings(max_examples=200)
def test_random_networks(recipe, seed, lines):
    if lines is not None:
        recipe = dataclasses.replace(recipe, sigmoid=lines)
    rng = np.random.default_rng(seed)
    try:
        network = spec.random_network(rng, 4, 6, 5, 3, 1, recipe=recipe)
    except SpecError:
        reject()  # its random shifts do not suit these widths
    fmt = network.layers[0].inp.format
    assert_same(network, rng.integers(fmt.lowest, fmt.highest + 1, (12, 4)))


@pytest.mark.slow
def test_the_shipped_network(shipped, random_tokens):
    assert_same(shipped, random_tokens(shipped, 50))


def test_no_tokens():
    network = spec.random_network(np.random.default_rng(0))
    counts = assert_same(network, np.zeros((0, network.d_in), dtype=int))
    assert counts["layer0_affine"].per_neuron == 0


def test_input_is_checked():
    network = spec.random_network(np.random.default_rng(0))
    d_in = network.d_in
    with pytest.raises(SpecError, match=r"shape \(2, 3\), must be \(T, 5\)"):
        microcode.run(network, np.zeros((2, 3), int))
    with pytest.raises(SpecError, match="must be whole numbers"):
        microcode.run(network, np.full((2, d_in), 0.5))
    x = np.zeros((2, d_in), int)
    x[1, 3] = 32768
    with pytest.raises(SpecError, match="token 1, value 32768 at 3 does not fit"):
        microcode.run(network, x)


def test_instruction_counts(random_tokens):
    network = spec.random_network(np.random.default_rng(5), n_blocks=1)
    x = random_tokens(network, 30)
    trace = {}
    spec.reference.run(network, x, trace)
    counts = assert_same(network, x)
    names = ["layer0_affine", "layer1_recurrence", "layer1_readout", "layer1_gate"]
    assert list(counts) == [*names, "layer2_affine"]
    for name, c in counts.items():
        assert c.tokens == 30, name
        assert c.shortest_path <= c.per_neuron <= c.longest <= c.longest_path
        assert c.total == sum(c.by_opcode.values()) == round(c.per_token * 30)
    # Seven instructions and, where ReLU leaves something, the spike.
    sent = int(np.count_nonzero(trace["layer0_out"]))
    encoder = counts["layer0_affine"]
    assert encoder.messages == sent
    positive = encoder.total - 7 * 30 * encoder.neurons
    assert positive == encoder.by_opcode["SPIKE"] >= sent
    # Without ReLU every neuron executes the same.
    decoder = counts["layer2_affine"]
    assert decoder.total == 6 * 30 * decoder.neurons


def variants():
    network = spec.random_network(np.random.default_rng(6))
    block, recipe = network.layers[1], network.recipe
    yield AffineGroup.of(network.layers[0], recipe)
    yield AffineGroup.of(network.layers[2], recipe)
    yield ReadoutGroup.of(block, recipe)
    for lines in (recipe.sigmoid, PLAN):
        yield GateGroup.of(block, dataclasses.replace(recipe, sigmoid=lines))
    for kind in spec.NONLINEARITIES:
        other = dataclasses.replace(recipe, state_nonlinearity=kind)
        yield RecurrenceGroup.of(block, other)


TIMINGS = [
    microcode.Timing(*t)
    for t in [(0, 1, 0), (2, 1, 0), (3, 5, 0), (0, 1, 7), (2, 5, 9 * 5)]
]


@pytest.mark.parametrize("timing", TIMINGS, ids=str)
def test_programs_are_clean_and_survive_their_text(timing):
    for group in variants():
        program = microcode.program_for(group, timing)
        report = microcode.check(program)
        assert report.findings == ()
        assert report.registers <= 9
        assert microcode.assemble(microcode.disassemble(program)) == program
        microcode.interpreter_for(group, timing=timing)


def test_every_line_has_a_comment():
    plain = (".program", ".if", ".else", ".end", ".repeat", "idle:")
    for name in ("affine", "recurrence", "readout", "gate"):
        for line in microcode.source(name).splitlines():
            bare = not line.strip() or line.startswith(plain)
            assert bare or line.partition(";")[2].strip() or line == ";", line


def test_a_sigmoid_that_leaves_the_register():
    network = spec.random_network(np.random.default_rng(6))
    block, frac = network.layers[1], 5
    g = dataclasses.replace(network.layers[1].g, frac=np.full(block.d_model, frac))
    block = dataclasses.replace(block, g=g)
    steep = SigmoidLines([65535], [-frac], [32768])  # nothing is shifted out
    recipe = dataclasses.replace(network.recipe, sigmoid=steep)
    group = GateGroup.of(block, recipe)
    with pytest.raises(SpecError, match="sigmoid line 0 can reach 2,147,483,648"):
        microcode.interpreter_for(group)


def test_a_group_without_a_program():
    with pytest.raises(SpecError, match="no program for a int, there are: AffineGroup"):
        microcode.program_for(5)
