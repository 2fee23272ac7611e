# SPDX-License-Identifier: BSD-3-Clause
"""The four neuron groups as autograd functions.

Forward they compute the contract's integers exactly (inside in float64; wires fit
float32). Backward they are the float equations: shifts are multiplications, rounding
is not there, saturated or gated values pass no gradient.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

from lava_sparse_rnn.fixed_point import SIGMOID_ONE
from lava_sparse_rnn.nn._autograd import first_order
from lava_sparse_rnn.nn._scan import NONLINEARITIES, scan_
from lava_sparse_rnn.nn.precision import short_type
from lava_sparse_rnn.nn.quantize.rules import Rules, Shift, Sigmoid


def _product(u: Tensor, W: Tensor) -> Tensor:
    """``u @ W.T`` of integers, exact: sums stay far below 2**53."""
    return u.double() @ W.t()


def _product_gradients(grad: Tensor, u: Tensor, W: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of `_product` by its arguments; `grad` is (T, B, n_out) float32.

    Gradients need no exact products; in bfloat16 they take a quarter of the time.
    """
    short = short_type(grad.device.type)
    flat = grad.flatten(0, 1).to(short)
    grad_u = (flat @ W.to(short)).float().view(u.shape)
    return grad_u, (flat.t() @ u.flatten(0, 1).to(short)).double()


def _fit_positive(v: Tensor, bits: int, rules: Rules) -> tuple[Tensor, Tensor]:
    """``fit(relu(v))`` and where the gradient passes."""
    v = v.clamp_(min=0)
    out = rules.fit(v, bits)
    return out, (v > 0) & (out == v)


class AffineFunction(torch.autograd.Function):
    """``fit(relu(shift(W u + bias, k)))``, the ReLU only where asked."""

    @staticmethod
    def forward(ctx, u, W, bias, shift: Shift, bits: int, relu: bool, rules: Rules):
        v = shift(_product(u, W) + bias)
        if relu:
            out, passes = _fit_positive(v, bits, rules)
        else:
            out = rules.fit(v, bits)
            passes = out == v
        ctx.save_for_backward(u, W, passes)
        ctx.shift = shift
        return out.float()

    @staticmethod
    @first_order
    def backward(ctx, grad):
        u, W, passes = ctx.saved_tensors
        g = grad * passes * ctx.shift.slope
        grad_u, grad_W = _product_gradients(g, u, W)
        return grad_u, grad_W, g.sum((0, 1)).double(), None, None, None, None


def advance(
    drive: Tensor, a_re: Tensor, a_im: Tensor, shift: Shift, bits: int, rules: Rules
) -> Tensor:
    """States of the integer recurrence, in place of the drive.

    Parameters
    ----------
    drive : Tensor, float64, shape (T, 2, M)
        Real and imaginary parts; M is batch times states.
    a_re, a_im : Tensor, float64, shape (M,)
        Integers.
    shift : Shift
        By the fraction of `a`; a scalar, so that it goes into `a` before the loop.
    """
    a_re, a_im = a_re * shift.scale, a_im * shift.scale
    if torch.compiler.is_compiling():
        return _advance_plain(drive, a_re, a_im, shift.half, bits, rules)
    half = float(shift.half)
    direct, cross = (drive.new_empty(drive.shape[1:]) for _ in range(2))
    steps = drive.unbind(0)
    for before, now in pairwise(steps):
        torch.mul(before, a_re, out=direct)
        torch.mul(before, a_im, out=cross)
        if half:
            direct.add_(half)
            cross.add_(half)
        now.add_(direct.floor_())
        cross.floor_()
        now[0].sub_(cross[1])
        now[1].add_(cross[0])
        rules.fit_(now, bits)
    return drive


def _advance_plain(drive, a_re, a_im, half, bits: int, rules: Rules) -> Tensor:
    """`advance` for compilers, which follow no views that are written to."""
    now, states = drive[:1], [drive[:1]]
    for t in range(1, drive.shape[0]):
        direct, cross = ((now * a + half).floor() for a in (a_re, a_im))
        turned = torch.stack([-cross[:, 1], cross[:, 0]], dim=1)
        now = rules.fit(drive[t : t + 1] + direct + turned, bits)
        states.append(now)
    return torch.cat(states)


