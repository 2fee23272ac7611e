# SPDX-License-Identifier: BSD-3-Clause
"""A layer type defined here: two entries, and every room but the compiled ones has it.

``hidden = relu(W u + bias)``, ``out = relu(V hidden + D u)``: its skip connection is
one hop shorter than the way through the hidden layer.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

from lava_sparse_rnn import c_export, engine, loihi2, microcode, spec
from lava_sparse_rnn.fixed_point import OverflowCounters
from lava_sparse_rnn.loihi2 import deployment
from lava_sparse_rnn.spec import (
    Bias,
    Diagonal,
    Network,
    SpecError,
    Weights,
    Wire,
    reference,
    statistics,
)
from lava_sparse_rnn.spec.graph import GRAPHS, INP, Edge, Graph, Node
from lava_sparse_rnn.spec.groups import AffineGroup, ReadoutGroup


@dataclass(frozen=True, eq=False)
class Skip(spec.Layer):
    type: ClassVar[str] = "skip"
    latency: ClassVar[int] = 2

    inp: Wire
    W: Weights
    bias: Bias
    hidden: Wire
    V: Weights
    D: Diagonal
    out: Wire


def skip_graph(layer, recipe):
    k = layer.W.frac + layer.inp.ref - layer.hidden.frac
    hidden = AffineGroup(layer.bias.value, k, layer.hidden.bits, relu=True)
    answer = ReadoutGroup(
        k_C=layer.V.frac + layer.hidden.ref - layer.out.frac,
        k_D=layer.D.frac + layer.inp.frac - layer.out.frac,
        bias=np.zeros(layer.out.size, np.int64),
        bits=layer.out.bits,
    )
    return Graph(
        nodes=(Node("hidden", hidden, "hidden_"), Node("answer", answer)),
        edges=(
            Edge("W", INP, "hidden", "W", layer.W),
            Edge("V", "hidden_out", "answer", "C", layer.V),
            Edge("D", INP, "answer", "D", layer.D),
        ),
        inp_bits=layer.inp.bits,
        out="z",
    )


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """The two entries, for a test."""
    monkeypatch.setitem(spec.LAYER_TYPES, Skip.type, Skip)
    monkeypatch.setitem(GRAPHS, Skip.type, skip_graph)


@pytest.fixture
def network(registered):
    """Encoder, a layer of the new type, a block, decoder."""
    rng = np.random.default_rng(4)
    base = spec.random_network(rng, 4, 6, 5, 3, recipe=spec.Recipe("nearest"))
    inp, n = base.layers[0].out, 7
    hidden = Wire(16, rng.integers(6, 10, n), 9)
    skip = Skip(
        inp=inp,
        W=Weights(rng.integers(-99, 99, (n, 6)) * (rng.random((n, 6)) < 0.5), [9] * n),
        bias=Bias.quantize(rng.normal(size=n), np.full(n, 9 + inp.ref)),
        hidden=hidden,
        V=Weights(rng.integers(-99, 99, (6, n)), [8] * 6),
        D=Diagonal(rng.integers(-90, 90, 6), [7] * 6),
        out=inp,
    )
    encoder, block, decoder = base.layers
    return Network((encoder, skip, block, decoder), base.recipe)


@pytest.fixture
def tokens(network):
    return np.random.default_rng(5).integers(-20_000, 20_000, (12, network.d_in))


def shifted(acc, k):
    """Rounding half up, in real numbers."""
    return np.floor(acc / 2.0**k + 0.5 * (k > 0)).astype(np.int64)


def test_it_computes_what_it_says(network, tokens):
    trace = {}
    reference.run(network, tokens, trace)
    skip, u = network.layers[1], trace["layer0_out"]
    k = skip.W.frac + skip.inp.ref - skip.hidden.frac
    hidden = shifted(u @ skip.W.matrix.toarray().T + skip.bias.value, k)
    hidden = np.clip(hidden, 0, 32767)
    assert np.array_equal(trace["layer1_hidden_out"], hidden)
    V = shifted(
        hidden @ skip.V.matrix.toarray().T,
        skip.V.frac + skip.hidden.ref - skip.out.frac,
    )
    D = shifted(u * skip.D.values, skip.D.frac + skip.inp.frac - skip.out.frac)
    assert np.array_equal(trace["layer1_z"], np.clip(V + D, 0, 32767))
    assert all(trace[name].any() for name in ("layer1_hidden_out", "layer1_z"))


def test_depths_and_delays_are_computed(network, monkeypatch):
    graph = network.graphs[1]
    assert graph.depth == {"hidden": 1, "answer": 2}
    assert {e.name: graph.delay(e) for e in graph.edges} == {"W": 1, "V": 1, "D": 2}
    assert network.latency == 1 + 2 + 3 + 1
    monkeypatch.setattr(Skip, "latency", 3)
    with pytest.raises(SpecError, match=r"layer 0 \(skip\), latency: is 3, .* has 2"):
        Network(network.layers[1:2])


def test_the_proof_comes_with_its_groups(network):
    skip = network.layers[1]
    wide = replace(skip, bias=Bias(np.full(7, 1 << 22), np.full(7, 8), 24))
    message = r"layer 0 \(skip\), hidden, accumulator of W, row 0: can reach"
    with pytest.raises(SpecError, match=message):
        Network((wide,))
    with pytest.raises(SpecError, match=r"V: is \(6, 3\), its graph has \(6, 7\)"):
        Network((replace(skip, V=Weights(np.ones((6, 3)), [8] * 6)),))


@pytest.mark.parametrize("packed", [False, True])
def test_it_is_saved_and_loaded(network, tmp_path, packed):
    network.save(tmp_path / "n.net", packed)
    assert spec.load(tmp_path / "n.net") == network


def test_its_programs_give_the_same(network, tokens):
    traces, counters = ({}, {}), (OverflowCounters(), OverflowCounters())
    counts = {}
    reference.run(network, tokens, traces[0], counters[0])
    microcode.run(network, tokens, traces[1], counters[1], counts)
    assert traces[0].keys() == traces[1].keys()
    for name, expected in traces[0].items():
        assert np.array_equal(traces[1][name], expected), name
    assert counters[0] == counters[1]
    assert sum(counters[0].values())
    assert {"layer1_hidden", "layer1_answer"} < counts.keys()


@pytest.mark.parametrize("graph", ["token", "sequence"])
def test_it_is_a_model_of_onnx(network, tokens, graph):
    for package in ("onnx", "onnxruntime"):
        pytest.importorskip(package)
    from lava_sparse_rnn.interchange import onnx

    session = onnx.Session(onnx.export(network, graph))
    if graph == "sequence":
        found = session.run(tokens[None])["y"][0]
    else:
        found = np.concatenate([session.run(u[None])["y"] for u in tokens])
    assert np.array_equal(found, reference.run(network, tokens))


@pytest.mark.slow
def test_it_has_a_place_on_the_chip(network, tokens, tmp_path):
    mapping = loihi2.map_network(network, cores=9)
    names = [g.name for g in mapping.groups]
    assert names[:3] == ["layer0_affine", "layer1_hidden", "layer1_answer"]
    assert [g.depth for g in mapping.groups] == list(range(1, network.latency + 1))
    counts = loihi2.count(network, tokens, mapping)
    trace = {}
    reference.run(network, tokens, trace)
    activity = statistics.activity(network, tokens, trace)
    assert counts.synops.mean() == pytest.approx(sum(a.synops for a in activity))
    assert set(activity[1].silent) == {"hidden_out", "z"}
    assert activity[1].dense_synops == 7 * 6 + 6 * 7 + 6
    bundle = loihi2.write_bundle(network, tmp_path / "b", mapping, tokens)
    for mode in ("pipelined", "fall_through"):
        result = deployment.check(bundle, "cpu", mode)
        assert result.equal, result.message
    backend = deployment.CpuBackend()
    backend.load(bundle, "fall_through")
    backend.run(tokens)
    for name in ("instructions", "messages_out", "sparse_synops"):
        expected = counts.real.per_core[name].sum(axis=0)
        assert np.array_equal(backend.counters(idle=False)[name], expected), name


def test_what_is_compiled_says_that_it_does_not_know_it(network):
    assert not engine.supports(network)
    assert engine.supports(Network(network.layers[:1]))
    with pytest.raises(SpecError, match="layer type is 'skip', must be one of: affine"):
        c_export.export(network)
    if engine.available():
        with pytest.raises(SpecError, match="engine: layer type is 'skip'"):
            engine.Stream(network)


@pytest.mark.slow
@pytest.mark.parametrize("tag", ["fixed_pt", "microcode", "layered"])
@pytest.mark.parametrize("mode", ["pipelined", "fall_through"])
def test_it_runs_in_lava(network, tokens, tag, mode):
    proc = pytest.importorskip("lava_sparse_rnn.proc")
    counters = OverflowCounters()
    expected = reference.run(network, tokens, counters=counters)
    layered = tag == "layered"
    options = {"layered": True} if layered else {"tag": tag}
    process = proc.SparseRNN(network, mode=mode)
    with proc.Session(process, **options) as session:
        assert np.array_equal(session.run(tokens), expected)
        assert session.counters == counters


@pytest.mark.slow
def test_its_file_is_a_lava_process(network, tmp_path):
    pytest.importorskip("lava_sparse_rnn.proc")
    from lava_sparse_rnn.netx import hdf5

    network.save(tmp_path / "n.net")
    net = hdf5.Network(net_config=tmp_path / "n.net")
    assert type(net) is hdf5.OwnNetwork
    assert net.layer1_overflow_hidden_out.shape == (1,)
    assert [row[1] for row in net.rows()] == ["affine", "skip", "s5", "affine"]
