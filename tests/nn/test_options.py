# SPDX-License-Identifier: BSD-3-Clause
"""Variants of the S5 block, each against its equation written a second way."""

import copy
import functools
import itertools

import numpy as np
import pytest
import scipy.linalg
import scipy.signal
import torch

from lava_sparse_rnn import spec
from lava_sparse_rnn.nn import S5Block, SparseRNN, TopK, gated_scan, relufy
from lava_sparse_rnn.nn.gates import GATES
from lava_sparse_rnn.nn.options import state_fits
from lava_sparse_rnn.nn.quantize import calibrate, fold, quantize


def block_of(**options):
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    block = S5Block(5, 8, rng=rng, hippo_blocks=2, **options).double().eval()
    block.norm.running_mean.uniform_(-1, 1)
    block.norm.running_var.uniform_(0.5, 2)
    with torch.no_grad():
        block.norm.bias.uniform_(-1, 1)
        for name in GATES[block.options.gate].matrices:
            getattr(block, f"{name}_bias").uniform_(-1, 1)
    for name in block.matrices:
        getattr(block, f"{name}_mask").bernoulli_(0.7)
    return block


def tokens(steps=12, batch=2):
    return torch.rand(steps, batch, 5, dtype=torch.float64)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def relu(x):
    return np.maximum(x, 0)


# Written as the public code of S5 writes them, with `y` the state-space output.
BY_HAND = {
    "half1": lambda p, y, g: g(y) * sigmoid(p["gate"] @ g(y) + p["gate_bias"]),
    "half2": lambda p, y, g: y * sigmoid(p["gate"] @ g(y) + p["gate_bias"]),
    "full": lambda p, y, g: (
        (p["gate_value"] @ g(y) + p["gate_value_bias"])
        * sigmoid(p["gate"] @ g(y) + p["gate_bias"])
    ),
    "none": lambda p, y, g: g(y),
}


def by_hand(block, u):
    """The block as complex matrices, one token after the other."""
    o = block.options
    p = {k: v.numpy() for k, v in block.state_dict().items()}
    p |= {n: p[n] * p[f"{n}_mask"] for n in GATES[o.gate].matrices}
    lam, dt = p["lambda_re"] + 1j * p["lambda_im"], np.exp(p["log_step"])
    eye = np.eye(len(lam))
    if o.discretisation == "zoh":
        a = scipy.linalg.expm(np.diag(lam * dt))
        f = np.linalg.solve(np.diag(lam), a - eye)
    else:
        left = np.linalg.inv(eye - np.diag(lam * dt) / 2)
        a, f = left @ (eye + np.diag(lam * dt) / 2), left @ np.diag(dt)
    b = f @ (p["B_re"] + 1j * p["B_im"])
    b = b.real * p["B_re_mask"] + 1j * b.imag * p["B_im_mask"]
    c = p["C_re"] * p["C_re_mask"] + 1j * p["C_im"] * p["C_im_mask"]
    scale = p["norm.weight"] / np.sqrt(p["norm.running_var"] + block.norm.eps)
    inner, wire = (gelu, lambda v: v) if o.activation == "gelu" else (relu, relu)
    x, out = np.zeros(len(lam), dtype=complex), []
    for u_t in u:
        v = (u_t - p["norm.running_mean"]) * scale + p["norm.bias"]
        x = a @ x + b @ v
        s = np.where(x.real > 0, x, 0)
        # Of a pair, the other state too.
        y = c @ s + (np.conj(c) @ np.conj(s) if o.conj_sym else 0)
        out.append(wire(BY_HAND[o.gate](p, y.real + p["D"] * v, inner) + u_t))
    return np.array(out)


VARIANTS = [
    {"gate": "half2"},
    {"gate": "full"},
    {"gate": "none"},
    {"activation": "gelu"},
    {"activation": "gelu", "gate": "half2"},
    {"activation": "gelu", "gate": "full"},
    {"discretisation": "bilinear"},
    {"conj_sym": False, "discretisation": "bilinear"},
]


@pytest.mark.parametrize("options", VARIANTS, ids=str)
def test_variants_are_their_equations(options):
    block, u = block_of(**options), tokens()
    with torch.no_grad():
        found = block(u)[:, 1].numpy()
    assert np.allclose(found, by_hand(block, u[:, 1].numpy()), atol=1e-12)


@pytest.mark.parametrize("options", [{}, *VARIANTS, {"top_k": 0.5}], ids=str)
def test_a_stream_of_tokens_is_the_parallel_form(options):
    torch.manual_seed(0)
    model = SparseRNN(4, 6, 8, 2, 3, hippo_blocks=2, **options).double().eval()
    x = torch.randn(2, 45, 4, dtype=torch.float64)
    state, answers = model.initial_state(2), []
    with torch.no_grad():
        for t in range(x.shape[1]):
            y, state = model.step(x[:, t], state)
            answers.append(y)
        assert torch.allclose(torch.stack(answers, 1), model(x), atol=1e-12)