class RecurrenceFunction(torch.autograd.Function):
    """Integer recurrence and state nonlinearity: input wire to state wires.

    `constants` is a `RecurrenceConstants`; ``record`` is called with name and value
    of the states.
    """

    @staticmethod
    def forward(ctx, u, B, bias, a_re, a_im, constants, record):
        steps, batch, _ = u.shape
        n = a_re.numel()
        c, rules = constants, constants.rules
        drive = c.shift_B(_product(u, B) + bias)
        x = drive.view(steps, batch, 2, n).transpose(1, 2)
        x = x.reshape(steps, 2, batch * n)
        # The first step has no past, but its drive saturates too.
        rules.fit_(x[:1], c.state_bits)
        wide_re, wide_im = (a.repeat(batch) for a in (a_re, a_im))
        x = advance(x, wide_re, wide_im, c.shift_a, c.state_bits, rules)
        parts = x.view(steps, 2, batch, n)
        v = c.shift_x(parts)
        s = rules.fit(v, c.bits)
        masks = NONLINEARITIES[c.nonlinearity](s[:, 0], s[:, 1])
        gated = torch.empty(steps, batch, 2 * n)
        passes = torch.empty(2, steps, batch, n, dtype=torch.bool)
        for i, mask in enumerate(masks):
            passes[i] = v[:, i] == s[:, i]
            part = s[:, i]
            if mask is not None:
                passes[i] &= mask
                part = part * mask
            gated[..., i * n : (i + 1) * n] = part
        record("x_re", parts[:, 0])
        record("x_im", parts[:, 1])
        states = parts.float()
        ctx.save_for_backward(u, B, a_re, a_im, states, passes)
        ctx.constants = c
        return gated

    @staticmethod
    @first_order
    def backward(ctx, grad):
        u, B, a_re, a_im, states, passes = ctx.saved_tensors
        c = ctx.constants
        n = a_re.numel()
        scale = float(c.shift_a.scale)
        w_re, w_im = (a.float() * scale for a in (a_re, a_im))
        g_re = grad[..., :n] * passes[0] * c.shift_x.slope
        g_im = grad[..., n:] * passes[1] * c.shift_x.slope
        scan_(w_re, -w_im, g_re, g_im, reverse=True)
        x_re, x_im = states[:-1, 0], states[:-1, 1]
        grad_a_re = (g_re[1:] * x_re + g_im[1:] * x_im).sum((0, 1)) * scale
        grad_a_im = (g_im[1:] * x_re - g_re[1:] * x_im).sum((0, 1)) * scale
        slope = c.shift_B.slope
        g = torch.cat([g_re, g_im], dim=-1) * slope
        grad_u, grad_B = _product_gradients(g, u, B)
        grad_bias = g.sum((0, 1)).double()
        return (
            grad_u, grad_B, grad_bias, grad_a_re.double(), grad_a_im.double(), None,
            None,
        )  # fmt: skip


class ReadoutFunction(torch.autograd.Function):
    """``fit(relu(shift(C s, k_C) + shift(D u, k_D) + bias))``."""

    @staticmethod
    def forward(ctx, s, u, C, D, bias, shift_C: Shift, shift_D: Shift, bits, rules):
        y = shift_C(_product(s, C))
        y += shift_D(u.double() * D)
        out, passes = _fit_positive(y + bias, bits, rules)
        ctx.save_for_backward(s, u, C, D, passes)
        ctx.shifts = shift_C, shift_D
        return out.float()

    @staticmethod
    @first_order
    def backward(ctx, grad):
        s, u, C, D, passes = ctx.saved_tensors
        by_C, by_D = (x.slope for x in ctx.shifts)
        g = grad * passes
        grad_s, grad_C = _product_gradients(g * by_C, s, C)
        direct = g * by_D
        grad_D = (direct * u).sum((0, 1)).double()
        grad_u = direct * D.float()
        grad_bias = g.sum((0, 1)).double()
        return grad_s, grad_u, grad_C, grad_D, grad_bias, None, None, None, None


class GateFunction(torch.autograd.Function):
    """``fit(relu(shift(z sigmoid(g), k_h) + shift(u, k_u)))``, ``g`` from ``W z``.

    `constants` is a `GateConstants`; ``record`` is called with the gate argument.
    """

    @staticmethod
    def forward(ctx, z, u, W, bias, constants, record):
        c, rules = constants, constants.rules
        raw = c.shift_g(_product(z, W) + bias)
        g = rules.fit(raw, c.g_bits)
        record("g", g)
        p = c.sigmoid(g)
        v = c.shift_h(z.double() * p) + c.shift_u(u.double())
        out, passes = _fit_positive(v, c.bits, rules)
        ctx.save_for_backward(z, W, p.float(), passes, raw == g)
        ctx.constants = c
        return out.float()

    @staticmethod
    @first_order
    def backward(ctx, grad):
        z, W, p, passes, inside = ctx.saved_tensors
        c = ctx.constants
        g = grad * passes
        gated = g * c.shift_h.slope
        # Of the smooth sigmoid: its lines have the wrong slope almost everywhere.
        slope = p * (1 - p / SIGMOID_ONE) * c.g_unit
        argument = gated * z * slope * inside * c.shift_g.slope
        grad_z, grad_W = _product_gradients(argument, z, W)
        grad_z += gated * p
        grad_u = g * c.shift_u.slope
        return grad_z, grad_u, grad_W, argument.sum((0, 1)).double(), None, None


class RecurrenceConstants:
    """Formats of a recurrence: shifts, widths, nonlinearity, rules.

    Parameters
    ----------
    group : spec.groups.RecurrenceGroup
    rules : Rules
    """

    def __init__(self, group, rules: Rules) -> None:
        by = rules.shift(group.k_B)
        # Real and imaginary rows of B lie one after the other.
        self.shift_B = Shift(by.scale.repeat(2), by.half.repeat(2))
        self.shift_a = rules.shift(group.a_frac)
        self.shift_x = rules.shift(group.k_x)
        self.state_bits, self.bits = group.state_bits, group.bits
        self.nonlinearity = group.nonlinearity
        self.rules = rules


class GateConstants:
    """Formats of a gate: shifts, widths, sigmoid, rules.

    Parameters
    ----------
    group : spec.groups.GateGroup
    rules : Rules
    """

    def __init__(self, group, rules: Rules) -> None:
        self.shift_g = rules.shift(group.k_g)
        self.shift_h = rules.shift(group.k_h)
        self.shift_u = rules.shift(group.k_u)
        self.g_bits, self.bits = group.g_bits, group.bits
        self.g_unit = torch.exp2(-torch.from_numpy(group.g_frac.astype("f4")))
        self.sigmoid = Sigmoid.of(group.sigmoid, group.g_frac)
        self.rules = rules
