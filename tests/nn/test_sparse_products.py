# SPDX-License-Identifier: BSD-3-Clause
"""Products with few entries against those of whole matrices."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lava_sparse_rnn.nn import SparseRNN, _sparse, loops

pytestmark = pytest.mark.skipif(
    not loops.built(), reason="the compiled extension is not built"
)
UNIT = float(np.finfo(np.float32).eps)


def beside(found, a, b, more=0.0):
    """Whether ``a @ b + more`` is what was found, as near as float32 must come."""
    a, b = a.double(), b.double()
    size = a.abs() @ b.abs() + abs(more)
    far = (found.double() - (a @ b + more)).abs()
    return bool((far <= (a.shape[1] + 4) * UNIT * size).all())


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 200),
    n=st.integers(1, 40),
    k=st.integers(1, 40),
    share=st.sampled_from([0.0, 0.05, 0.3, 1.0]),
    add=st.booleans(),
    seed=st.integers(0, 2**20),
)
def test_products_and_gradients(rows, n, k, share, add, seed):
    torch.manual_seed(seed)
    mask = torch.rand(n, k) < share
    w, x, g = torch.randn(n, k) * mask, torch.randn(rows, k), torch.randn(rows, n)
    found, to = loops.sparse_weight(mask), torch.randn(rows, k)
    assert found.entries == int(mask.sum())
    assert beside(_sparse.product(found, x, w), x, w.t())
    more = to.double() if add else 0.0
    by_x, by_w = _sparse.product_back(found, g, x, w, to.clone() if add else None)
    assert beside(by_x, g, w, more)
    assert beside(by_w[mask], *entry_by_entry(g, x, mask))
    assert not by_w[~mask].any()
    assert torch.equal(_sparse.weight_back(found, g, x, w), by_w)


def entry_by_entry(g, x, mask):
    """Rows and a column whose product are the sums of the entries of ``g.t() @ x``."""
    of_n, of_k = mask.nonzero(as_tuple=True)
    return g.t()[of_n] * x.t()[of_k], torch.ones(len(g), dtype=torch.float64)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_any_number_of_threads_gives_the_same_rows(threads, count):
    torch.manual_seed(0)
    mask = torch.rand(30, 50) < 0.1
    w, x, g = torch.randn(30, 50) * mask, torch.randn(333, 50), torch.randn(333, 30)
    found = loops.sparse_weight(mask)
    threads(1)
    y, (by_x, by_w) = _sparse.product(found, x, w), _sparse.product_back(found, g, x, w)
    threads(count)
    assert torch.equal(_sparse.product(found, x, w), y)
    again, sums = _sparse.product_back(found, g, x, w)
    assert torch.equal(again, by_x)
    assert torch.allclose(sums, by_w, rtol=0, atol=1e-4)  # added in another order
    assert torch.equal(_sparse.product_back(found, g, x, w)[1], sums)


def test_a_weight_that_is_zero_learns_and_a_masked_one_does_not():
    mask = torch.zeros(3, 4, dtype=torch.bool)
    mask[1, 2] = True
    x, g = torch.ones(64, 4), torch.ones(64, 3)
    found = loops.sparse_weight(mask)
    _, by_w = _sparse.product_back(found, g, x, torch.zeros(3, 4))
    assert by_w[1, 2] == 64
    assert int(by_w.count_nonzero()) == 1


def test_what_is_multiplied_entry_by_entry():
    few, many = torch.rand(50, 50) < 0.1, torch.rand(50, 50) < 0.5
    single = torch.float32
    assert _sparse.entries(few, 64, single, False) is not None
    assert _sparse.entries(many, 64, single, False) is None
    assert _sparse.entries(few, 63, single, False) is None
    assert _sparse.entries(few, 64, single, True) is None  # all gradients are asked for
    assert _sparse.entries(few, 64, torch.bfloat16, False) is None
    assert _sparse.entries(few, 64, torch.float64, False) is None


def step(model, x, fused):
    model = copy.deepcopy(model)
    model.set_fused(fused)
    x = x.clone().requires_grad_()
    y = model.forward_time_major(x)
    (y.square().mean() + y.sin().mean()).backward()
    return {"y": y.detach(), "x": x.grad} | {
        name: p.grad for name, p in model.named_parameters()
    }


@pytest.mark.parametrize("options", [{}, {"conj_sym": False}])
def test_a_step_of_a_pruned_network(options, monkeypatch):
    torch.manual_seed(0)
    model = SparseRNN(
        d_in=21, d_model=40, d_state=48, n_layers=2, d_out=19, hippo_blocks=2, **options
    )
    for _, owner, name in model.prunable():
        mask = getattr(owner, f"{name}_mask")
        mask.copy_(torch.rand(mask.shape) < 0.1)
    x, used = torch.randn(50, 5, 21), []
    make = loops.sparse_weight
    monkeypatch.setattr(loops, "sparse_weight", lambda m: used.append(m) or make(m))
    sparse = step(model, x, True)
    assert len(used) == 2 * 3 + 2  # B, C and gate of two blocks, encoder and decoder
    plain = step(model, x, False)
    for name, value in plain.items():
        far = (sparse[name] - value).norm() / value.norm().clamp_min(1e-12)
        assert far < 1e-4, name


def test_wrong_memory_is_refused():
    found = loops.sparse_weight(torch.ones(3, 4, dtype=torch.bool))
    x = torch.zeros(64, 5)
    with pytest.raises(ValueError, match="wrong type or size"):
        found.forward(1, 64, loops.memory(x, torch.zeros(3, 4), torch.zeros(64, 3)))
    with pytest.raises(ValueError, match="missing"):
        found.back(1, 64, False, loops.memory(torch.zeros(64, 3)))
