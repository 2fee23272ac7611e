# SPDX-License-Identifier: BSD-3-Clause
"""ONNX: the reference's integers and the model's real numbers under ONNX Runtime."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lava_sparse_rnn import cli, spec
from lava_sparse_rnn.fixed_point import (
    PLAN,
    RealArithmetic,
    SpecError,
    fit_lines,
)
from lava_sparse_rnn.spec import reference

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from lava_sparse_rnn.interchange import onnx as interchange  # noqa: E402

from ..conftest import BY_LAYER, SEEDS, at_the_limit, steepest  # noqa: E402

DOCS = Path(__file__).parents[2] / "docs"


@st.composite
def networks(draw):
    """Networks of every layer type, policy, and of many widths."""
    recipe = spec.Recipe(
        rounding=draw(st.sampled_from(["floor", "nearest"])),
        overflow=draw(st.sampled_from(["saturate", "wrap"])),
        state_nonlinearity=draw(st.sampled_from(spec.NONLINEARITIES)),
        sigmoid=draw(st.sampled_from([fit_lines(), fit_lines(0.0004), PLAN])),
        weight_bits=draw(st.integers(2, 8)),
        wire_bits=draw(st.integers(4, 20)),
        state_bits=draw(st.integers(12, 28)),
        a_bits=draw(st.integers(4, 20)),
        gate_bits=draw(st.integers(8, 20)),
        by_layer=draw(BY_LAYER),
    )
    sizes = draw(st.tuples(*[st.integers(1, 9)] * 4))
    kinds = draw(st.lists(st.sampled_from(["affine", "s4d", "s5"]), max_size=3))
    rng = np.random.default_rng(draw(SEEDS))
    try:
        return spec.random_network(rng, *sizes, recipe=recipe, kinds=kinds)
    except SpecError:
        assume(False)


def tokens(network, batch, n, seed=0):
    """Sequences of tokens of any size, and some at both ends of the range."""
    fmt = network.layers[0].inp.format
    rng = np.random.default_rng(seed)
    x = rng.integers(fmt.lowest, fmt.highest + 1, (batch, n, network.d_in))
    x[:, 1], x[:, 2] = fmt.lowest, fmt.highest
    return x


def step_by_step(session, x):
    """Answers to sequences, shape (batch, T, d_in), of a graph of one token."""
    return np.stack([session.run(x[:, t])["y"] for t in range(x.shape[1])], axis=1)


def assert_same(network, x):
    """Both graphs give the reference's answers and states."""
    streams = [reference.Reference(network) for _ in x]
    expected = np.stack([s.run(part) for s, part in zip(streams, x, strict=True)])
    held = [[part for parts in s.state for part in parts] for s in streams]
    states = [np.stack(parts) for parts in zip(*held, strict=True)]
    for graph in ("token", "sequence"):
        session = interchange.Session(interchange.export(network, graph), len(x))
        if graph == "token":
            found = step_by_step(session, x)
        else:  # in two pieces
            pieces = np.split(x, [5], axis=1)
            found = np.concatenate([session.run(p)["y"] for p in pieces], axis=1)
        assert np.array_equal(found, expected), graph
        assert len(session.state) == len(states)
        for value, must in zip(session.state.values(), states, strict=True):
            assert np.array_equal(value, must)


@pytest.mark.slow
@settings(max_examples=12)
@given(networks())
def test_random_networks(network):
    assert_same(network, tokens(network, 2, 9))


@pytest.mark.slow
@settings(max_examples=100)
@given(networks(), SEEDS)
def test_many_random_networks(network, seed):
    assert_same(network, tokens(network, 3, 12, seed))


def test_every_policy(policy_recipe):
    rng = np.random.default_rng(3)
    kinds = ("s5", "s4d", "affine", "s5")
    network = spec.random_network(rng, recipe=policy_recipe, kinds=kinds)
    assert_same(network, tokens(network, 2, 12))


@pytest.mark.parametrize("overflow", ["saturate", "wrap"])
def test_ends_of_the_sigmoid(overflow):
    network = steepest(overflow)
    assert_same(network, tokens(network, 1, 60))


@pytest.mark.parametrize("rounding", ["floor", "nearest"])
@pytest.mark.parametrize("k", [-2, 31])
def test_ends_of_the_accumulator(rounding, k):
    network, _ = at_the_limit(rounding, k)
    assert_same(network, tokens(network, 1, 8))


def test_a_single_block_is_a_network():
    network = spec.random_network(np.random.default_rng(8))
    only = spec.Network(network.layers[1:2], network.recipe)
    assert_same(only, tokens(only, 1, 20))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["denoiser", "denoiser_small"])
def test_the_shipped_networks(name, heard):
    network = spec.load(name)
    x = heard(network)[100:130]
    assert x.any()
    assert_same(network, x[None])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits", "fashion", "watch"])
