# SPDX-License-Identifier: BSD-3-Clause
"""The primitive integer operations on torch tensors, exact in float64.

Every value that a valid description can produce is an integer below 2**53, so that
float64 holds it, and multiplying by a power of two is exact: a shift is one product
and one floor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from lava_sparse_rnn.fixed_point import MAX_SHIFT, SIGMOID_ONE, SigmoidLines
from lava_sparse_rnn.nn._autograd import call
from lava_sparse_rnn.spec import Recipe


def _saturate_(q: Tensor, bits: int) -> Tensor:
    half = 2.0 ** (bits - 1)
    return q.clamp_(-half, half - 1)


def _wrap_(q: Tensor, bits: int) -> Tensor:
    half = 2.0 ** (bits - 1)
    return q.add_(half).remainder_(2 * half).sub_(half)


OVERFLOWS: dict[str, Callable[[Tensor, int], Tensor]] = {
    "saturate": _saturate_,
    "wrap": _wrap_,
}
# What is added before the floor, in units of the last place that stays.
HALVES = {"floor": 0.0, "nearest": 0.5}


def doubles(values: ArrayLike) -> Tensor:
    """A float64 tensor of numpy values."""
    return torch.from_numpy(np.array(values, dtype=np.float64))


@dataclass(frozen=True)
class Shift:
    """A shift by `k` per neuron: ``floor(q * scale + half)``.

    Parameters
    ----------
    scale : Tensor, float64, shape (n,) or scalar
        ``2**-k``.
    half : Tensor, float64, like `scale`
        0.5 where the rounding is 'nearest' and bits are lost, else 0.
    """

    scale: Tensor
    half: Tensor

    @classmethod
    def by(cls, k: ArrayLike, rounding: str) -> Shift:
        """The shift ``k`` (positive to the right) under a rounding rule."""
        k = np.asarray(k, dtype=np.int64)
        half = np.where(k > 0, HALVES[rounding], 0.0)
        return cls(doubles(np.ldexp(1.0, -k)), doubles(half))

    def __call__(self, q: Tensor) -> Tensor:
        """Shifted values; `q` (..., n) stays as it is."""
        return torch.addcmul(self.half, q, self.scale).floor_()

    @property
    def slope(self) -> Tensor:
        """Derivative without the rounding, float32."""
        return self.scale.float()


@dataclass(frozen=True)
class Rules:
    """Rounding and overflow of a network.

    Parameters
    ----------
    rounding, overflow : str
        As in `spec.Recipe`.
    """

    rounding: str
    overflow: str

    @classmethod
    def of(cls, recipe: Recipe) -> Rules:
        """The rules of a recipe."""
        return cls(recipe.rounding, recipe.overflow)

    def shift(self, k: ArrayLike) -> Shift:
        """A shift under these rules."""
        return Shift.by(k, self.rounding)

    def fit(self, q: Tensor, bits: int) -> Tensor:
        """`q` brought into `bits` bits."""
        return self.fit_(q.clone(), bits)

    def fit_(self, q: Tensor, bits: int) -> Tensor:
        """`fit` in place."""
        return OVERFLOWS[self.overflow](q, bits)


@dataclass(frozen=True)
class Sigmoid:
    """The minimum of lines, for arguments of a given frac per neuron.

    Parameters
    ----------
    slopes, offsets : list of float
    shifts : list of Shift
        These floor whatever the rounding.
    """

    slopes: list[float]
    offsets: list[float]
    shifts: list[Shift]

    @classmethod
    def of(cls, lines: SigmoidLines, frac: ArrayLike) -> Sigmoid:
        """`lines` for arguments of `frac`."""
        shifts = [Shift.by(k, "floor") for k in lines.shifts_for(frac)]
        return cls(lines.slope.tolist(), lines.offset.tolist(), shifts)

    def __call__(self, g: Tensor) -> Tensor:
        """``sigmoid(g)`` in units of 2**-15, float64, shape of `g`."""
        magnitude = g.abs()
        p = torch.full_like(g, SIGMOID_ONE)
        for slope, offset, shift in zip(
            self.slopes, self.offsets, self.shifts, strict=True
        ):
            p = torch.minimum(p, shift(magnitude * slope) + offset)
        return torch.where(g >= 0, p, SIGMOID_ONE - p)


class _Round(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, low, high):
        return x.round().clamp_(low, high)

    @staticmethod
    def backward(ctx, grad):
        return grad, None, None


def round_to(x: Tensor, bits: int) -> Tensor:
    """Nearest integers (half to even) that fit `bits` bits; gradient one."""
    half = 2.0 ** (bits - 1)
    return call(_Round, x, -half, half - 1)


def round_inside(x: Tensor, bits: int, one: float) -> Tensor:
    """`round_to` of complex numbers, (2, n), inside a circle of radius `one`.

    The rule of `spec.quantize.states.quantize_a`; the gradient is one here, too.
    """
    rounded = round_to(x, bits)
    with torch.no_grad():
        (re, im), (re_short, im_short) = rounded, x.trunc()
        pairs = [(re, im), (re, im_short), (re_short, im), (re_short, im_short)]
        found = torch.stack([torch.stack(pair) for pair in pairs])
        distance = ((found - x) ** 2).sum(1)
        outside = (found**2).sum(1) >= one**2
        best = distance.masked_fill(outside, torch.inf).argmin(0)
        nearest = found.gather(0, best.expand(1, 2, -1))[0].where(outside[0], rounded)
    return rounded + (nearest - rounded.detach())


class _Within(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, limit):
        ctx.save_for_backward(x, limit)
        return torch.minimum(torch.maximum(x, -limit), limit)

    @staticmethod
    def backward(ctx, grad):
        x, limit = ctx.saved_tensors
        # A descent goes against the gradient: outwards where their signs differ.
        outwards = (x.abs() > limit) & (x * grad < 0)
        return grad.masked_fill(outwards, 0.0), None


def within(x: Tensor, limit: Tensor) -> Tensor:
    """`x` clamped to ``-limit .. limit``.

    The gradient is one, also outside, so that a value finds its way back; only where
    it would drive a value that is outside still further it is zero.
    """
    return call(_Within, x, limit)


def bias_parts(scaled: Tensor, bits: int) -> tuple[Tensor, Tensor]:
    """Mantissa and exponent of a bias, as `spec.Bias.quantize` chooses them.

    Parameters
    ----------
    scaled : Tensor, float64, shape (n,)
        In units of what the bias is added to.
    bits : int
        Of the mantissa.

    Returns
    -------
    mantissa, exponent : Tensor, float64, shape (n,)
        The gradient of the mantissa ignores the rounding.
    """
    high = 2.0 ** (bits - 1) - 1
    size = scaled.detach().abs()
    exponent = (size.frexp().exponent.double() - (bits - 1)).clamp(0, MAX_SHIFT)
    # A largest mantissa may be rounded up, out of its width.
    exponent += (size * torch.exp2(-exponent)).round() > high
    exponent.clamp_(max=MAX_SHIFT)
    return round_to(scaled * torch.exp2(-exponent), bits), exponent
