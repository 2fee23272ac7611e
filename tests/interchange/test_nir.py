# SPDX-License-Identifier: BSD-3-Clause
"""NIR: networks there and back, and graphs of NIR's own nodes in Lava."""

import os
import re
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lava_sparse_rnn import cli, spec
from lava_sparse_rnn.fixed_point import RealArithmetic, SpecError
from lava_sparse_rnn.spec import reference

nir = pytest.importorskip("nir")

from lava_sparse_rnn.interchange import nir as interchange  # noqa: E402

DOCS = Path(__file__).parents[2] / "docs"
SHIPPED = ("denoiser", "denoiser_small", "digits", "fashion", "watch")


@pytest.mark.slow
@settings(max_examples=20)
@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.sampled_from(["affine", "s5", "s4d"]), max_size=3),
    st.sampled_from(["real_gate", "split", "none"]),
    st.integers(3, 8),
)
def test_there_and_back(tmp_path_factory, seed, kinds, rule, bits):
    recipe = spec.Recipe("nearest", "wrap", rule, weight_bits=bits, state_bits=20)
    rng = np.random.default_rng(seed)
    network = spec.random_network(rng, recipe=recipe, kinds=kinds)
    assert interchange.load(interchange.export(network)) == network
    path = tmp_path_factory.mktemp("nir") / "net.nir"
    interchange.write(network, path)
    found = interchange.load(path)
    assert (found, found.recipe, found.meta) == (network, network.recipe, network.meta)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_networks(name, tmp_path):
    network = spec.load(name)
    said = interchange.write(network, tmp_path / "net.nir")
    assert said.startswith(f"{tmp_path / 'net.nir'}: ")
    found = interchange.load(tmp_path / "net.nir")
    assert (found, found.meta) == (network, network.meta)


def lexicographic(re, im):
    passes = (re > 0) | ((re == 0) & (im > 0))
    return re * passes, im * passes


NONLINEARITIES = {
    "real_gate": lexicographic,
    "split": lambda re, im: (np.maximum(re, 0), np.maximum(im, 0)),
    "none": lambda re, im: (re, im),
}


def evaluate(graph, x, sigmoid):
    """The nodes' equations as docs/nir.md has them, token by token."""
    state = {}

    def node_value(name, node, u):
        kind = type(node).__name__
        if kind in ("Affine", "Linear"):
            return node.weight @ u + (node.bias if kind == "Affine" else 0)
        if kind == "Scale":
            return node.scale * u
        if kind == "ReLU":
            return np.maximum(u, 0)
        if kind == "SigmoidGate":
            return u * sigmoid(node.weight @ u + node.bias)
        assert kind == "LinearRecurrence"
        n = len(node.a_re)
        before = state.get(name, np.zeros(n, complex))
        after = (node.a_re + 1j * node.a_im) * before + u[:n] + 1j * u[n:]
        state[name] = after
        return np.concatenate(NONLINEARITIES[node.nonlinearity](after.real, after.imag))

    answers = []
    for token in x:
        values = {"input": token}
        for name, node in graph.nodes.items():
            heard = [values[a] for a, b in graph.edges if b == name]
            if name == "output":
                answers.append(sum(heard))
            elif name != "input":
                values[name] = node_value(name, node, sum(heard))
    return np.stack(answers)


@pytest.mark.parametrize("rule", NONLINEARITIES)
def test_the_nodes_equations_are_the_networks(rule):
    rng = np.random.default_rng(1)
    recipe = spec.Recipe(state_nonlinearity=rule)
    network = spec.random_network(rng, recipe=recipe, kinds=("s5", "s4d", "affine"))
    x = rng.integers(-9000, 9000, (15, network.d_in))
    expected = reference.Reference(network, RealArithmetic()).run(x)
    lines, frac = network.recipe.sigmoid, network.layers[1].g.frac

    def sigmoid(g):  # the network's: a few lines
        real = RealArithmetic()
        return lines.evaluate(np.ldexp(g, frac), lines.shifts_for(frac), real) / 2**15

    real = np.ldexp(x + 0.0, -network.layers[0].inp.frac)
    found = evaluate(interchange.export(network), real, sigmoid)
    assert np.allclose(found, network.from_wire(expected), rtol=1e-10, atol=1e-12)


def test_a_value_that_was_changed_is_named():
    graph = interchange.export(spec.random_network(np.random.default_rng(0)))
    graph.nodes["layer1_gate"].weight[2, 3] += 1e-9
    message = r"layer 1 \(s5\): W at \(2, 3\) is .* times the last place of its format"
    with pytest.raises(SpecError, match=message):
        interchange.load(graph)


