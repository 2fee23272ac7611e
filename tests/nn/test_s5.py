# SPDX-License-Identifier: BSD-3-Clause
"""S5 blocks against an independent state-space simulation."""

import numpy as np
import pytest
import scipy.linalg
import torch

from lava_sparse_rnn.nn import S5Block, SparseRNN
from lava_sparse_rnn.nn._hippo import legs_normal_eigen


def block_of(**options):
    return S5Block(5, 8, rng=np.random.default_rng(0), hippo_blocks=2, **options)


def test_hippo_eigenvalues_are_those_of_the_matrix():
    order = 8
    n = np.arange(order)
    A = -np.sqrt((2 * n[:, None] + 1) * (2 * n[None, :] + 1)) / 2
    normal = np.where(n[:, None] > n, A, -A)
    np.fill_diagonal(normal, -0.5)
    eigenvalues, vectors = legs_normal_eigen(order)
    assert np.allclose(normal @ vectors, vectors * eigenvalues)
    both = np.concatenate([eigenvalues, eigenvalues.conj()])
    expected = np.linalg.eigvals(normal)
    assert np.allclose(np.sort(both.imag), np.sort(expected.imag))
    assert np.allclose(vectors.conj().T @ vectors, np.eye(order // 2))


def test_discretisation_is_zero_order_hold():
    """Against the matrix exponential of the augmented system [[A, B], [0, 0]]."""
    block = block_of()
    a_re, a_im, b_re, b_im = (x.detach().numpy() for x in block.discretise())
    for n in range(4):
        step = float(block.log_step[n].detach().exp())
        system = np.zeros((6, 6), dtype=complex)
        system[0, 0] = complex(block.lambda_re[n].item(), block.lambda_im[n].item())
        system[0, 1:] = block.B_re[n].detach().numpy()
        system[0, 1:] += 1j * block.B_im[n].detach().numpy()
        exact = scipy.linalg.expm(system * step)[0]
        assert np.allclose(a_re[n] + 1j * a_im[n], exact[0], atol=1e-6)
        assert np.allclose(b_re[n] + 1j * b_im[n], exact[1:], atol=1e-6)


@pytest.mark.parametrize("nonlinearity", ["none", "real_gate", "split"])
def test_block_is_the_state_space_equation(nonlinearity):
    torch.manual_seed(0)
    block = block_of(state_nonlinearity=nonlinearity).double().eval()
    block.norm.running_mean.uniform_(-1, 1)
    block.norm.running_var.uniform_(0.5, 2)
    with torch.no_grad():
        block.norm.bias.uniform_(-1, 1)
    for name in block.matrices:
        getattr(block, f"{name}_mask").bernoulli_(0.6)
    u = torch.rand(12, 1, 5, dtype=torch.float64)
    with torch.no_grad():
        found = block(u)[:, 0].numpy()
    assert np.allclose(found, by_hand(block, u[:, 0].numpy(), nonlinearity))


def by_hand(block, u, nonlinearity):
    p = {k: v.numpy() for k, v in block.state_dict().items()}
    lam = p["lambda_re"] + 1j * p["lambda_im"]
    a = np.exp(lam * np.exp(p["log_step"]))
    b = ((a - 1) / lam)[:, None] * (p["B_re"] + 1j * p["B_im"])
    b = b.real * p["B_re_mask"] + 1j * b.imag * p["B_im_mask"]
    c = p["C_re"] * p["C_re_mask"] + 1j * p["C_im"] * p["C_im_mask"]
    scale = p["norm.weight"] / np.sqrt(p["norm.running_var"] + block.norm.eps)
    x, out = np.zeros(len(a), dtype=complex), []
    for u_t in u:
        v = (u_t - p["norm.running_mean"]) * scale + p["norm.bias"]
        x = a * x + b @ v
        s = {
            "none": x,
            "real_gate": np.where(x.real > 0, x, 0),
            "split": np.maximum(x.real, 0) + 1j * np.maximum(x.imag, 0),
        }[nonlinearity]
        z = np.maximum(2 * (c @ s).real + p["D"] * v, 0)
        g = (p["gate"] * p["gate_mask"]) @ z + p["gate_bias"]
        out.append(np.maximum(z / (1 + np.exp(-g)) + u_t, 0))
    return np.array(out)


def test_network_is_causal_and_starts_from_zero_state():
    model = SparseRNN(4, 6, 8, 2, 3, hippo_blocks=2).eval()
    x = torch.randn(2, 30, 4)
    with torch.no_grad():
        y = model(x)
        x[:, 20:] = 0
        z = model(x)
    assert y.shape == (2, 30, 3)
    assert torch.allclose(y[:, :20], z[:, :20])
    assert not torch.allclose(y[:, 20:], z[:, 20:])


def test_reduced_precision_products_stay_close():
    torch.manual_seed(0)
    model = SparseRNN(16, 32, 32, 2, 16, hippo_blocks=4)
    x = torch.randn(4, 50, 16)
    y = model(x)
    y.square().mean().backward()
    exact = {n: p.grad.clone() for n, p in model.named_parameters()}
    model.zero_grad()
    model.set_compute_dtype(torch.bfloat16)
    short = model(x)
    short.float().square().mean().backward()
    assert (short - y).norm() < 0.03 * y.norm()
    for name, p in model.named_parameters():
        assert (
            torch.cosine_similarity(p.grad.flatten(), exact[name].flatten(), dim=0)
            > 0.9
        ), name


def test_errors_name_value_and_limit():
    with pytest.raises(ValueError, match="d_model is 0"):
        SparseRNN(4, 0, 8, 1, 4)
    with pytest.raises(ValueError, match="d_state is 10.*multiple of.* 32"):
        SparseRNN(4, 6, 10, 1, 4, hippo_blocks=16)
    with pytest.raises(ValueError, match=r"\(batch, time, 4\)"):
        SparseRNN(4, 6, 32, 1, 4)(torch.zeros(2, 3, 5))
