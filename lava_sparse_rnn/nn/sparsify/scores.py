# SPDX-License-Identifier: BSD-3-Clause
"""What a connection is worth: the largest scores survive.

Scores are given to what is deployed (``B_bar``, not B), because masks are masks of
that; see the modules' ``deployed()``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor


class Prunable(Protocol):
    """A model whose matrices have masks."""

    def prunable(self) -> Iterator[tuple[str, Any, str]]:
        """Full name of a matrix, the module that owns it, short name."""
        ...


class Score(Protocol):
    """A score of all prunable matrices of a model."""

    def prepare(self, model: Prunable) -> None:
        """Called once, before a checkpoint is loaded."""
        ...

    def observe(self, model: Prunable) -> None:
        """Called in every step, when gradients are there and weights still old."""
        ...

    def __call__(self, model: Prunable) -> dict[str, Tensor]:
        """Full name of each matrix to its scores, shape (rows, columns)."""
        ...


class _Immediate:
    """A score that the weights of the moment decide."""

    def prepare(self, model: Prunable) -> None:
        pass

    def observe(self, model: Prunable) -> None:
        pass


@dataclass(frozen=True)
class Saliency(_Immediate):
    """Magnitude of what is deployed times the gain of what it feeds.

    See ``saliency()`` of the modules.
    """

    def __call__(self, model: Prunable) -> dict[str, Tensor]:
        owners = {id(owner): owner for _, owner, _ in model.prunable()}
        found = {key: owner.saliency() for key, owner in owners.items()}
        return {full: found[id(o)][name] for full, o, name in model.prunable()}


@dataclass(frozen=True)
class Magnitude(_Immediate):
    """Plain magnitude of what is deployed, whatever it feeds."""

    def __call__(self, model: Prunable) -> dict[str, Tensor]:
        return {full: w.abs() for full, (w, _) in _deployed(model).items()}


@dataclass(frozen=True)
class Movement:
    """How far the training has moved weights away from zero (Sanh et al. 2020).

    ``S = - sum over steps of (dL/dw) w`` (arXiv 2005.07683, eq. 4): weights that grow
    score high, whatever their size. The sums are buffers ``<matrix>_movement`` of the
    modules, so that checkpoints hold them. Gradients of pruned weights are zero
    unless the model is straight-through: then they can come back.
    """

    def prepare(self, model: Prunable) -> None:
        for _, owner, name in model.prunable():
            if not hasattr(owner, f"{name}_movement"):
                weight: Tensor = getattr(owner, name)
                zeros = torch.zeros_like(weight, requires_grad=False)
                owner.register_buffer(f"{name}_movement", zeros)

    @torch.no_grad()
    def observe(self, model: Prunable) -> None:
        self.prepare(model)
        found = _deployed(model)
        for full, owner, name in model.prunable():
            weight, gradient = found[full]
            sums: Tensor = getattr(owner, f"{name}_movement")
            sums.addcmul_(weight, gradient, value=-1.0)

    def __call__(self, model: Prunable) -> dict[str, Tensor]:
        self.prepare(model)
        return {
            full: getattr(owner, f"{name}_movement")
            for full, owner, name in model.prunable()
        }


def _deployed(model: Prunable) -> dict[str, tuple[Tensor, Tensor]]:
    owners = {id(owner): owner for _, owner, _ in model.prunable()}
    found = {key: owner.deployed() for key, owner in owners.items()}
    return {full: found[id(o)][name] for full, o, name in model.prunable()}


SCORES: dict[str, Score] = {
    "saliency": Saliency(),
    "magnitude": Magnitude(),
    "movement": Movement(),
}
"""Scores by the name used in configurations."""