def test_what_is_missing_is_named(tmp_path):
    graph = interchange.export(spec.random_network(np.random.default_rng(0)))
    del graph.nodes["layer1_D"].metadata["D"]
    with pytest.raises(SpecError, match=r"layer 1 \(s5\): no format of D is in the"):
        interchange.load(graph)
    del graph.nodes["layer1_gate"]
    with pytest.raises(SpecError, match="node layer1_gate is missing"):
        interchange.load(graph)
    with pytest.raises(SpecError, match="holds no network of this library"):
        interchange.load(spiking())
    (tmp_path / "text.nir").write_text("nothing")
    with pytest.raises(SpecError, match=r"text\.nir: no graph of NIR"):
        interchange.load(tmp_path / "text.nir")
    with pytest.raises(SpecError, match=r"nir\.export: needs a spec\.Network"):
        interchange.export("net.net")


def test_a_graph_out_of_a_pipe_and_one_that_was_cut_off(tmp_path):
    network = spec.random_network(np.random.default_rng(0))
    path, pipe = tmp_path / "a.nir", tmp_path / "pipe.nir"
    interchange.write(network, path)
    content = path.read_bytes()
    os.mkfifo(pipe)
    feed = threading.Thread(target=pipe.write_bytes, args=[content], daemon=True)
    feed.start()
    assert interchange.load(pipe) == network
    feed.join(20)
    path.write_bytes(content[:-9])
    says = f"cut off: {len(content) - 9} bytes are there, of {len(content)}"
    with pytest.raises(SpecError, match=rf"a\.nir: no graph of NIR \({says}\)"):
        interchange.load(path)


def graph_of(nodes, edges):
    ends = {"in": nir.Input(np.array([4])), "out": nir.Output(np.array([3]))}
    return nir.NIRGraph(ends | nodes, edges, metadata={})


def spiking(seed=0, **changes):
    """Affine, LIF with a leak, Linear, CubaLIF of several thresholds; a skip."""
    rng = np.random.default_rng(seed)
    lif = {
        "tau": np.full(6, 0.02),
        "r": np.full(6, 2.0),
        "v_leak": rng.uniform(-0.1, 0.2, 6),
        "v_threshold": np.full(6, 0.3),
    }
    nodes = {
        "fc": nir.Affine(rng.normal(size=(6, 4)), 0.2 * rng.normal(size=6)),
        "lif": nir.LIF(**(lif | changes)),
        "fc2": nir.Linear(rng.normal(size=(3, 6))),
        "skip": nir.Affine(rng.normal(size=(3, 4)), rng.normal(size=3)),
        "cuba": nir.CubaLIF(
            tau_syn=np.full(3, 0.004),
            tau_mem=np.full(3, 0.01),
            r=rng.uniform(1, 2, 3),
            v_leak=np.zeros(3),
            v_threshold=rng.uniform(0.05, 0.1, 3),
            w_in=rng.uniform(0.5, 2, 3),
        ),
    }
    edges = [("in", "fc"), ("fc", "lif"), ("lif", "fc2"), ("fc2", "cuba")]
    return graph_of(nodes, [*edges, ("in", "skip"), ("skip", "cuba"), ("cuba", "out")])


DT = 0.001


def spikes_of(graph, x):
    """NIR's equations by Euler's rule, without any time of travel."""
    nodes, v, current, answers = graph.nodes, {}, {}, []

    def neurons(name, node, u):
        tau = node.tau if hasattr(node, "tau") else node.tau_mem
        if hasattr(node, "tau_syn"):
            before = current.get(name, np.zeros(len(u)))
            u = current[name] = before + DT / node.tau_syn * (node.w_in * u - before)
        before = v.get(name, np.zeros(len(u)))
        now = before + DT / tau * (node.v_leak - before + node.r * u)
        spikes = now > node.v_threshold
        v[name] = np.where(spikes, node.v_reset, now)
        return spikes.astype(float)

    for token in x:
        values = {"in": token}
        for name in ("fc", "lif", "fc2", "skip", "cuba"):
            node = nodes[name]
            u = sum(values[a] for a, b in graph.edges if b == name)
            if hasattr(node, "weight"):
                values[name] = node.weight @ u + getattr(node, "bias", 0)
            else:
                values[name] = neurons(name, node, u)
        answers.append(values["cuba"])
    return np.stack(answers)


