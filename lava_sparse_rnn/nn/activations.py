# SPDX-License-Identifier: BSD-3-Clause
"""Nonlinearities of the real-valued features, and activations kept by size."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


def _gelu(x: Tensor) -> Tensor:
    return functional.gelu(x, approximate="tanh")


def _identity(x: Tensor) -> Tensor:
    return x


@dataclass(frozen=True)
class Activation:
    """Where a network bends.

    Parameters
    ----------
    inner : callable
        Of the state-space output, before the gate.
    wire : callable
        Of the encoder's output and of the sum with the residual: of everything
        else that one layer sends to the next.
    """

    inner: Callable[[Tensor], Tensor]
    wire: Callable[[Tensor], Tensor]


ACTIVATIONS: dict[str, Activation] = {
    "relu": Activation(torch.relu, torch.relu),
    "gelu": Activation(_gelu, _identity),
}
"""Activations by name.

``'gelu'`` is S5 as published (Smith et al., arXiv 2208.04933; the tanh form of GELU,
as in its code): GELU after the state space, a linear residual stream, a linear
encoder. ``'relu'`` puts a ReLU on every wire, which is what makes activations sparse
and what the integer contract computes (Pierro et al., arXiv 2502.01330).
"""


@dataclass(frozen=True)
class TopK:
    """Keeps the largest magnitudes of every token, approximately, zeroes the rest.

    The features are dealt into ``L`` bins, of each of which only the largest can be
    kept: one pass of maxima and a small sort instead of a sort of everything. With
    ``L >= (k - 1) / (1 - recall)`` bins the expected share of the true `k` largest
    that are kept is at least `recall`, as ``((L - 1) / L)**(k - 1)`` is. Source:
    Chern et al. (arXiv 2206.14286), the algorithm of ``jax.lax.approx_max_k``.

    Parameters
    ----------
    density : float
        Share of the features that is kept, in (0, 1]; at least one is.
    recall : float
        In (0, 1]; 1 keeps exactly the largest.
    """

    density: float
    recall: float = 0.95

    def __post_init__(self) -> None:
        for name in ("density", "recall"):
            value = getattr(self, name)
            if not 0 < value <= 1:
                raise ValueError(f"top-k {name} is {value}; it must lie in (0, 1]")

    def sizes(self, features: int) -> tuple[int, int]:
        """Number kept, and number of bins, of so many features."""
        keep = max(math.ceil(self.density * features), 1)
        if self.recall == 1:
            return keep, features
        bins = math.ceil((keep - 1) / (1 - self.recall))
        return keep, min(max(bins, keep), features)

    def __call__(self, x: Tensor) -> Tensor:
        """`x` (..., n) with zeros; gradients pass where values do."""
        n = x.shape[-1]
        keep, bins = self.sizes(n)
        magnitude = x.detach().abs()
        per_bin = -(-n // bins)
        if extra := per_bin * bins - n:
            magnitude = functional.pad(magnitude, (0, extra), value=-1.0)
        # Neighbours, which often are alike, come into different bins.
        best, row = magnitude.unflatten(-1, (per_bin, bins)).max(-2)
        column = best.topk(keep, dim=-1, sorted=False).indices
        index = row.gather(-1, column) * bins + column
        mask = torch.zeros_like(magnitude, dtype=torch.bool).scatter_(-1, index, True)
        return x * mask[..., :n]