def test_a_step_keeps_the_state_it_was_given():
    model = SparseRNN(4, 6, 8, 1, 3, hippo_blocks=2)
    state = model.initial_state(1)
    _, after = model.step(torch.randn(1, 4), state)
    assert not state[0].any()
    assert after[0].any()


def test_bilinear_is_what_scipy_computes():
    block = block_of(discretisation="bilinear")
    a_re, a_im, b_re, b_im = (x.detach().numpy() for x in block.discretise())
    for n in range(4):
        pole = complex(block.lambda_re[n].item(), block.lambda_im[n].item())
        B = (block.B_re[n] + 1j * block.B_im[n]).detach().numpy()[None]
        step = float(block.log_step[n].detach().exp())
        system = (np.array([[pole]]), B, np.eye(1), np.zeros((1, 5)))
        exact = scipy.signal.cont2discrete(system, step, "bilinear")
        assert np.allclose(a_re[n] + 1j * a_im[n], exact[0])
        assert np.allclose(b_re[n] + 1j * b_im[n], exact[1])


def test_all_states_without_pairs_are_those_of_the_pairs():
    """Half of them, and their conjugates; the answer of linear states is the same."""
    paired, whole = (
        S5Block(
            5, 8, rng=np.random.default_rng(0), hippo_blocks=2, conj_sym=pairs,
            state_nonlinearity="none", dt_min=0.02, dt_max=0.02,
        ).eval()
        for pairs in (True, False)
    )  # fmt: skip
    assert len(paired.log_step) == 4
    assert len(whole.log_step) == 8
    for name in ("D", "gate"):
        with torch.no_grad():
            getattr(whole, name).copy_(getattr(paired, name))
    u = tokens().float()
    assert torch.allclose(paired(u), whole(u), atol=1e-5)


def test_clipping_is_an_option_and_unstable_states_are_not_exported():
    model = SparseRNN(4, 6, 8, 1, 3, hippo_blocks=2, clip_eigs=False)
    with torch.no_grad():
        model.blocks[0].lambda_re[2] = 0.5
    a_re, a_im, _, _ = model.blocks[0].discretise()
    assert torch.hypot(a_re, a_im)[2].item() > 1
    with pytest.raises(ValueError, match=r"block 0: state 2 does not decay.*below 1"):
        fold(model)
    model.change(clip_eigs=True)
    fold(model)


@pytest.mark.parametrize("n", [7, 64, 192])
@pytest.mark.parametrize("density", [0.01, 0.3, 1.0])
def test_top_k_keeps_so_many(n, density):
    torch.manual_seed(0)
    x = torch.randn(50, n)
    for recall in (0.8, 1.0):
        rule = TopK(density, recall)
        keep, _ = rule.sizes(n)
        y = rule(x)
        assert int((y != 0).sum(-1).max()) == int((y != 0).sum(-1).min()) == keep
        assert torch.equal(y[y != 0], x[y != 0])
    best = x.abs().topk(keep).indices
    assert torch.equal(y, torch.zeros_like(x).scatter(-1, best, x.gather(-1, best)))


def test_approximate_top_k_finds_most_of_the_largest():
    torch.manual_seed(0)
    x = torch.randn(400, 512)
    rule = TopK(0.1, 0.8)
    keep, bins = rule.sizes(512)
    assert keep <= bins < 512
    largest = torch.zeros_like(x).scatter_(-1, x.abs().topk(keep).indices, 1.0)
    found = (largest[rule(x) != 0].sum() / largest.sum()).item()
    assert 0.8 < found < 1
    # Theory for bins of equal size: the chance that no larger one shares the bin.
    assert found == pytest.approx((1 - 1 / bins) ** ((keep - 1) / 2), abs=0.05)


def test_relufication_swaps_the_activations_and_keeps_the_weights():
    model = SparseRNN(
        4, 6, 8, 2, 3, hippo_blocks=2, activation="gelu", state_nonlinearity="none"
    ).eval()
    with pytest.raises(ValueError, match="activation='gelu'.*ReLU only.*relufy"):
        fold(model)
    sparse = relufy(model)
    fresh = SparseRNN(4, 6, 8, 2, 3, hippo_blocks=2).eval()
    fresh.load_state_dict(model.state_dict())
    x = torch.randn(2, 20, 4)
    assert torch.equal(sparse(x), fresh(x))
    assert not torch.equal(sparse(x), model(x))
    assert model.options.activation == "gelu"
    fold(sparse)


