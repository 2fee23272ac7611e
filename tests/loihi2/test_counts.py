# SPDX-License-Identifier: BSD-3-Clause
"""Counts, against loops over synapses and against the interpreter of the programs."""

import collections
import dataclasses

import numpy as np
import pytest

from lava_sparse_rnn import loihi2, microcode, spec
from lava_sparse_rnn.loihi2.groups import INPUT, neuron_groups
from lava_sparse_rnn.microcode import Timing
from lava_sparse_rnn.spec import statistics


def walk(mesh, a, b):
    """Links of an XY route, router by router: pairs of neighbours."""
    (x, y), (tx, ty) = a, b
    while x != tx:
        step = 1 if tx > x else -1
        yield (x, y), (x + step, y)
        x += step
    while y != ty:
        step = 1 if ty > y else -1
        yield (x, y), (x, y + step)
        y += step


def by_hand(network, x, mapping):
    """Messages, synops, reads, hops and links, from loops; (core, name) -> total."""
    trace = {}
    spec.reference.run(network, x, trace)
    trace[INPUT] = x
    chip = mapping.board.chip
    total, links = collections.Counter(), collections.Counter()
    mesh = mapping.mesh
    where = [
        tuple(int(v) for v in mesh.position(r)) for r in mapping.router_of.tolist()
    ]
    home = {}
    for k in range(len(mapping)):
        group = mapping.groups[mapping.group_of[k]]
        for wire in group.wires:
            for j in range(mapping.start[k], mapping.stop[k]):
                home[wire, j] = k
    for wire, values in trace.items():
        if wire != INPUT and (wire, 0) not in home:
            continue  # states and gate arguments are not sent
        for j in range(values.shape[1]):
            times = int(np.count_nonzero(values[:, j]))
            source = home.get((wire, j))
            if source is not None:
                total[source, "spikes"] += times
            heard = any(c.source == wire for g in mapping.groups for c in g.inputs)
            if not heard:
                total[source, "messages_out"] += times
            for k in range(len(mapping)):
                group = mapping.groups[mapping.group_of[k]]
                met = 0
                for s in mapping.stored[group.name]:
                    if s.connection.source != wire:
                        continue
                    column = s.connection.matrix.toarray()[:, j]
                    column = column[mapping.start[k] : mapping.stop[k]]
                    n = len(column) if s.format.name == "dense" else (column != 0).sum()
                    index = (chip.neurons_per_core - 1).bit_length()
                    bits = s.connection.bits + index * (s.format.name == "sparse")
                    total[k, f"{s.format.name}_synops"] += int(n) * times
                    total[k, "memory_reads"] += times * int(np.ceil(n * bits / 64))
                    met += n
                if not met:
                    continue
                total[k, "messages_in"] += times
                if source is None:
                    continue
                total[source, "messages_out"] += times
                if mapping.chip_of[k] != mapping.chip_of[source]:
                    total[source, "chip_crossings"] += times
                    continue
                for a, b in walk(mesh, where[source], where[k]):
                    kind = "east_west" if a[1] == b[1] else "north_south"
                    total[source, f"hops_{kind}"] += times
                    links[int(mapping.chip_of[k]), a, b] += times
    return total, links


@pytest.fixture
def mapped(small, tiny_chip):
    """On three chips of seven cores, several cores per group."""
    return loihi2.map_network(
        small, loihi2.Board("b", 4, dataclasses.replace(tiny_chip, cores=9)), 24
    )


def test_counts_by_hand(small, mapped, random_tokens):
    assert mapped.chips == 3
    x = random_tokens(small, 6)
    x[::2, ::2] = 0
    tally = loihi2.count(small, x, mapped).real
    total, links = by_hand(small, x, mapped)
    names = {name for _, name in total}
    assert names >= {"hops_east_west", "hops_north_south", "chip_crossings"}
    for name in names:
        expected = [total[k, name] for k in range(len(mapped))]
        assert tally.per_core[name].sum(axis=0).tolist() == expected, name
    expected = np.zeros(tally.links.shape[2])
    for (chip, a, b), times in links.items():
        text = f"router {a} to {b}"
        (link,) = (
            n for n in range(mapped.mesh.links) if mapped.mesh.describe(n) == text
        )
        expected[chip * mapped.mesh.links + link] = times
    assert tally.links.sum(axis=(0, 1)).tolist() == expected.tolist()


def test_dense_counts_by_hand(random_tokens):
    network = spec.random_network(np.random.default_rng(1), 6, 8, 7, 5, 1, 0.95)
    mapping = loihi2.map_network(network, cores=12)
    x = random_tokens(network, 5)
    tally = loihi2.count(network, x, mapping).real
    total, _ = by_hand(network, x, mapping)
    for name in ("dense_synops", "sparse_synops", "memory_reads", "messages_in"):
        expected = [total[k, name] for k in range(len(mapping))]
        assert tally.per_core[name].sum(axis=0).tolist() == expected, name
    assert tally.per_core["dense_synops"].sum() > tally.per_core["sparse_synops"].sum()
    # Zeros that the dense format stores are met, but are not the network's.
    useful = loihi2.count(network, x, mapping).synops.sum()
    assert useful < tally.synops.sum()


