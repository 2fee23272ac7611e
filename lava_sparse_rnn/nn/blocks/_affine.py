# SPDX-License-Identifier: BSD-3-Clause
"""A fully connected layer without state."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from lava_sparse_rnn.fixed_point import check_whole
from lava_sparse_rnn.nn._linear import apply_mask, linear
from lava_sparse_rnn.nn.blocks._base import Block
from lava_sparse_rnn.nn.folded import FoldedAffine


class _RealAffine(nn.Module):
    """``relu(W u + bias)`` on the last axis, with a mask on W."""

    matrices = ("weight",)

    def __init__(self, d_in: int, d_out: int, relu: bool, rng: np.random.Generator):
        super().__init__()
        bound = 1 / np.sqrt(d_in)
        weight = torch.from_numpy(rng.uniform(-bound, bound, (d_out, d_in)))
        self.weight = nn.Parameter(weight.float())
        self.bias = nn.Parameter(torch.zeros(d_out))
        self.register_buffer("weight_mask", torch.ones(d_out, d_in, dtype=torch.bool))
        self.relu = relu

    def masked(self) -> Tensor:
        return apply_mask(self.weight, cast(Tensor, self.weight_mask), False)

    @torch.no_grad()
    def saliency(self) -> dict[str, Tensor]:
        """Scores for `sparsify`: magnitudes."""
        return {"weight": self.weight.abs()}

    @torch.no_grad()
    def deployed(self) -> dict[str, tuple[Tensor, Tensor]]:
        """The matrix, not masked, and its gradient (zeros where there is none)."""
        grad = self.weight.grad
        zeros = torch.zeros_like(self.weight)
        return {"weight": (self.weight.detach(), zeros if grad is None else grad)}

    def forward(self, u: Tensor) -> Tensor:
        out = linear(u, self.masked()) + self.bias
        return out.relu() if self.relu else out


class Affine(Block):
    """``out = relu(W x + bias)``; encoder, decoder, or any layer without state.

    Parameters
    ----------
    in_neurons, out_neurons : int
    relu : bool
    seed : int
        Of the initial weights.
    **kwargs
        See `Block`.
    """

    def __init__(
        self,
        in_neurons: int,
        out_neurons: int,
        *,
        relu: bool = True,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(in_neurons, out_neurons, **kwargs)
        rng = np.random.default_rng(check_whole("seed", seed))
        self.real = _RealAffine(in_neurons, out_neurons, relu, rng)

    def fold(self) -> FoldedAffine:
        """The layer in float64, its mask applied."""
        real = cast(_RealAffine, self.real)
        weights, bias = real.masked().detach().double(), real.bias.detach().double()
        return FoldedAffine(weights, bias, real.relu)
