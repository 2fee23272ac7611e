# SPDX-License-Identifier: BSD-3-Clause
"""Checkpoints of the published code give the same outputs here."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from lava_sparse_rnn import nn
from lava_sparse_rnn.fixed_point import SpecError

N, H, D_IN, D_OUT = 4, 5, 3, 2


def rng_of(seed):
    rng = np.random.default_rng(seed)
    return lambda *shape: rng.standard_normal(shape).astype(np.float32)


def jax_variables(layers=2, gate="half_glu1", seed=0):
    """Flax variables as the JAX code has them: names and shapes."""
    normal = rng_of(seed)

    def dense(n, m):
        return {"kernel": normal(n, m) / np.sqrt(n), "bias": 0.1 * normal(m)}

    params = {"encoder": {"encoder": dense(D_IN, H)}, "decoder": dense(H, D_OUT)}
    stats = {"encoder": {}}
    for i in range(layers):
        layer = {
            "norm": {"scale": 1 + 0.1 * normal(H), "bias": 0.1 * normal(H)},
            "seq": {
                "Lambda_re": -0.5 - abs(normal(N)),
                "Lambda_im": -3 * abs(normal(N)),
                "B": normal(N, H, 2),
                "C": normal(H, N, 2),
                "D": normal(H),
                "log_step": -2 + 0.3 * normal(N, 1),
            },
        }
        if gate != "gelu":
            layer["out2"] = dense(H, H)
        if gate == "full_glu":
            layer["out1"] = dense(H, H)
        params["encoder"][f"layers_{i}"] = layer
        norm = {"mean": 0.1 * normal(H), "var": 1 + normal(H) ** 2}
        stats["encoder"][f"layers_{i}"] = {"norm": norm}
    return {"params": params, "batch_stats": stats}


def gelu(x):
    """Flax' default: the tanh form."""
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def published(variables, x, gate="half_glu1", pair=2.0):
    """The published equations in complex numbers, prenorm, in evaluation."""
    params, stats = variables["params"], variables["batch_stats"]

    def dense(name, u):
        return u @ name["kernel"] + name["bias"]

    u = dense(params["encoder"]["encoder"], x)
    for i in range(sum(name.startswith("layers_") for name in params["encoder"])):
        layer = params["encoder"][f"layers_{i}"]
        norm, seen = layer["norm"], stats["encoder"][f"layers_{i}"]["norm"]
        v = (u - seen["mean"]) / np.sqrt(seen["var"] + 1e-5)
        v = v * norm["scale"] + norm["bias"]
        seq = layer["seq"]
        poles = seq["Lambda_re"] + 1j * seq["Lambda_im"]
        a = np.exp(poles * np.exp(seq["log_step"][:, 0]))
        B = ((a - 1) / poles)[:, None] * (seq["B"][..., 0] + 1j * seq["B"][..., 1])
        C = seq["C"][..., 0] + 1j * seq["C"][..., 1]
        state, y = np.zeros(N, complex), []
        for t in range(len(v)):
            state = a * state + B @ v[t]
            y.append(pair * (C @ state).real + seq["D"] * v[t])
        y = np.stack(y)
        z = gelu(y)
        if gate == "half_glu1":
            z = z * sigmoid(dense(layer["out2"], z))
        elif gate == "half_glu2":
            z = y * sigmoid(dense(layer["out2"], z))
        elif gate == "full_glu":
            z = dense(layer["out1"], z) * sigmoid(dense(layer["out2"], z))
        u = u + z
    return dense(params["decoder"], u)


def answers(model, x):
    with torch.no_grad():
        return model(torch.as_tensor(x, dtype=torch.float32)[None])[0].numpy()


OURS = {"half_glu1": {}, "half_glu2": {"gate": "half2"}, "full_glu": {}, "gelu": {}}


@pytest.mark.parametrize("gate", OURS)
@pytest.mark.parametrize("conj_sym", [True, False])
def test_variables_of_the_jax_code(gate, conj_sym):
    variables, x = jax_variables(gate=gate), rng_of(1)(20, D_IN)
    options = OURS[gate] | ({} if conj_sym else {"conj_sym": False})
    model = nn.load_s5(variables, **options)
    expected = published(variables, x, gate, 2.0 if conj_sym else 1.0)
    assert np.allclose(answers(model, x), expected, rtol=1e-4, atol=1e-4)
    assert model.blocks[0].d_state == N * (2 if conj_sym else 1)


def flattened(tree, separator, prefix=""):
    flat = {}
    for name, value in tree.items():
        at = f"{prefix}{separator}{name}" if prefix else name
        if isinstance(value, dict):
            flat |= flattened(value, separator, at)
        else:
            flat[at] = value
    return flat


