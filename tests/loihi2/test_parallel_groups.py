# SPDX-License-Identifier: BSD-3-Clause
"""Estimates of a layer type of one's own, two of whose groups work in the same step.

``left = relu(W1 u)``, ``right = relu(W2 u)``, ``out = V1 left + V2 right``: with the
encoder before it four groups, but three hops.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

from lava_sparse_rnn import loihi2, spec
from lava_sparse_rnn.loihi2 import beside
from lava_sparse_rnn.spec import Network, Weights, Wire
from lava_sparse_rnn.spec.graph import GRAPHS, INP, Edge, Graph, Node
from lava_sparse_rnn.spec.groups import AffineGroup, ReadoutGroup

DEPTHS = (1, 2, 2, 3)


@dataclass(frozen=True, eq=False)
class Pair(spec.Layer):
    type: ClassVar[str] = "pair"
    latency: ClassVar[int] = 2

    inp: Wire
    W1: Weights
    W2: Weights
    left: Wire
    right: Wire
    V1: Weights
    V2: Weights
    out: Wire


def pair_graph(layer, recipe):
    def half(weights, wire):
        k = weights.frac + layer.inp.ref - wire.frac
        return AffineGroup(np.full(wire.size, 9000), k, wire.bits, relu=True)

    answer = ReadoutGroup(
        k_C=layer.V1.frac + layer.left.ref - layer.out.frac,
        k_D=layer.V2.frac + layer.right.ref - layer.out.frac,
        bias=np.zeros(layer.out.size, np.int64),
        bits=layer.out.bits,
    )
    return Graph(
        nodes=(
            Node("left", half(layer.W1, layer.left), "left_"),
            Node("right", half(layer.W2, layer.right), "right_"),
            Node("answer", answer),
        ),
        edges=(
            Edge("W1", INP, "left", "W", layer.W1),
            Edge("W2", INP, "right", "W", layer.W2),
            Edge("V1", "left_out", "answer", "C", layer.V1),
            Edge("V2", "right_out", "answer", "D", layer.V2),
        ),
        inp_bits=layer.inp.bits,
        out="z",
    )


@pytest.fixture
def counted(monkeypatch):
    """Counts of a run; both halves have biases, so idle steps have messages."""
    monkeypatch.setitem(spec.LAYER_TYPES, Pair.type, Pair)
    monkeypatch.setitem(GRAPHS, Pair.type, pair_graph)
    rng = np.random.default_rng(4)
    base = spec.random_network(rng, 4, 6, 5, 3)
    inp = base.layers[0].out

    def weights(*shape):
        return Weights(rng.integers(-99, 99, shape), [9] * shape[0])

    wires = [Wire(16, np.full(n, inp.ref), inp.ref) for n in (7, 8)]
    left, right = (weights(n, 6) for n in (7, 8))
    pair = Pair(inp, left, right, *wires, weights(6, 7), weights(6, 8), inp)
    network = Network((base.layers[0], pair), base.recipe)
    assert network.latency == max(DEPTHS)
    x = rng.integers(-20_000, 20_000, (7, 4))
    mapping = loihi2.map_network(network, cores=9)
    assert tuple(g.depth for g in mapping.groups) == DEPTHS
    return loihi2.count(network, x, mapping)


# One coefficient at a time, so that it is known what binds.
CORES = loihi2.Coefficients(
    name="cores", source="a test", instruction_ns=1.0, instruction_pj=1.0
)
LINKS = loihi2.Coefficients(name="links", source="a test", link_bits_per_ns=16.0)
BARRIER = loihi2.Coefficients(
    name="barrier", source="a test", barrier_ns=1000.0, neuron_update_pj=1.0
)


def busiest(counts, picked, c):
    """Nanoseconds of a step: from each group to its tally and token in that step."""
    cores = np.zeros(len(counts.mapping))
    links = 0
    for g, (tally, token) in picked.items():
        parts = counts.mapping.cores_of(g)
        work = tally.per_part["instructions"][token, parts]
        np.add.at(cores, counts.mapping.core_of[parts], work)
        links = links + tally.links[g, token].astype(float)
    return cores.max() if c is CORES else links.max()


def check_times(counts, c):
    real, idle = counts.real, counts.idle
    e = loihi2.weigh(counts, c)
    steps = [
        busiest(counts, {g: (real, (t - d) % 7) for g, d in enumerate(DEPTHS)}, c)
        for t in range(7)
    ]
    assert min(steps) > 0
    assert e.pipelined.step_s == pytest.approx(np.mean(steps) * 1e-9)
    assert e.pipelined.latency_s == pytest.approx(3 * np.mean(steps) * 1e-9)
    latencies = []
    for t in range(7):
        total = 0
        for now in (1, 2, 3):
            groups = enumerate(DEPTHS)
            picked = {g: (real, t) if d == now else (idle, 0) for g, d in groups}
            total += busiest(counts, picked, c)
        latencies.append(total)
    assert e.fall_through.latency_s == pytest.approx(np.mean(latencies) * 1e-9)
    assert e.fall_through.worst_latency_s == pytest.approx(max(latencies) * 1e-9)


@pytest.mark.parametrize("c", [CORES, LINKS], ids=lambda c: c.name)
def test_both_have_the_same_token(counted, c):
    check_times(counted, c)


def test_on_one_core_their_times_add_up(counted):
    m = counted.mapping
    one = replace(m, place=np.zeros(m.parts, np.int64), share=m.parts)
    tallies = (replace(t, core_of=one.core_of) for t in (counted.real, counted.idle))
    real, idle = tallies
    check_times(replace(counted, mapping=one, real=real, idle=idle), CORES)


def test_a_token_takes_as_many_steps_as_hops(counted):
    e = loihi2.weigh(counted, BARRIER)
    for mode in (e.pipelined, e.fall_through):
        assert mode.latency_s == pytest.approx(3e-6)
    neurons = int(counted.mapping.neurons.sum())
    assert neurons == 6 + 7 + 8 + 6
    assert e.pipelined.energy_per_token_j == pytest.approx(neurons * 1e-12)
    assert e.fall_through.energy_per_token_j == pytest.approx(3 * neurons * 1e-12)


def test_each_group_is_idle_in_one_step_less_than_hops(counted):
    e = loihi2.weigh(counted, CORES)
    real, idle = (
        t.per_token("instructions") * 1e-12 for t in (counted.real, counted.idle)
    )
    assert e.pipelined.energy_per_token_j == pytest.approx(real)
    assert e.fall_through.energy_per_token_j == pytest.approx(real + 2 * idle)


@dataclass(frozen=True, eq=False)
class Aside(spec.Layer):
    """``out = relu(W1 u)``, and beside it ``relu(W2 u)``, that nobody hears."""

    type: ClassVar[str] = "aside"
    latency: ClassVar[int] = 1

    inp: Wire
    W1: Weights
    W2: Weights
    out: Wire


def aside_graph(layer, recipe):
    def half(weights, bias):
        k = weights.frac + layer.inp.ref - layer.out.frac
        biases = np.full(layer.out.size, bias)
        return AffineGroup(biases, k, layer.out.bits, relu=True)

    return Graph(
        nodes=(
            Node("left", half(layer.W1, 0), "left_"),
            Node("right", half(layer.W2, 10**6), "right_"),
        ),
        edges=(
            Edge("W1", INP, "left", "W", layer.W1),
            Edge("W2", INP, "right", "W", layer.W2),
        ),
        inp_bits=layer.inp.bits,
        out="left_out",
    )


def test_what_crosses_the_boundary_is_the_answer(monkeypatch):
    monkeypatch.setitem(spec.LAYER_TYPES, Aside.type, Aside)
    monkeypatch.setitem(GRAPHS, Aside.type, aside_graph)
    rng = np.random.default_rng(4)
    base = spec.random_network(rng, 4, 6, 5, 3)
    inp = base.layers[0].out
    left, right = (Weights(rng.integers(-99, 99, (n, 6)), [9] * n) for n in (6, 6))
    network = Network((base.layers[0], Aside(inp, left, right, inp)), base.recipe)
    x = rng.integers(-20_000, 20_000, (7, 4))
    e = loihi2.estimate(network, x, loihi2.map_network(network), token_s=0.001)
    answers = np.count_nonzero(spec.reference.run(network, x), axis=1).mean()
    aside = e.counts.real.per_part["spikes"][:, e.counts.mapping.cores_of(2)]
    assert round(answers) != round(aside.sum(axis=1).mean())
    line = beside.io_line(e, network, x)
    assert f" {answers:,.0f} of 16 bits out" in line
    # However the same tokens are given.
    assert beside.io_line(e, network, [x, x]) == line
    assert beside.io_line(e, network, np.stack([x, x])) == line
    cut = beside.io_line(e, network, [x[:3], x[3:]])
    inputs = np.count_nonzero(x, axis=1).mean()
    assert f" {inputs:,.0f} messages of 16 bits in" in cut
