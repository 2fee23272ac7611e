# SPDX-License-Identifier: BSD-3-Clause
"""Masks of a model, recomputed by saliency along a schedule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from .distributions import DISTRIBUTIONS


class Schedule(Protocol):
    """What `Pruner` needs of a schedule, see `schedules`."""

    def sparsity(self, step: int) -> float: ...

    def is_update(self, step: int) -> bool: ...


@dataclass(frozen=True)
class Pruner:
    """Updates the masks of a model in place.

    Parameters
    ----------
    schedule : Schedule
        See `schedules`.
    distribution : str
        Name in `distributions.DISTRIBUTIONS`.
    """

    schedule: Schedule
    distribution: str = "erk"

    def __post_init__(self) -> None:
        if self.distribution not in DISTRIBUTIONS:
            raise ValueError(
                f"unknown distribution {self.distribution!r}; known: "
                f"{', '.join(DISTRIBUTIONS)}"
            )

    def update(self, model: nn.Module, step: int) -> bool:
        """Recompute all masks if `step` is an update step; tells whether it was."""
        if not self.schedule.is_update(step):
            return False
        prune(model, self.schedule.sparsity(step), self.distribution)
        return True


@torch.no_grad()
def prune(model: nn.Module, sparsity: float, distribution: str = "erk") -> None:
    """Set every mask of `model` to the most salient connections.

    Parameters
    ----------
    model : nn.Module
        With ``prunable()`` and, on the owners it names, ``saliency()``.
    sparsity : float
        Fraction of zeros over all matrices together.
    distribution : str
        Name in `distributions.DISTRIBUTIONS`.
    """
    entries = list(model.prunable())
    shapes = {}
    for full, owner, name in entries:
        rows, columns = _mask(owner, name).shape
        shapes[full] = (rows, columns)
    targets = DISTRIBUTIONS[distribution](shapes, sparsity)
    scores = {id(owner): owner.saliency() for _, owner, _ in entries}
    for full, owner, name in entries:
        mask = _mask(owner, name)
        zeros = round(targets[full] * mask.numel())
        mask.copy_(largest(scores[id(owner)][name], mask.numel() - zeros))


def largest(score: Tensor, count: int) -> Tensor:
    """Mask of exactly `count` largest entries; among equals, any.

    Parameters
    ----------
    score : Tensor
    count : int

    Returns
    -------
    Tensor of bool, the shape of `score`
    """
    mask = torch.zeros(score.numel(), dtype=torch.bool)
    mask[score.flatten().topk(count, sorted=False).indices] = True
    return mask.view(score.shape)


def sparsity(model: nn.Module) -> dict[str, float]:
    """Fraction of zeros of every mask, and of all together under ``'total'``."""
    zeros, sizes = {}, {}
    for full, owner, name in model.prunable():
        mask = _mask(owner, name)
        sizes[full] = mask.numel()
        zeros[full] = mask.numel() - int(mask.sum())
    result = {name: zeros[name] / sizes[name] for name in sizes}
    result["total"] = sum(zeros.values()) / max(sum(sizes.values()), 1)
    return result


def _mask(owner: nn.Module, name: str) -> Tensor:
    return getattr(owner, f"{name}_mask")