def test_the_networks_of_tasks(name):
    """Integers of every token, and what the head makes of them."""
    network = spec.load(name)
    x = tokens(network, 2, 12) // 2
    assert_same(network, x)
    found = interchange.Session(interchange.export(network, "sequence"), 2).run(x)
    y = np.stack([network.from_wire(reference.run(network, part)) for part in x])
    answer = {"mean": y.mean(axis=1), "last": y[:, -1]}.get(network.meta.get("head"))
    assert answer is not None
    assert np.allclose(found["answer"], answer, rtol=1e-15, atol=0)


@pytest.mark.parametrize("numbers", ["integer", "float32", "float64"])
def test_one_graph_takes_every_batch_and_every_length(numbers):
    network = spec.random_network(np.random.default_rng(6), kinds=("s5", "s4d"))
    path = interchange.export(network, "sequence", numbers).SerializeToString()
    runner = onnxruntime.InferenceSession(path)
    dtype = {"integer": np.int32}.get(numbers, getattr(np, numbers, None))
    for batch, n in ((1, 1), (3, 1), (1, 12), (4, 7)):
        x = tokens(network, batch, max(n, 3))[:, :n]
        u = x if numbers == "integer" else np.ldexp(x, -network.layers[0].inp.frac)
        states = {
            i.name: np.zeros((batch, i.shape[1]), dtype)
            for i in runner.get_inputs()[1:]
        }
        (y,) = runner.run(["y"], {"u": u.astype(dtype), **states})
        expected = np.stack([reference.run(network, part) for part in x])
        assert y.shape == expected.shape
        if numbers == "integer":
            assert np.array_equal(y, expected)
        else:
            alone = reference.Reference(network, RealArithmetic()).run(x[-1])
            must = network.from_wire(alone)
            error = np.abs(y[-1] - must).max()
            assert error <= {"float32": 1e-3}.get(numbers, 1e-12) * np.abs(must).max()


@pytest.mark.parametrize("graph", ["token", "sequence"])
def test_real_numbers_are_those_of_the_equations(graph):
    rng = np.random.default_rng(2)
    network = spec.random_network(rng, kinds=("s5", "s4d", "affine"))
    x = tokens(network, 1, 12)
    expected = reference.Reference(network, RealArithmetic()).run(x[0])
    real = np.ldexp(x + 0.0, -network.layers[0].inp.frac)
    for numbers, error in (("float64", 1e-12), ("float32", 1e-3)):
        session = interchange.Session(interchange.export(network, graph, numbers))
        found = (
            step_by_step(session, real) if graph == "token" else session.run(real)["y"]
        )
        must = network.from_wire(expected)
        assert np.abs(found[0] - must).max() <= error * np.abs(must).max()


OPTIONS = {
    "default": {},
    "published": {"activation": "gelu", "gate": "half2", "state_nonlinearity": "none"},
    "full": {"gate": "full", "discretisation": "bilinear", "conj_sym": False},
    "open": {"gate": "none", "state_nonlinearity": "split"},
}


@pytest.mark.parametrize("graph", ["token", "sequence"])
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("head", ["sequence", "mean", "last"])
def test_a_model_of_torch(graph, options, head):
    torch = pytest.importorskip("torch")
    from lava_sparse_rnn import nn

    torch.manual_seed(0)
    model = nn.SparseRNN(5, 6, 8, 2, 3, head=head, **OPTIONS[options]).double()
    x = torch.randn(4, 11, 5, dtype=torch.float64)
    model.train()(x)  # a norm of its own
    model.blocks[0].B_re_mask[:2] = False
    model.eval()
    with torch.no_grad():
        expected = model(x).numpy()
        state, every = model.initial_state(4), []
        for t in range(11):
            y, state = model.step(x[:, t], state)
            every.append(y.numpy())
    session = interchange.Session(interchange.export(model, graph, "float64"), 4)
    if graph == "token":
        found = step_by_step(session, x.numpy())
    else:
        answers = session.run(x.numpy())
        found = answers["y"]
        assert ("answer" in answers) == (head != "sequence")
        assert np.allclose(answers.get("answer", found), expected, atol=1e-12)
    assert np.allclose(found, np.stack(every, axis=1), atol=1e-12)
    parts = list(session.state.values())
    for i, held in enumerate(state):
        pair = np.concatenate(parts[2 * i : 2 * i + 2], axis=1)
        assert np.allclose(pair, held.numpy(), atol=1e-12)