@pytest.mark.parametrize("seed", range(3))
def test_a_graph_of_standard_nodes_runs_in_lava(seed, tmp_path):
    pytest.importorskip("lava")
    from lava_sparse_rnn import proc
    from lava_sparse_rnn.interchange.nir.network import Network

    graph, rng = spiking(seed), np.random.default_rng(seed)
    nir.write(tmp_path / "snn.nir", graph)
    x = rng.uniform(0, 1, (80, 4))
    network = Network(tmp_path / "snn.nir", dt=DT)
    assert network.latency == 3  # fc, fc2, and the scale of several thresholds
    found = proc.run(network, x, tag="floating_pt")
    expected = spikes_of(graph, x)
    assert 0 < expected.mean() < 1
    assert np.array_equal(found, expected)


def test_affine_answers_and_integrators():
    pytest.importorskip("lava")
    from lava_sparse_rnn import proc
    from lava_sparse_rnn.interchange.nir.network import Network

    rng = np.random.default_rng(5)
    weight, bias, scale = (
        rng.normal(size=(3, 4)),
        rng.normal(size=3),
        rng.normal(size=3),
    )
    fire = nir.IF(r=np.full(4, 2.0), v_threshold=np.full(4, 0.01))
    nodes = {
        "if": fire,
        "fc": nir.Affine(weight, bias),
        "direct": nir.Linear(weight),
        "scale": nir.Scale(scale),
    }
    edges = [("in", "if"), ("if", "fc"), ("fc", "out"), ("in", "direct")]
    edges += [("direct", "scale"), ("scale", "out")]
    network = Network(graph_of(nodes, edges), dt=DT)
    x = rng.uniform(0, 3, (40, 4))
    found = proc.run(network, x, tag="floating_pt")
    v, expected = np.zeros(4), []
    for u in x:
        v = v + DT * 2 * u
        spikes = v > 0.01
        v = np.where(spikes, 0, v)
        expected.append(weight @ spikes + bias + scale * (weight @ u))
    assert np.allclose(found, np.stack(expected), rtol=1e-12, atol=1e-12)


def replaced(**nodes):
    graph = spiking()
    graph.nodes.update(nodes)
    return graph


def circular():
    graph = spiking()
    graph.edges.append(("cuba", "back"))
    graph.nodes["back"] = nir.Linear(np.ones((4, 3)))
    graph.edges.append(("back", "fc"))
    return graph


FAULTS = {
    "type": (
        lambda: replaced(lif=nir.LI(np.ones(6), np.ones(6), np.ones(6))),
        "node 'lif' is a LI, there are processes for: Affine, Linear, Scale, LIF, IF",
    ),
    "tau": (
        lambda: spiking(tau=np.linspace(0.01, 0.02, 6)),
        r"node 'lif': tau goes from 0\.01 to 0\.02, but Lava's LIF has one",
    ),
    "reset": (
        lambda: spiking(v_reset=np.full(6, -0.1)),
        "node 'lif': v_reset is not 0",
    ),
    "resistance": (lambda: spiking(r=np.zeros(6)), "node 'lif': r .* must be above 0"),
    "dt": (
        lambda: spiking(tau=np.full(6, 0.0005)),
        r"dt is 0\.001, must be above 0 and at most tau of node 'lif', 0\.0005",
    ),
    "circle": (circular, "the graph has a circle"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_graphs_that_lava_cannot_run(fault):
    from lava_sparse_rnn.interchange.nir._plan import plan

    make, message = FAULTS[fault]
    with pytest.raises(SpecError, match=message):
        plan(make(), DT)


def command(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["lava-sparse-rnn", *arguments])
    try:
        cli.main()
    except SystemExit as end:
        if end.code:
            return capsys.readouterr().err
    return capsys.readouterr().out


@pytest.mark.slow
def test_the_commands(monkeypatch, capsys, tmp_path, shipped_small):
    graph, net = str(tmp_path / "net.nir"), str(tmp_path / "net.net")
    said = command(monkeypatch, capsys, "export-nir", "denoiser_small", "-o", graph)
    assert said.count("\n") == 1
    assert f"{graph}: {Path(graph).stat().st_size:,} bytes, a graph of 33" in said
    said = command(monkeypatch, capsys, "import-nir", graph, "-o", net)
    assert said.count("\n") == 1
    assert spec.load(net) == shipped_small
    said = command(monkeypatch, capsys, "import-nir", net, "-o", graph)
    assert said.startswith(f"error: {net}: no graph of NIR")
    said = command(monkeypatch, capsys, "export-nir", "denoiser", "-o", str(tmp_path))
    assert "is a folder" in said


@pytest.mark.slow
def test_the_page(tmp_path, monkeypatch):
    """What docs/nir.md shows runs."""
    pytest.importorskip("lava")
    monkeypatch.chdir(tmp_path)
    nir.write("snn.nir", spiking())
    page = DOCS / "nir.md"
    interchange.write(spec.load("denoiser_small"), "net.nir")
    for code in re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.S):
        exec(compile(code, str(page), "exec"), {})