def test_synops_are_those_of_the_statistics(sized):
    x = np.random.default_rng(0).integers(-9999, 9999, (30, sized.d_in))
    trace = {}
    spec.reference.run(sized, x, trace)
    rows = statistics.activity(sized, x, trace)
    counts = loihi2.count(sized, x, loihi2.map_network(sized, cores=40))
    assert counts.synops.mean() == pytest.approx(sum(r.synops for r in rows))
    # Copies of z and of the residual are all that the mapping adds.
    n_blocks = len(sized.layers) - 2
    sent = sum((trace[f"layer{i + 1}_z"] != 0).sum() for i in range(n_blocks))
    sent += sum((trace[f"layer{i}_out"] != 0).sum() for i in range(n_blocks))
    assert counts.real.synops.sum() == pytest.approx(counts.synops.sum() + sent)


@pytest.mark.parametrize("rounding", ["floor", "nearest"])
@pytest.mark.parametrize("nonlinearity", spec.NONLINEARITIES)
def test_instructions_and_spikes_are_the_interpreters(
    rounding, nonlinearity, random_tokens
):
    recipe = spec.Recipe(rounding, "saturate", nonlinearity)
    rng = np.random.default_rng(4)
    network = spec.random_network(rng, 9, 12, 10, 8, 2, recipe=recipe)
    x = random_tokens(network, 25)
    mapping = loihi2.map_network(network, cores=17)
    tally = loihi2.count(network, x, mapping).real
    executed = {}
    microcode.run(network, x, counts=executed)
    for i, group in enumerate(mapping.groups):
        cores = mapping.cores_of(i)
        count = executed[group.name]
        # The chip's recurrences wait for their first token: 4 instructions more.
        clock = 4 * group.size * len(x) if group.kind == "recurrence" else 0
        total = tally.per_core["instructions"][:, cores].sum()
        assert total == count.total + clock, group.name
        assert tally.per_core["spikes"][:, cores].sum() == count.messages


class Stepper:
    """A network in time steps on interpreters, wired by its groups' connections."""

    def __init__(self, network):
        self.network, self.groups = network, neuron_groups(network)
        self.sizes = {w: g.size for g in self.groups for w in g.wires}
        self.sizes[INPUT] = network.d_in
        self.past = []
        self.programs = {
            g.name: microcode.interpreter_for(
                g.constants, timing=Timing(g.depth, len(self.groups))
            )
            for g in self.groups
        }

    def step(self, u):
        now = {INPUT: u}
        for group in self.groups:
            arrived = collections.defaultdict(int)
            for c in group.inputs:
                sent = np.zeros(self.sizes[c.source], np.int64)
                if c.delay <= len(self.past):
                    sent = self.past[-c.delay][c.source]
                arrived[c.accumulator] += c.matrix @ sent
            sent = self.programs[group.name].step(dict(arrived))
            for wire, payloads in sent.items():
                now[f"layer{group.layer}_{wire}"] = payloads
        self.past.append(now)

    def count(self):
        return {
            name: (p.executed_total, sum(p.messages.values()))
            for name, p in self.programs.items()
        }


@pytest.mark.parametrize("seed", [0, 1])
def test_fall_through_in_time_steps(seed, random_tokens):
    """A token and the idle steps around it cost what interpreters count."""
    network = spec.random_network(np.random.default_rng(seed), 5, 8, 6, 4, 2)
    x = random_tokens(network, 6)
    stepper = Stepper(network)
    period = network.latency
    assert [g.depth for g in stepper.groups] == list(range(1, period + 1))
    silent = np.zeros(network.d_in, np.int64)
    for t in range(len(x) * period + 1):
        if t == period + 1:  # the first token has filled the pipeline
            before = stepper.count()
        stepper.step(x[t // period] if t % period == 0 and t // period < 6 else silent)
    after = stepper.count()
    answers = [s[f"layer{len(network.layers) - 1}_out"] for s in stepper.past]
    expected = spec.reference.run(network, x)
    assert np.array_equal(answers[period::period], expected)

    mapping = loihi2.map_network(network)
    counts = loihi2.count(network, x, mapping)
    busy, n = 0, len(x) - 1
    for k, group in enumerate(mapping.groups):
        for name, i in (("instructions", 0), ("spikes", 1)):
            real = counts.real.per_core[name][1:, k].sum()
            idle = counts.idle.per_core[name][0, k] * (period - 1) * n
            measured = after[group.name][i] - before[group.name][i]
            assert measured == real + idle, (group.name, name)
            busy += idle * i
    assert busy > 0  # biases speak between tokens, so that this tests something


def test_another_network(small, sized):
    mapping = loihi2.map_network(small)
    x = np.zeros((2, sized.d_in), np.int64)
    with pytest.raises(loihi2.Loihi2Error, match="mapping is of another network"):
        loihi2.count(sized, x, mapping)


def test_no_tokens(small):
    empty = np.zeros((0, small.d_in), np.int64)
    with pytest.raises(loihi2.Loihi2Error, match="no tokens"):
        loihi2.count(small, empty, loihi2.map_network(small))
