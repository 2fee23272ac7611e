# SPDX-License-Identifier: BSD-3-Clause
"""The chunked scan against the recurrence written as a loop."""

import pytest
import torch

from lava_sparse_rnn.nn import gated_scan
from lava_sparse_rnn.nn._scan import scan_


def diagonal(n):
    radius = torch.rand(n, dtype=torch.float64) * 0.3 + 0.699
    return torch.polar(radius, torch.rand(n, dtype=torch.float64) * 3)


def loop(a, b):
    states, x = [], torch.zeros_like(b[0])
    for b_t in b:
        x = a * x + b_t
        states.append(x)
    return torch.stack(states)


@pytest.mark.parametrize("steps", [1, 2, 7, 20, 31, 41, 60, 83, 375])
@pytest.mark.parametrize("reverse", [False, True])
def test_scan_equals_the_loop(steps, reverse):
    torch.manual_seed(steps)
    a = diagonal(5)
    b = torch.randn(steps, 2, 5, dtype=torch.complex128)
    expected = loop(a, b.flip(0)).flip(0) if reverse else loop(a, b)
    re, im = b.real.clone(), b.imag.clone()
    scan_(a.real.clone(), a.imag.clone(), re, im, reverse)
    assert torch.allclose(torch.complex(re, im), expected, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 5, 45])
@pytest.mark.parametrize("nonlinearity", ["none", "real_gate", "split"])
def test_gradients(steps, nonlinearity):
    torch.manual_seed(3)
    a = diagonal(3)
    drive = torch.randn(steps, 2, 6, dtype=torch.float64)
    arguments = [x.clone().requires_grad_() for x in (a.real, a.imag, drive)]

    def function(*args):
        return gated_scan(*args, nonlinearity)

    # Column by column, or all at once in a random direction where there are many.
    assert torch.autograd.gradcheck(function, arguments, fast_mode=steps > 5)


def test_real_gate_passes_the_complex_number_whole():
    drive = torch.tensor([[[1.0, -1.0, 0.0, 0.0, -2.0, -2.0, 3.0, -3.0]]])
    zero = torch.zeros(4)
    out = gated_scan(zero, zero, drive, "real_gate").flatten()
    assert out.tolist() == [1.0, 0.0, 0.0, 0.0, -2.0, 0.0, 3.0, 0.0]


def test_lower_precision_drive_keeps_float32_states():
    """A drive of bfloat16 ones summed 600 times would stop at 256 in bfloat16."""
    one, zero = torch.ones(1), torch.zeros(1)
    drive = torch.zeros(600, 1, 2, dtype=torch.bfloat16)
    drive[..., 0] = 1
    assert float(gated_scan(one, zero, drive, "none")[-1, 0, 0]) == 600


def test_errors_name_what_is_wrong():
    a = torch.zeros(4)
    with pytest.raises(ValueError, match=r"\(3, 2, 7\).*4 complex states"):
        gated_scan(a, a, torch.zeros(3, 2, 7))
    with pytest.raises(ValueError, match="state_nonlinearity is 'tanh'"):
        gated_scan(a, a, torch.zeros(3, 2, 8), "tanh")
