# SPDX-License-Identifier: BSD-3-Clause
"""Matrix products in reduced precision, and masks with straight-through gradients."""

from __future__ import annotations

import torch
from torch import Tensor

from lava_sparse_rnn.nn._autograd import call, first_order


class _LowPrecisionLinear(torch.autograd.Function):
    """``x @ w.T`` with operands rounded to a shorter type, float32 master weights.

    ``torch.autocast`` would do the same, but converts the operands again in the
    backward pass and keeps the float32 copies alive.
    """

    @staticmethod
    def forward(ctx, x, weight, dtype):
        flat = x.reshape(-1, x.shape[-1]).to(dtype)
        short = weight.to(dtype)
        ctx.save_for_backward(flat, short)
        ctx.types = (x.dtype, weight.dtype, x.shape)
        return (flat @ short.t()).view(*x.shape[:-1], weight.shape[0])

    @staticmethod
    @first_order
    def backward(ctx, grad):
        flat, short = ctx.saved_tensors
        x_type, w_type, shape = ctx.types
        g = grad.reshape(-1, grad.shape[-1]).to(flat.dtype)
        grad_x = grad_w = None
        if ctx.needs_input_grad[0]:
            grad_x = (g @ short).to(x_type).view(shape)
        if ctx.needs_input_grad[1]:
            grad_w = (g.t() @ flat).to(w_type)
        return grad_x, grad_w, None


def linear(x: Tensor, weight: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """``x @ weight.T``, optionally with both operands and the result in `dtype`.

    Parameters
    ----------
    x : Tensor, shape (..., d_in)
    weight : Tensor, shape (d_out, d_in)
    dtype : torch.dtype or None
        None computes in the type of `x`.

    Returns
    -------
    Tensor, shape (..., d_out)
    """
    if dtype is None:
        return torch.nn.functional.linear(x, weight)
    if torch.compiler.is_compiling():
        return torch.nn.functional.linear(x.to(dtype), weight.to(dtype))
    return call(_LowPrecisionLinear, x, weight, dtype)


class _StraightThroughMask(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weight, mask):
        return weight * mask

    @staticmethod
    def backward(ctx, grad):
        return grad, None


def apply_mask(weight: Tensor, mask: Tensor, straight_through: bool) -> Tensor:
    """``weight * mask``; with `straight_through` the gradient ignores the mask.

    Straight-through, a pruned weight keeps learning and may come back at a mask
    update. Nothing holds it back meanwhile, so that between two updates it should
    move by much less than the weights that act: with Adam that needs an update
    every few steps, or most of the mask is exchanged at each.
    """
    if straight_through and torch.compiler.is_compiling():
        return weight + (weight * mask - weight).detach()
    if straight_through:
        return call(_StraightThroughMask, weight, mask)
    return weight * mask