@pytest.mark.parametrize("separator", [".", "/"])
def test_flat_names_and_files(separator, tmp_path):
    variables, x = jax_variables(layers=11), rng_of(1)(5, D_IN)
    expected = answers(nn.load_s5(variables), x)
    flat = flattened(variables, separator)
    np.savez(tmp_path / "checkpoint.npz", **flat)
    with np.load(tmp_path / "checkpoint.npz") as file:
        assert np.array_equal(answers(nn.load_s5(file), x), expected)
    assert np.allclose(expected, published(variables, x), rtol=1e-3, atol=1e-3)


def test_layers_of_s5_pytorch():
    s5 = pytest.importorskip("s5")
    torch.manual_seed(0)
    layers = torch.nn.ModuleList(s5.S5(6, 8, block_count=2) for _ in range(3))
    x = torch.randn(2, 15, 6)
    with torch.no_grad():
        expected = x
        for layer in layers:
            y = layer(expected)
            z = torch.nn.functional.gelu(y, approximate="tanh")
            expected = z + expected
        model = nn.load_s5(layers.state_dict())
        assert torch.allclose(model(x), expected, rtol=1e-4, atol=1e-4)
    assert (model.d_in, model.options.gate, model.options.conj_sym) == (
        6,
        "none",
        False,
    )


def test_the_state_space_of_s5_pytorch_token_by_token():
    s5 = pytest.importorskip("s5")
    torch.manual_seed(1)
    layer = s5.S5(5, 6)
    model, x = nn.load_s5(layer.state_dict()), torch.randn(12, 5)
    state, theirs = model.initial_state(1), torch.zeros(6, dtype=torch.complex64)
    with torch.no_grad():
        for u in x:
            y, theirs = layer.seq.forward_rnn(u, theirs)
            z = torch.nn.functional.gelu(y, approximate="tanh")
            ours, state = model.step(u[None], state)
            assert torch.allclose(ours[0], z + u, atol=1e-5)
            parts = torch.cat([theirs.real, theirs.imag])
            assert torch.allclose(state[0][0], parts, atol=1e-5)


def test_a_block_of_s5_pytorch_has_more_than_a_state_space():
    s5 = pytest.importorskip("s5")
    block = s5.S5Block(6, 8, bidir=False)
    with pytest.raises(
        SpecError, match=r"attn_norm\.weight.*ff_norm\.bias: belongs to"
    ):
        nn.load_s5(block.state_dict())
    model = nn.load_s5(block.state_dict(), strict=False)
    x = torch.randn(1, 9, 6)
    with torch.no_grad():
        z = torch.nn.functional.gelu(block.s5(x), approximate="tanh")
        assert torch.allclose(model(x), z + x, atol=1e-5)


def changed(change):
    variables = jax_variables(layers=1)
    change(variables["params"]["encoder"]["layers_0"], variables)
    return variables


def both_ways(layer, variables):
    layer["seq"]["C"] = np.zeros((H, 2 * N, 2))


def of_other_width(layer, variables):
    layer["seq"]["B"] = np.zeros((N, H + 1, 2))


FAULTS = {
    "no state space": (
        lambda layer, v: layer.pop("seq"),
        "no state space is among the arrays",
    ),
    "missing": (
        lambda layer, v: layer["seq"].pop("log_step"),
        r"layers_0\.seq\.log_step is missing",
    ),
    "both ways": (both_ways, "reads the sequence backwards too"),
    "both ways, JAX": (
        lambda layer, v: layer["seq"].update(C1=layer["seq"].pop("C")),
        r"seq\.C1: it reads the sequence backwards too",
    ),
    "shape": (of_other_width, r"seq\.B has shape \(4, 6\), must be \(4, 5\)"),
    "layer norm": (
        lambda layer, v: v.pop("batch_stats"),
        r"layers_0\.norm has no mean and variance: a layer norm",
    ),
    "more": (
        lambda layer, v: layer.update(conv=np.zeros(3)),
        r"encoder\.layers_0\.conv: belongs to nothing",
    ),
    "norm": (
        lambda layer, v: layer["norm"].update(scale=np.zeros(3)),
        r"norm\.weight has shape \(3,\), must be \(5,\)",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults(fault):
    change, message = FAULTS[fault]
    with pytest.raises(SpecError, match=message):
        nn.load_s5(changed(change))


@pytest.mark.parametrize(("gate", "theirs"), [("none", "out2"), ("full", "out2")])
def test_another_gate_than_the_checkpoint_has(gate, theirs):
    message = f"gate is '{gate}', but the checkpoint's gate has the matrices: {theirs}"
    with pytest.raises(SpecError, match=message):
        nn.load_s5(jax_variables(), gate=gate)


def test_the_page(tmp_path, monkeypatch):
    """What docs/checkpoints.md shows runs."""
    pytest.importorskip("s5")
    monkeypatch.chdir(tmp_path)
    page = Path(__file__).parents[2] / "docs" / "checkpoints.md"
    np.savez("checkpoint.npz", **flattened(jax_variables(), "/"))
    for code in re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.S):
        exec(compile(code, str(page), "exec"), {})
    assert (tmp_path / "net.net").is_file()
