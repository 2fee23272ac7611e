# SPDX-License-Identifier: BSD-3-Clause
"""Mappings: nothing is lost, nothing is over a limit, work is spread evenly."""

import dataclasses
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lava_sparse_rnn import loihi2, spec
from lava_sparse_rnn.loihi2.report import core_table, group_use, mapping_dict


def bytes_by_hand(mapping, k):
    """Memory of a core, from loops over its synapses."""
    group = mapping.groups[mapping.group_of[k]]
    mine = range(mapping.start[k], mapping.stop[k])
    bits = axons = entries = 0
    for stored in mapping.stored[group.name]:
        dense = stored.connection.matrix.toarray()[mine.start : mine.stop]
        if stored.format.name == "dense":
            entries += dense.size
            axons += dense.shape[1]
            bits += dense.size * stored.connection.bits
        else:
            entries += np.count_nonzero(dense)
            axons += np.count_nonzero(dense.any(axis=0))
            each = stored.connection.bits + mapping.model.index(mapping.board.chip)
            bits += np.count_nonzero(dense) * each
    destinations = 0
    for wire in group.wires:
        heard = False
        for j in range(len(mapping)):
            listener = mapping.groups[mapping.group_of[j]]
            there = slice(mapping.start[j], mapping.stop[j])
            reached = np.zeros(group.size, bool)
            for stored in mapping.stored[listener.name]:
                if stored.connection.source == wire:
                    heard = True
                    if stored.format.name == "dense":
                        reached[:] = True
                    else:
                        matrix = stored.connection.matrix.toarray()
                        reached |= matrix[there].any(axis=0)
            destinations += int(reached[mine.start : mine.stop].sum())
        if not heard:
            destinations += len(mine)
    model, report = mapping.model, group.report
    neuron = report.state_bytes + report.constant_bytes
    neuron += SLOTS[group.kind] * model.accumulator_bytes
    shared = sum(d.kind.name == "GROUP" for d in group.program.declarations)
    total = -(-bits // 8) + axons * model.axon_bytes
    total += destinations * model.destination_bytes
    total += len(mine) * neuron + shared * model.constant_bytes
    return entries, -(-bits // 8), total


# Slots of accumulators: one more than the steps that synapses wait, summed.
SLOTS = {"affine": 2, "recurrence": 2 + 2, "readout": 2 + 3, "gate": 2 + 2 + 4}


def check_limits(mapping):
    """Every limit, counted again."""
    chip = mapping.board.chip
    assert loihi2.violations(mapping) == []
    used = 0
    for k in range(len(mapping)):
        entries, synaptic, total = bytes_by_hand(mapping, k)
        assert entries == mapping.synapses[k]
        assert synaptic == mapping.memory["synapses"][k] <= chip.synapse_bytes
        assert total == mapping.total_bytes[k] <= chip.core_bytes
        assert 1 <= mapping.neurons[k] <= chip.neurons_per_core
        used += entries
    assert used <= chip.synapses * mapping.chips
    assert len(set(mapping.place.tolist())) == len(mapping) <= mapping.board.cores


def check_complete(network, mapping):
    """Every neuron and synapse is on exactly one core."""
    parts = {}
    for k in range(len(mapping)):
        name = mapping.groups[mapping.group_of[k]].name
        parts.setdefault(name, []).extend(range(mapping.start[k], mapping.stop[k]))
    sizes = {}
    synapses = 0
    for i, layer in enumerate(network.layers):
        if layer.type == "affine":
            sizes[f"layer{i}_affine"] = layer.out.size
        else:
            sizes[f"layer{i}_recurrence"] = layer.d_state
            sizes[f"layer{i}_readout"] = sizes[f"layer{i}_gate"] = layer.d_model
            synapses += np.count_nonzero(layer.D.values) + 2 * layer.d_model
        synapses += sum(w.nnz for w in layer.matrices.values())
    assert {name: list(range(n)) for name, n in sizes.items()} == parts
    if all(s.format.name == "sparse" for all_ in mapping.stored.values() for s in all_):
        assert mapping.synapses.sum() == synapses


networks = st.builds(
    lambda seed, d_in, d_model, d_state, d_out, blocks, density: spec.random_network(
        np.random.default_rng(seed), d_in, d_model, d_state, d_out, blocks, density
    ),
    st.integers(0, 99),
    *[st.integers(1, 14) for _ in range(4)],
    st.integers(0, 2),
    st.sampled_from([0.05, 0.3, 1.0]),
)
chips = st.builds(
    lambda neurons, synapse_bytes, core_bytes, on_chip, synapses: loihi2.Board(
        "b",
        40,
        loihi2.Chip(
            neurons_per_core=neurons,
            synapse_bytes=synapse_bytes,
            core_bytes=core_bytes,
            cores=on_chip,
            synapses=synapses,
            routers_x=3,
            routers_y=2,
            cores_per_router=3,
        ),
    ),
    st.integers(1, 20),
    st.integers(100, 400),
    st.integers(1200, 2500),
    st.integers(5, 18),
    st.integers(150, 1000),
)


def test_a_core_has_no_more_synapses_than_its_chip():
    network = spec.random_network(np.random.default_rng(0), 11, 14, 1, 1, 0, 1.0)
    chip = loihi2.Chip(neurons_per_core=14, cores=5, synapses=150)
    mapping = loihi2.map_network(network, loihi2.Board("b", 40, chip))
    assert mapping.synapses.tolist() == [77, 77, 14]
    assert mapping.chip_of.tolist() == [0, 1, 1]
    few = dataclasses.replace(chip, synapses=10)
    with pytest.raises(loihi2.Loihi2Error, match="14 synapses for one neuron, .* 10"):
        loihi2.map_network(network, loihi2.Board("b", 40, few))


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=40)
@given(networks, chips, st.one_of(st.none(), st.integers(0, 30)))
def test_limits_hold_and_nothing_is_lost(network, board, more):
    mapping = loihi2.map_network(network, board)
    if more is not None:
        wanted = min(len(mapping) + more, board.cores)
        fewest, mapping = mapping, loihi2.map_network(network, board, wanted)
        assert len(mapping) <= wanted
        work = [np.maximum(m.synapses, m.instructions).max() for m in (fewest, mapping)]
        assert work[1] <= work[0] * 1.01 + 1  # the precision of the search
    check_limits(mapping)
    check_complete(network, mapping)


@pytest.mark.parametrize("cores", [None, 60, 128])
def test_networks_of_both_sizes(sized, cores):
    mapping = loihi2.map_network(sized, cores=cores)
    check_complete(sized, mapping)
    assert loihi2.violations(mapping) == []
    assert len(mapping) <= (cores or len(mapping.groups))
    for row in group_use(mapping):
        # A row's synapses are few against a core's: little is lost to whole rows.
        assert 1.0 <= row.imbalance["synapses"] < 1.35, row
        assert 1.0 <= row.imbalance["instructions"] < 1.35, row
    for i, group in enumerate(mapping.groups):
        here = mapping.cores_of(i)
        n = here.stop - here.start
        entries = sum(c.row_nnz for c in group.inputs)
        longest = group.report.longest
        synapses = max(entries.max(), entries.sum() / n)
        bound = max(synapses, longest * max(1, group.size / n))
        work = np.maximum(mapping.synapses[here], mapping.instructions[here]).max()
        # A run of neurons exceeds its share by less than one neuron.
        assert bound <= work <= bound + max(entries.max(), longest)


@pytest.mark.parametrize("cores", [None, 40])
def test_the_shipped_network(shipped, cores):
    mapping = loihi2.map_network(shipped, cores=cores)
    check_complete(shipped, mapping)
    check_limits(mapping)


def test_one_core_per_group_leaves_room_for_copies(sized):
    mapping = loihi2.map_network(sized)
    blocks = len(sized.layers) - 2
    assert len(mapping) == 3 * blocks + 2  # the paper's size has 11
    copies = 128 // len(mapping)
    assert mapping.copies == mapping.copies_per_chip == copies
    board = loihi2.map_network(sized, "kapoho_point")
    assert (board.copies_per_chip, board.copies) == (copies, 8 * copies)
    several = loihi2.map_network(sized, "kapoho_point", 300)
    assert several.chips == 3
    assert (several.copies_per_chip, several.copies) == (0, 2)


def test_dense_weights_take_the_dense_format():
    network = spec.random_network(np.random.default_rng(0), 20, 16, 16, 20, 1, 0.99)
    mapping = loihi2.map_network(network)
    formats = {
        s.connection.name: s.format.name
        for inputs in mapping.stored.values()
        for s in inputs
    }
    copies = {"layer1_D", "layer1_z_copy", "layer1_residual"}
    assert {n for n, f in formats.items() if f == "sparse"} == copies
    check_limits(mapping)


def test_neighbours_are_near(sized):
    """The snake makes fewer hops than places drawn at random."""
    mapping = loihi2.map_network(sized, cores=128)
    x = np.random.default_rng(0).integers(-9999, 9999, (20, sized.d_in))
    shuffled = dataclasses.replace(
        mapping, place=np.random.default_rng(1).permutation(128)[: len(mapping)]
    )
    hops = []
    for m in (mapping, shuffled):
        real = loihi2.count(sized, x, m).real
        hops.append(
            real.per_token("hops_east_west") + real.per_token("hops_north_south")
        )
    assert hops[0] < 0.75 * hops[1]


def test_tables(sized):
    mapping = loihi2.map_network(sized, cores=50)
    table = core_table(mapping)
    assert sum(row["synapses"] for row in table) == mapping.synapses.sum()
    assert all(
        sum(r["bytes"].values()) == b
        for r, b in zip(table, mapping.total_bytes, strict=False)
    )
    whole = mapping_dict(mapping)
    assert whole["cores_used"] == len(table) == sum(g["cores"] for g in whole["groups"])
    assert mapping.describe(0).startswith("layer0_affine, neurons 0..")


@pytest.mark.slow
def test_ten_million_synapses_in_seconds():
    # Narrow wires, so that rows of 550 weights pass the proof of the accumulator.
    recipe = spec.Recipe(wire_bits=12)
    rng = np.random.default_rng(0)
    network = spec.random_network(rng, 257, 2048, 1024, 257, 3, 0.27, recipe)
    for board, cores in (("kapoho_point", None), ("hala_point", 2000)):
        start = time.process_time()
        mapping = loihi2.map_network(network, board, cores)
        assert time.process_time() - start < 10  # 0.3 and 0.9 s on an idle core
        assert mapping.synapses.sum() > 10_000_000
        assert mapping.chips > 1
        assert loihi2.violations(mapping) == []
