# SPDX-License-Identifier: BSD-3-Clause
"""Parameters that are seen as integers: matrices, diagonals, biases."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from torch import Tensor, nn

from lava_sparse_rnn import spec
from lava_sparse_rnn.nn.quantize.rules import bias_parts, doubles, round_to, within

# A bias has the learning rate of a weight that always meets such a payload, as a share
# of the wire's largest: headroom and what is below the peaks.
_TYPICAL_PAYLOAD = 1 / 4


def ints(x: Tensor) -> NDArray[np.int64]:
    """Whole numbers that a tensor holds as floats, on the CPU, in its shape."""
    return x.detach().numpy().astype(np.int64)


def csr(x: Tensor) -> sparse.csr_array:
    """`ints` of a matrix, shape (n_out, n_in), without its zeros."""
    return sparse.csr_array(ints(x))


def nearest(exact: Tensor) -> Tensor:
    """Values in float32 that round to the integers that they round to in float64.

    So that a fine-tune begins with the very integers of post-training quantisation.
    """
    found, wanted = exact.float(), exact.round()
    return torch.where(
        found.double().round() == wanted,
        found,
        torch.nextafter(found, wanted.float()),
    )


class Matrix(nn.Module):
    """Weights that are seen as integers; their zeros stay zeros.

    The parameter is relative to the largest integer of its width, whatever the
    exponents: folded weights span orders of magnitude, and one learning rate has to
    fit all.
    """

    mask: Tensor

    def __init__(self, real: Tensor, like: spec.Weights, inp: spec.Wire) -> None:
        super().__init__()
        self.hold(like)
        scale = np.ldexp(1.0, like.frac[:, None] + (inp.ref - inp.frac)[None, :])
        self.relative = nn.Parameter(nearest(real * doubles(scale)) / self.full)
        self.register_buffer("mask", real != 0)

    def hold(self, like: spec.Weights) -> None:
        """Take the width of a matrix."""
        self.bits, self.full = like.bits, 2.0 ** (like.bits - 1)

    def forward(self) -> Tensor:
        return round_to(self.relative.double() * self.full, self.bits) * self.mask


class Diagonal(nn.Module):
    """A diagonal that is seen as integers; parameter as in `Matrix`."""

    def __init__(self, real: Tensor, like: spec.Diagonal) -> None:
        super().__init__()
        self.hold(like)
        scale = doubles(np.ldexp(1.0, like.frac))
        self.relative = nn.Parameter(nearest(real * scale) / self.full)

    def hold(self, like: spec.Diagonal) -> None:
        """Take the width of a diagonal."""
        self.bits, self.full = like.bits, 2.0 ** (like.bits - 1)

    def forward(self) -> Tensor:
        return round_to(self.relative.double() * self.full, self.bits)


class Bias(nn.Module):
    """A bias that is seen as ``mantissa << exponent``.

    The parameter is in multiples of `unit`, powers of two in the unit of what the
    bias is added to, one per neuron or one for all. It stays within `limit`, in that
    unit, or within its first value where that is larger.
    """

    unit: Tensor
    limit: Tensor | None

    def __init__(
        self,
        real: Tensor,
        frac: ArrayLike,
        bits: int,
        unit: ArrayLike,
        limit: ArrayLike | None = None,
    ) -> None:
        super().__init__()
        self.bits = bits
        self.register_buffer("unit", doubles(np.asarray(unit)), persistent=False)
        scaled = real * doubles(np.ldexp(1.0, frac))
        step = torch.exp2(bias_parts(scaled, bits)[1])
        relative = nearest(scaled / step).double() * step / self.unit
        self.relative = nn.Parameter(relative.float())
        if limit is not None:
            first = (self.relative.detach().double() * self.unit).abs()
            limit = torch.maximum(doubles(np.asarray(limit)), first)
        self.register_buffer("limit", limit, persistent=False)

    def constants(self) -> dict[str, Tensor]:
        """What the parameter is relative to."""
        limit = {} if self.limit is None else {"limit": self.limit}
        return {"unit": self.unit, **limit}

    def _parts(self) -> tuple[Tensor, Tensor]:
        scaled = self.relative.double() * self.unit
        if self.limit is not None:
            scaled = within(scaled, self.limit)
        return bias_parts(scaled, self.bits)

    def forward(self) -> Tensor:
        mantissa, exponent = self._parts()
        return mantissa * torch.exp2(exponent)

    def describe(self) -> spec.Bias:
        mantissa, exponent = self._parts()
        return spec.Bias(ints(mantissa), ints(exponent), self.bits)


def typical(wire: spec.Wire) -> float:
    """Size of a payload that a bias is taken to compete with."""
    return _TYPICAL_PAYLOAD * wire.magnitude


def synaptic_unit(
    acc_frac: np.ndarray, wire: spec.Wire, *rows: spec.Weights
) -> np.ndarray:
    """Units of the biases of accumulators.

    A largest weight that meets a typical payload; 1.0 for neurons without weights,
    whose exponent says nothing of the size of what they hold.
    """
    filled = np.any([w.row_magnitude > 0 for w in rows], axis=0)
    largest = typical(wire) * 2.0 ** (rows[0].bits - 1)
    return np.where(filled, largest, np.ldexp(1.0, acc_frac))