def test_what_decides_the_parameters_cannot_be_changed():
    with pytest.raises(ValueError, match="conj_sym, gate cannot be changed"):
        SparseRNN(4, 6, 8, 1, 3, hippo_blocks=2).change(gate="full", conj_sym=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gate": "half2"}, "gate='half2'.*'half1' and 'none'"),
        ({"gate": "full"}, "gate='full'"),
        ({"top_k": 0.3}, "top_k=TopK.*every activation"),
        ({"activation": "gelu", "gate": "full"}, "activation='gelu'.*gate='full'"),
    ],
    ids=str,
)
def test_what_the_contract_lacks_is_named_at_export(options, message, tmp_path):
    model = SparseRNN(4, 6, 8, 1, 3, hippo_blocks=2, **options)
    path = tmp_path / "model.net"
    with pytest.raises(ValueError, match=message):
        model.export_hdf5(path, [torch.randn(1, 9, 4)])
    assert not path.exists()


@pytest.mark.parametrize(
    "options", [{"gate": "none"}, {"conj_sym": False}, {"discretisation": "bilinear"}]
)
def test_what_the_contract_expresses_is_exported(options):
    torch.manual_seed(0)
    model = SparseRNN(6, 16, 16, 2, 4, hippo_blocks=2, seed=1, **options)
    x = torch.randn(4, 60, 6)
    with torch.no_grad():
        for _ in range(5):
            model(x)
        model.eval()
        expected = model(x)[0].numpy()
    folded = fold(model)
    network = quantize(folded, calibrate(folded, [x]))
    trace = {}
    y = spec.reference.run(network, network.to_wire(x[0].numpy()), trace)
    error = network.from_wire(y) - expected
    assert np.linalg.norm(error) < 0.03 * np.linalg.norm(expected)
    if options.get("gate") == "none":
        block = network.layers[1]
        shifts = network.recipe.sigmoid.shifts_for(block.g.frac)
        p = network.recipe.sigmoid.evaluate(
            trace["layer1_g"], shifts, network.recipe.arithmetic()
        )
        assert (p == 2**15).all()
        assert block.W.nnz == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gate": "glu"}, "gate is 'glu', must be one of: half1, half2, full"),
        ({"activation": "tanh"}, "activation is 'tanh'"),
        ({"discretisation": "euler"}, "discretisation is 'euler'"),
        ({"top_k": 1.5}, r"top-k density is 1.5.*\(0, 1\]"),
        ({"dt_min": 0.2}, "dt_min 0.2 and dt_max 0.1"),
        ({"conj_sym": False, "hippo_blocks": 3}, "multiple of 1 . hippo_blocks = 3"),
    ],
    ids=str,
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        SparseRNN(4, 6, 8, 1, 3, **({"hippo_blocks": 2} | options))
    with pytest.raises(TypeError, match="option is 'hippos', must be one of: hippo"):
        SparseRNN(4, 6, 8, 1, 3, hippos=2)


@pytest.mark.parametrize("conj_sym", [True, False])
def test_one_rule_says_which_blocks_fit_a_state(conj_sym):
    for d_state, n in itertools.product(range(1, 25), range(7)):
        block = functools.partial(S5Block, 2, d_state, rng=np.random.default_rng(0))
        fits = n > 0 and d_state % n == 0 and (d_state // n % 2 == 0 or not conj_sym)
        assert state_fits(d_state, n, conj_sym) == fits
        if fits:
            block(hippo_blocks=n, conj_sym=conj_sym)
            continue
        with pytest.raises(ValueError, match="hippo_blocks"):
            block(hippo_blocks=n, conj_sym=conj_sym)


def test_default_names_in_checkpoints_stay():
    block = {"lambda_re", "lambda_im", "log_step", "D", "gate_bias"}
    block |= {"B_re", "B_im", "C_re", "C_im", "gate"}
    block |= {f"{n}_mask" for n in ("B_re", "B_im", "C_re", "C_im", "gate")}
    block |= {f"norm.{n}" for n in ("weight", "bias", "running_mean", "running_var")}
    block |= {"norm.num_batches_tracked"}
    names = {"encoder", "encoder_bias", "encoder_mask"}
    names |= {"decoder", "decoder_bias", "decoder_mask"}
    names |= {f"blocks.0.{n}" for n in block}
    model = SparseRNN(4, 6, 8, 1, 3, hippo_blocks=2)
    assert set(model.state_dict()) == names
    assert set(copy.deepcopy(model).state_dict()) == names


@pytest.mark.slow
def test_forward_and_backward_stay_on_their_device():
    """The meta device has no data: whatever is made on the CPU inside would show."""
    model = SparseRNN(4, 6, 8, 2, 3, hippo_blocks=2).to("meta")
    y = model(torch.empty(2, 33, 4, device="meta"))
    y.sum().backward()
    assert y.device.type == "meta"
    assert all(p.grad.device.type == "meta" for p in model.parameters())
    state = model.initial_state(2)
    y, state = model.step(torch.empty(2, 4, device="meta"), state)
    assert {y.device.type, state[0].device.type} == {"meta"}
    a = torch.empty(3, device="meta")
    for rule in ("real_gate", "split", "none"):
        drive = torch.empty(9, 2, 6, device="meta")
        assert gated_scan(a, a, drive, rule).device.type == "meta"
