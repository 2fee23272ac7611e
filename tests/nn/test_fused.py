# SPDX-License-Identifier: BSD-3-Clause
"""The fused training step against the plain form of the same equations."""

import copy

import numpy as np
import pytest
import torch

from lava_sparse_rnn.nn import S5Block, SparseRNN, _fused, loops
from lava_sparse_rnn.nn.sparsify import ActivityPenalty

pytestmark = pytest.mark.skipif(
    not loops.built(), reason="the compiled extension is not built"
)


def network(dtype=torch.float32, masked=True, **options):
    torch.manual_seed(0)
    model = SparseRNN(
        d_in=7, d_model=10, d_state=12, n_layers=2, d_out=5, hippo_blocks=2, **options
    ).to(dtype)
    for _, owner, name in model.prunable():
        mask = getattr(owner, f"{name}_mask")
        mask.copy_(torch.rand(mask.shape) < (0.5 if masked else 1))
        bias = getattr(owner, f"{name}_bias", None)
        if bias is not None:
            torch.nn.init.normal_(bias)
    return model


def step(model, x, fused, compute=None):
    """Output, gradients by input and parameters, and statistics after a step."""
    model = copy.deepcopy(model)
    model.set_fused(fused)
    model.set_compute_dtype(compute)
    x = x.clone().requires_grad_()
    y = model.forward_time_major(x)
    (y.square().mean() + y.sin().mean()).backward()
    found = {"y": y.detach(), "x": x.grad}
    found |= {name: p.grad for name, p in model.named_parameters()}
    return found | {k: v for k, v in model.named_buffers() if "running" in k}


def distances(a, b):
    assert a.keys() == b.keys()
    return {k: ((a[k] - b[k]).norm() / b[k].norm().clamp_min(1e-12)).item() for k in a}


SHAPES = [(9, 3), (64, 2), (2, 1), (5, 16)]
OPTIONS = [
    {},
    {"state_nonlinearity": "split", "straight_through": True},
    {"state_nonlinearity": "none", "conj_sym": False},
    {"discretisation": "bilinear", "clip_eigs": False},
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("dtype", "limit"), [(torch.float64, 1e-11), (torch.float32, 2e-3)]
)
def test_the_same_step_as_the_plain_form(options, shape, dtype, limit):
    model = network(dtype, **options)
    x = torch.randn(*shape, 7, dtype=dtype)
    assert max(distances(*(step(model, x, f) for f in (True, False))).values()) < limit


@pytest.mark.slow
def test_gradients_are_those_of_differences():
    torch.manual_seed(1)
    rng = np.random.default_rng(0)
    block = S5Block(4, 6, rng=rng, hippo_blocks=1, dt_min=0.05).double()
    names = [name for name, _ in block.named_parameters()]
    u = torch.rand(5, 2, 4, dtype=torch.float64, requires_grad=True)

    def forward(u, *parameters):
        given = dict(zip(names, parameters, strict=True))
        assert _fused.covers_block(block, u)
        return torch.func.functional_call(block, given, (u,))

    values = [p.detach().clone().requires_grad_() for p in block.parameters()]
    assert torch.autograd.gradcheck(forward, (u, *values))


def test_bfloat16_is_as_near_to_the_truth_as_the_plain_form():
    """In the median of many inputs: in one a ReLU that opens for it alone says more."""
    model, far = network(), []
    for x in torch.randn(20, 40, 8, 7):
        found = step(network().double(), x.double(), False)
        truth = {k: v.float() for k, v in found.items()}
        forms = [step(model, x, f, torch.bfloat16) for f in (False, True)]
        far.append([sum(distances(form, truth).values()) for form in forms])
    plain, fused = np.median(far, axis=0)
    assert fused < 1.5 * plain
    assert fused < 1


@pytest.mark.skipif(loops.products() is None, reason="this processor has no AMX")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("shape", [(9, 3), (70, 5), (300, 2)])
def test_products_of_our_own_give_what_those_of_torch_give(
    shape, options, threads, monkeypatch
):
    model, x = network(**options), torch.randn(*shape, 7)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        own = step(model, x, True, torch.bfloat16)
        monkeypatch.setattr(loops, "products", lambda: None)
        torchs = step(model, x, True, torch.bfloat16)
    finally:
        torch.set_num_threads(before)
    assert max(distances(own, torchs).values()) < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_numbers_again(threads):
    model, x = network(), torch.randn(30, 5, 7)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        first, again = (step(model, x, True, torch.bfloat16) for _ in range(2))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(first[k], again[k]) for k in first)


def test_pruned_weights_have_no_gradient_unless_straight_through():
    for through in (False, True):
        model = network(straight_through=through)
        found = step(model, torch.randn(9, 3, 7), True, torch.bfloat16)
        for name, owner, short in model.prunable():
            if short in ("B_re", "B_im"):  # B_bar is masked, each part has both in it
                continue
            pruned = ~getattr(owner, f"{short}_mask")
            assert bool((found[name][pruned] != 0).any()) == through, name


def test_where_the_plain_form_runs():
    model, u = network(), torch.rand(6, 2, 10)
    block = model.blocks[0]
    assert _fused.covers_block(block, u)
    changed = [
        {"dropout": 0.1},
        {"activation": "gelu"},
        {"top_k": 0.5},
    ]
    for options in changed:
        other = copy.deepcopy(block)
        other.change(**options)
        assert not _fused.covers_block(other, u), options
    for gate in ("none", "half2", "full"):
        other = S5Block(10, 12, rng=np.random.default_rng(0), gate=gate)
        assert not _fused.covers_block(other, u), gate
    assert not _fused.covers_block(block, u.double())
    assert not _fused.covers_block(block, u[:1, :1])
    assert not _fused.covers_block(copy.deepcopy(block).eval(), u)
    with ActivityPenalty().listen(model):
        assert not _fused.covers_block(block, u)
    with torch.autocast("cpu"):
        assert not _fused.covers_block(block, u)
    model.set_fused(False)
    assert not block.fused
    assert not model.fused


def test_a_second_derivative_is_refused():
    model, x = network(), torch.randn(6, 2, 7, requires_grad=True)
    y = model.forward_time_major(x).sum()
    (by_x,) = torch.autograd.grad(y, x, create_graph=True)
    with pytest.raises(RuntimeError, match="second derivative"):
        by_x.sum().backward()


@pytest.mark.parametrize("nonlinearity", ["real_gate", "split", "none"])
def test_not_a_number_stays_visible(nonlinearity):
    model, x = network(state_nonlinearity=nonlinearity), torch.randn(6, 2, 7)
    x[3, 1, 2] = torch.nan
    found = step(model, x, True, torch.bfloat16)
    assert all(found[name].isnan().any() for name, _ in model.named_parameters())