@pytest.mark.parametrize("head", ["mean", "last"])
def test_heads_of_networks(head):
    network = spec.random_network(np.random.default_rng(4))
    network = spec.Network(network.layers, network.recipe, {"head": head})
    x = tokens(network, 2, 7)
    found = interchange.Session(interchange.export(network, "sequence"), 2).run(x)
    y = np.stack([network.from_wire(reference.run(network, part)) for part in x])
    expected = y.mean(axis=1) if head == "mean" else y[:, -1]
    assert np.allclose(found["answer"], expected, rtol=1e-15, atol=0)
    assert "answer" not in interchange.Session(interchange.export(network)).run(
        x[:1, 0]
    )


def test_names_axes_and_metadata(shipped_small):
    made = interchange.export(shipped_small, "sequence")
    onnx.checker.check_model(made, full_check=True)
    blocks = range(1, len(shipped_small.layers) - 1)
    states = [f"layer{i}_x_{part}" for i in blocks for part in ("re", "im")]
    assert [i.name for i in made.graph.input] == ["u", *states]
    assert [o.name for o in made.graph.output] == [
        "y",
        *(f"{name}_next" for name in states),
    ]
    axes = [
        [d.dim_param or d.dim_value for d in i.type.tensor_type.shape.dim]
        for i in made.graph.input
    ]
    n = shipped_small.layers[1].d_state
    u = ["batch", "time", shipped_small.d_in]
    assert axes == [u, *[["batch", n]] * len(states)]
    about = interchange.metadata(made)
    assert about["meta"] == shipped_small.meta
    assert about["formats"]["u"]["frac"] == shipped_small.layers[0].inp.frac.tolist()
    assert about["formats"]["layer1_x_im"]["bits"] == 24
    assert (about["graph"], about["rounding"]) == ("sequence", "floor")
    # The integer network has no real number in it.
    held = {t.data_type for t in made.graph.initializer}
    floats = {onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE}
    assert not held & floats


def test_wrong_targets(shipped_small, tmp_path):
    with pytest.raises(
        SpecError, match="graph is 'tokens', must be one of: token, sequence"
    ):
        interchange.export(shipped_small, "tokens")
    for numbers in ("int8", ""):
        with pytest.raises(
            SpecError,
            match=f"numbers is '{numbers}', must be one of: integer, float32",
        ):
            interchange.export(shipped_small, "token", numbers)
    with pytest.raises(SpecError, match=r"onnx\.export: needs a spec\.Network"):
        interchange.export("denoiser.net")


def test_wrong_models():
    pytest.importorskip("torch")
    from lava_sparse_rnn import nn

    with pytest.raises(SpecError, match="a float model has none"):
        interchange.export(nn.SparseRNN(2, 4, 4, 1, 2), "token", "integer")
    with pytest.raises(SpecError, match="top_k"):
        interchange.export(nn.SparseRNN(2, 4, 4, 1, 2, top_k=0.5))


def test_an_equation_without_an_operator():
    from lava_sparse_rnn.interchange.onnx._values import Builder, Value

    value = Value(Builder(), np.float32, 3, "x")
    with pytest.raises(SpecError, match=r"no operator for np\.arctan"):
        np.arctan(value)
    with pytest.raises(SpecError, match=r"no operator for np\.sort"):
        np.sort(value)


def command(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["lava-sparse-rnn", "export-onnx", *arguments])
    try:
        cli.main()
    except SystemExit as end:
        if end.code:
            return capsys.readouterr().err
    return capsys.readouterr().out


@pytest.mark.slow
def test_the_page(tmp_path, monkeypatch, shipped):
    """What docs/onnx.md shows runs, after its command."""
    monkeypatch.chdir(tmp_path)
    interchange.write(interchange.export(shipped), "net.onnx")
    text = (DOCS / "onnx.md").read_text("utf-8")
    first, second = re.findall(r"```python\n(.*?)```", text, re.S)
    names = {}
    exec(compile(first, "docs/onnx.md", "exec"), names)
    assert names["answers"]["y"].shape == (1, 129)
    pytest.importorskip("torch")
    exec(compile(second, "docs/onnx.md", "exec"), {})
    assert (tmp_path / "model.onnx").is_file()


@pytest.mark.slow
def test_the_command(monkeypatch, capsys, tmp_path, shipped_small, random_tokens):
    path = tmp_path / "net.onnx"
    said = command(monkeypatch, capsys, "denoiser_small", "-o", str(path))
    assert said.count("\n") == 1
    assert f"{path}: {path.stat().st_size:,} bytes, the graph of a token in" in said
    x = random_tokens(shipped_small, 5)
    found = step_by_step(interchange.Session(path), x[None])[0]
    assert np.array_equal(found, reference.run(shipped_small, x))
    said = command(monkeypatch, capsys, "denoiser_small", "-o", str(tmp_path))
    assert "is a folder" in said
    said = command(
        monkeypatch, capsys, *("denoiser_small", "-o", str(path), "--graph", "loop")
    )
    assert said == "error: graph is 'loop', must be one of: token, sequence\n"
