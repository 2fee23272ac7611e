# SPDX-License-Identifier: BSD-3-Clause
"""How a global sparsity is spread over the matrices of a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

Scores = Mapping[str, Tensor]
"""By name of the matrix: one score per connection, shape (rows, columns)."""


def uniform(scores: Scores, sparsity: float) -> dict[str, float]:
    """The same sparsity everywhere.

    Parameters
    ----------
    scores : mapping of name to Tensor
        Only their shapes count here.
    sparsity : float
        Fraction of zeros, in [0, 1].

    Returns
    -------
    dict
        Name to sparsity.
    """
    return dict.fromkeys(scores, sparsity)


def erdos_renyi(scores: Scores, sparsity: float) -> dict[str, float]:
    """Erdos-Renyi: density proportional to ``(rows + columns) / (rows * columns)``.

    Small matrices stay denser. Matrices whose density would exceed one are kept
    whole and the rest shares what remains (Mocanu et al. 2018; Evci et al., arXiv
    1911.11134, where it is called ERK for kernels).

    Parameters and returns as in `uniform`.
    """
    shapes = {name: score.shape for name, score in scores.items()}
    budget = (1 - sparsity) * sum(r * c for r, c in shapes.values())
    dense: set[str] = set()
    while True:
        rest = {name: shape for name, shape in shapes.items() if name not in dense}
        free = budget - sum(shapes[name][0] * shapes[name][1] for name in dense)
        # Nonzeros of a matrix are scale * (rows + columns).
        total = sum(r + c for r, c in rest.values())
        scale = max(free, 0.0) / total if total else 0.0
        full = {n for n, (r, c) in rest.items() if scale * (r + c) > r * c}
        if not full:
            break
        dense |= full
    result = dict.fromkeys(shapes, 0.0)
    result |= {n: 1 - scale * (r + c) / (r * c) for n, (r, c) in rest.items()}
    return result


def global_(scores: Scores, sparsity: float) -> dict[str, float]:
    """One threshold for all connections of the network, wherever they are.

    It supposes that scores of different matrices can be compared. A matrix of small
    scores may lose every connection.

    Parameters and returns as in `uniform`; here the scores themselves count.
    """
    everything = torch.cat([score.flatten().float() for score in scores.values()])
    sizes = [score.numel() for score in scores.values()]
    owner = torch.arange(len(sizes), device=everything.device)
    owner = owner.repeat_interleave(torch.tensor(sizes, device=everything.device))
    lost = round(sparsity * len(everything))
    lowest = everything.topk(lost, largest=False, sorted=False).indices
    zeros = owner[lowest].bincount(minlength=len(sizes)).tolist()
    return {n: z / s for n, z, s in zip(scores, zeros, sizes, strict=True)}


DISTRIBUTIONS: dict[str, Callable[[Scores, float], dict[str, float]]] = {
    "erk": erdos_renyi,
    "uniform": uniform,
    "global": global_,
}
"""Distributions by the name used in configurations."""
