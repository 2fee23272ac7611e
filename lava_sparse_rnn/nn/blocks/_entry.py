# SPDX-License-Identifier: BSD-3-Clause
"""From real values to the integers of a block's input wire."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from lava_sparse_rnn.fixed_point import MAX_SHIFT
from lava_sparse_rnn.nn._autograd import call, first_order, uncompiled
from lava_sparse_rnn.nn.quantize.rules import Rules, doubles, round_to
from lava_sparse_rnn.spec import Recipe, Wire
from lava_sparse_rnn.spec.quantize import HEADROOM, range_frac
from lava_sparse_rnn.spec.quantize import wire as wire_of


def entry_wire(peak: np.ndarray, frac: int | None, recipe: Recipe) -> Wire:
    """A wire for what comes from outside, or from a layer that is not ours.

    Parameters
    ----------
    peak : array, shape (n,)
        Largest magnitudes.
    frac : int, optional
        Fractional bits of the integers that arrive; more would always be zero.
    recipe : Recipe
    """
    own = range_frac(peak, recipe.wire_bits, HEADROOM)
    if frac is not None:
        own = np.clip(own, frac - MAX_SHIFT, frac)
    return wire_of(own, recipe.wire_bits)


class _Adapt(torch.autograd.Function):
    """``fit(shift(q))``; the gradient is that of the shift where the value fits."""

    @staticmethod
    def forward(ctx, q, shift, bits, rules):
        shifted = shift(q.round())
        fitted = rules.fit(shifted, bits)
        ctx.save_for_backward(shifted == fitted)
        ctx.scale = shift.scale
        return fitted

    @staticmethod
    @first_order
    def backward(ctx, grad):
        (inside,) = ctx.saved_tensors
        return grad * inside * ctx.scale, None, None, None


class Entry(nn.Module):
    """Real values (..., n) as integers in float32.

    Without `frac` they are quantised as `spec.Network.to_wire` does it: the nearest
    integer. With `frac` they stand for integers of so many fractional bits, which
    are shifted and saturated as the adapter of `netx` does it. Gradients ignore the
    rounding.

    Parameters
    ----------
    wire : Wire
    frac : int, optional
    recipe : Recipe
    """

    unit: Tensor

    def __init__(self, wire: Wire, frac: int | None, recipe: Recipe) -> None:
        super().__init__()
        self.bits, self.rules = wire.bits, Rules.of(recipe)
        self.shift = None if frac is None else self.rules.shift(frac - wire.frac)
        shown = wire.frac if frac is None else np.full(wire.size, frac)
        self.register_buffer("unit", doubles(np.ldexp(1.0, shown)), persistent=False)

    @uncompiled
    def forward(self, x: Tensor) -> Tensor:
        """Integers of the wire."""
        q = x.double() * self.unit
        if self.shift is None:
            return round_to(q, self.bits).float()
        return call(_Adapt, q, self.shift, self.bits, self.rules).float()


def real_values(wire: Wire) -> Tensor:
    """What one unit of each neuron of a wire stands for, float32, shape (n,)."""
    return torch.from_numpy(np.ldexp(1.0, -wire.frac)).float()
