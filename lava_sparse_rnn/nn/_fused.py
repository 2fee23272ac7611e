# SPDX-License-Identifier: BSD-3-Clause
"""A training step of a block and of an affine layer on a processor, fused.

The equations are those of `S5Block.forward` and `SparseRNN`, which stay the readable
form. Matrix products are torch's; all that lies between two of them is one pass over
memory in the compiled extension (``nn/src``), forwards and backwards, with operands
stored in the type of the products; with few entries left, products are of those alone
(`_sparse`). Written in torch, these passes, copies and masks
take three quarters of a step. On a processor with AMX a block has products of its own,
and some rows at a time take all of its passes while they are in a core's cache.

Where `covers` says no, the plain form runs: on other devices, in evaluation, with
options that are not there (another activation or gate, top-k, dropout), with batch
norms shared by several processes, while an observer listens to the wires, and where
torch makes a graph of it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from lava_sparse_rnn.nn import loops
from lava_sparse_rnn.nn._autograd import call, first_order, in_autocast, in_graph
from lava_sparse_rnn.nn._sparse import entries, product, product_back, weight_back
from lava_sparse_rnn.nn.loops import memory


def covers(x: Tensor, parameters: nn.Module, dtype: torch.dtype | None) -> bool:
    """Whether the fused form can take this input.

    Parameters
    ----------
    x : Tensor
    parameters : nn.Module
        Whose own parameters take part.
    dtype : torch.dtype or None
        Of the products.
    """
    return (
        loops.available(x.dtype, dtype)
        and not in_graph()
        and parameters.training
        and x.numel() > 0
        and x.device.type == "cpu"
        and all(p.dtype == x.dtype for p in parameters.parameters(recurse=False))
        and not in_autocast()
    )


def covers_block(block: Any, u: Tensor) -> bool:
    """`covers`, and whether the options of an `S5Block` are those of the fused form."""
    o, norm = block.options, block.norm
    return (
        (o.activation, o.gate, o.top_k, o.dropout) == ("relu", "half1", None, 0)
        and block.observer is None
        and type(norm) is nn.BatchNorm1d
        and norm.training
        and norm.momentum is not None
        and u.dim() == 3
        and u.shape[0] * u.shape[1] > 1
        and covers(u, block, block.compute_dtype)
    )


def block_step(block: Any, u: Tensor) -> Tensor:
    """`S5Block.forward` in training, (T, B, H) to the same."""
    o = block.options
    masks = [getattr(block, f"{name}_mask") for name in block.matrices]
    weights = [getattr(block, name) for name in (*block.matrices[:4], "D")]
    return call(
        _Block,
        (block.norm, block.compute_dtype, masks, o),
        u,
        *block.transition(),
        *weights,
        *(block.gate, block.gate_bias, block.norm.weight, block.norm.bias),
    )


def affine(
    x: Tensor,
    weight: Tensor,
    mask: Tensor,
    bias: Tensor,
    dtype: torch.dtype | None,
    relu: bool,
    straight_through: bool,
) -> Tensor:
    """``x @ (weight * mask).T + bias``, then a ReLU or not; ``(..., n)`` to the same.

    Parameters
    ----------
    x : Tensor, shape (..., d_in)
    weight, mask : Tensor, shape (d_out, d_in)
    bias : Tensor, shape (d_out,)
    dtype : torch.dtype or None
        Of the product.
    relu, straight_through : bool
        See `apply_mask` for the latter.
    """
    settings = (mask, dtype, relu, straight_through)
    return call(_Affine, settings, x, weight, bias)


class _Affine(torch.autograd.Function):
    @staticmethod
    def forward(ctx, settings, x, weight, bias):
        mask, dtype, relu, through = settings
        dtype = dtype or x.dtype
        steps = loops.steps(x, dtype)
        flat = x.reshape(-1, x.shape[-1]).contiguous()
        short = flat
        if dtype != x.dtype:
            short = torch.empty_like(flat, dtype=dtype)
            steps.convert(flat.numel(), memory(flat, short))
        w = torch.empty_like(weight, dtype=dtype, memory_format=torch.contiguous_format)
        steps.masked(w.numel(), memory(weight.contiguous(), mask.contiguous(), w))
        ctx.entries = entries(mask, len(flat), dtype, through)
        p = product(ctx.entries, short, w)
        y = x.new_empty(p.shape)
        steps.bias(*p.shape, relu, memory(p, bias, y))
        ctx.settings, ctx.shape = settings, x.shape
        ctx.save_for_backward(short, w, y)
        return y.view(*x.shape[:-1], w.shape[0])

    @staticmethod
    @first_order
    def backward(ctx, grad):
        short, w, y = ctx.saved_tensors
        mask, _, relu, through = ctx.settings
        steps = loops.steps(y, w.dtype)
        grad = grad.reshape(y.shape).contiguous()
        by_product, by_bias = torch.empty_like(y, dtype=w.dtype), y.new_empty(len(w))
        steps.bias_back(*y.shape, relu, memory(grad, y, by_product, by_bias))
        given, by_x, by_weight = (ctx.entries, by_product, short, w), None, None
        if ctx.needs_input_grad[1]:
            by_x, by_w = product_back(*given)
            if by_x.dtype != y.dtype:
                wide = torch.empty_like(by_x, dtype=y.dtype)
                steps.widen(by_x.numel(), memory(by_x, wide))
                by_x = wide
            by_x = by_x.view(ctx.shape)
        else:
            by_w = weight_back(*given)
        if ctx.needs_input_grad[2]:
            by_weight = torch.empty_like(by_w, dtype=y.dtype)
            found = memory(by_w, mask.contiguous(), by_weight)
            steps.masked_back(by_w.numel(), through, found)
        return None, by_x, by_weight, by_bias


class _Block(torch.autograd.Function):
    """See `block_step`; names are those of `S5Block`, and p is ``W z``."""

    @staticmethod
    def forward(ctx, settings, u, *parameters):
        norm, dtype, masks, options = settings
        dtype = dtype or u.dtype
        parameters = [p.contiguous() for p in parameters]
        a_re, a_im, f_re, f_im, B_re, B_im, C_re, C_im, D, W, bias, scale, offset = (
            parameters
        )
        masks = [m.contiguous() for m in masks]
        steps, u = loops.steps(u, dtype), u.contiguous()
        length, batch, h = u.shape
        n, kind = len(a_re), options.state_nonlinearity
        sizes = (length, batch, n, h)
        B, C, gate = (
            torch.empty(shape, dtype=dtype)
            for shape in ((2 * n, h), (h, 2 * n), (h, h))
        )
        given = (f_re, f_im, B_re, B_im, C_re, C_im, *masks[:4])
        steps.matrices(n, h, 1 + options.conj_sym, memory(*given, B, C))
        steps.masked(h * h, memory(W, masks[4], gate))

        mean, rate, variance = moments = u.new_empty(3, h)
        out, parts = torch.empty_like(u), torch.get_num_threads()
        weights = (a_re, a_im, D, bias, scale, offset, B, C, gate)
        own = dtype == torch.bfloat16 and batch >= parts
        products = loops.products() if own else None
        ctx.own = products is not None
        if products is None:
            ctx.entries = _entries(masks, length * batch, dtype, options)
            kept = _forward(
                steps, sizes, kind, norm.eps, u, weights, ctx.entries, moments, out
            )
        else:
            kept = [B.new_empty(length * batch, size) for size in (2 * n, h, h)]
            found = memory(u, *weights, *moments, *kept, out)
            products.block(parts, *sizes, kind, norm.eps, found)
        _observe(norm, mean, variance)
        ctx.options, ctx.masks, ctx.parts = options, masks, parts
        ctx.save_for_backward(u, out, mean, rate, B, C, gate, *parameters, *kept)
        return out

    @staticmethod
    @first_order
    def backward(ctx, grad):
        u, out, mean, rate, B, C, gate, *rest = ctx.saved_tensors
        parameters, kept = rest[:13], rest[13:]
        a_re, a_im, f_re, f_im, B_re, B_im, C_re, C_im, D, _, bias, scale, offset = (
            parameters
        )
        through, kind = ctx.options.straight_through, ctx.options.state_nonlinearity
        steps, grad = loops.steps(u, B.dtype), grad.contiguous()
        length, batch, h = u.shape
        n = len(a_re)
        sizes = (length, batch, n, h)
        to = [torch.empty_like(t) for t in (*parameters, u)]
        (
            *by_a, by_f_re, by_f_im, by_B_re, by_B_im, by_C_re, by_C_im, by_D, by_W,
            by_bias, by_scale, by_offset, by_u,
        ) = to  # fmt: skip
        weights = (a_re, a_im, D, bias, scale, offset, B, C, gate)
        by = (*by_a, by_D, by_bias, by_scale, by_offset)
        wires = (grad, u, out)
        if not ctx.own:
            by_B, by_C, by_gate = _backward(
                steps, sizes, kind, wires, weights, ctx.entries, (mean, rate), kept,
                by, by_u,
            )  # fmt: skip
        else:
            by_B, by_C, by_gate = (torch.empty_like(x) for x in (B, C, gate))
            found = memory(
                *wires, *weights, mean, rate, *kept, *by, by_B, by_C, by_gate, by_u
            )
            loops.products().block_back(ctx.parts, *sizes, kind, found)

        steps.masked_back(h * h, through, memory(by_gate, ctx.masks[4], by_W))
        given = (f_re, f_im, B_re, B_im, C_re, C_im, *ctx.masks[:4], by_B, by_C)
        found = (by_f_re, by_f_im, by_B_re, by_B_im, by_C_re, by_C_im)
        factor = 1 + ctx.options.conj_sym
        steps.matrices_back(n, h, factor, through, memory(*given, *found))
        return None, by_u, *to[:-1]


def _entries(masks: list[Tensor], rows: int, dtype: torch.dtype, options: Any) -> list:
    """Those of B (2 N, H), C (H, 2 N) and the gate, see `entries`."""
    B, C = torch.cat(masks[:2]), torch.cat(masks[2:4], 1)
    through = options.straight_through
    return [entries(mask, rows, dtype, through) for mask in (B, C, masks[4])]


def _forward(
    steps, sizes, kind, eps, u, weights, found, moments, out
) -> tuple[Tensor, ...]:
    """From u to out, with torch's products or `found`'s; gives v, x, s, z and p."""
    a_re, a_im, D, bias, scale, offset, B, C, gate = weights
    length, batch, n, h = sizes
    rows = length * batch
    v, s = B.new_empty(rows, h), B.new_empty(rows, 2 * n)
    steps.normalise(rows, h, eps, memory(u, scale, offset, *moments, v))
    x = product(found[0], v, B)
    steps.scan(length, batch, n, kind, memory(a_re, a_im, x, s))
    z = product(found[1], s, C)
    steps.readout(rows, h, memory(v, D, z))
    p = product(found[2], z, gate)
    steps.gate(rows, h, memory(z, p, bias, u, out))
    return v, x, s, z, p


def _backward(
    steps, sizes, kind, wires, weights, found, moments, kept, by, by_u
) -> tuple[Tensor, ...]:
    """`_forward`'s gradients into `by` and `by_u`; gives those of B, C and gate."""
    (grad, u, out), (v, x, s, z, p) = wires, kept
    a_re, a_im, D, bias, scale, offset, B, C, gate = weights
    *by_a, by_D, by_bias, by_scale, by_offset = by
    length, batch, n, h = sizes
    rows = length * batch
    by_p, by_z = torch.empty_like(z), torch.empty_like(z)
    steps.gate_back(rows, h, memory(grad, out, z, bias, p, by_p, by_z, by_bias))
    _, by_gate = product_back(found[2], by_p, z, gate, to=by_z)

    steps.relu_back(rows, h, memory(z, by_z))  # that of y from here on
    by_s, by_C = product_back(found[1], by_z, s, C)
    steps.scan_back(length, batch, n, kind, memory(a_re, a_im, x, by_s, *by_a))
    by_v, by_B = product_back(found[0], by_s, v, B)
    given = (u, *moments, scale, offset, by_v, by_z, D, grad, out)
    steps.norm_back(rows, h, memory(*given, by_u, by_scale, by_offset, by_D))
    return by_B, by_C, by_gate


def _observe(norm: nn.BatchNorm1d, mean: Tensor, variance: Tensor) -> None:
    """Running statistics, as torch keeps them."""
    assert norm.running_mean is not None  # the norm is made with them
    assert norm.running_var is not None
    assert norm.num_batches_tracked is not None
    assert norm.momentum is not None  # `covers_block` has looked
    norm.running_mean.lerp_(mean, norm.momentum)
    norm.running_var.lerp_(variance, norm.momentum)
    norm.num_batches_tracked.add_(1)
