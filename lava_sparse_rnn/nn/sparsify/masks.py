# SPDX-License-Identifier: BSD-3-Clause
"""Masks of a model, recomputed along a schedule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from lava_sparse_rnn.fixed_point import brief, check_number, check_whole, choose
from lava_sparse_rnn.nn._inputs import hint_of_wrapper
from lava_sparse_rnn.nn.sparsify.distributions import DISTRIBUTIONS
from lava_sparse_rnn.nn.sparsify.patterns import PATTERNS
from lava_sparse_rnn.nn.sparsify.scores import SCORES, Prunable


class Schedule(Protocol):
    """What `Pruner` needs of a schedule, see `schedules`."""

    def sparsity(self, step: int) -> float: ...

    def is_update(self, step: int) -> bool: ...

    def is_final(self, step: int) -> bool: ...


@dataclass(frozen=True)
class Pruner:
    """Updates the masks of a model in place.

    Masks are buffers of the model: its ``state_dict`` holds them.

    Parameters
    ----------
    schedule : Schedule
        See `schedules`.
    distribution : str
        Name in `distributions.DISTRIBUTIONS`.
    score : str
        Name in `scores.SCORES`. 'movement' needs `observe` in every step, and
        `prepare` before a checkpoint is loaded.
    pattern : str
        Name in `patterns.PATTERNS`.
    block : int
        M of the pattern 'n_of_m'.

    Raises
    ------
    ValueError
        If a name is unknown or `block` not positive.
    """

    schedule: Schedule
    distribution: str = "erk"
    score: str = "saliency"
    pattern: str = "unstructured"
    block: int = 16

    def __post_init__(self) -> None:
        choose("distribution", self.distribution, DISTRIBUTIONS)
        choose("score", self.score, SCORES)
        choose("pattern", self.pattern, PATTERNS)
        check_whole("block", self.block, 1)

    def prepare(self, model: Prunable) -> None:
        """Give the model what the score has to remember, if anything.

        Raises
        ------
        ValueError
            If the pattern does not fit a matrix of the model.
        """
        SCORES[self.score].prepare(model)
        for full, owner, name in model.prunable():
            one_row = torch.zeros(1, _mask(owner, name).shape[1])
            try:
                PATTERNS[self.pattern](one_row, 1, self.block)
            except ValueError as error:
                raise ValueError(f"{full}: {error}") from None

    def observe(self, model: Prunable) -> None:
        """Take note of the gradients; before the optimiser's step."""
        SCORES[self.score].observe(model)

    def update(self, model: Prunable, step: int) -> bool:
        """Recompute all masks if `step` is an update step; tells whether it was."""
        if not self.schedule.is_update(step):
            return False
        prune(
            model,
            self.schedule.sparsity(step),
            self.distribution,
            score=self.score,
            pattern=self.pattern,
            block=self.block,
        )
        return True


@torch.no_grad()
def prune(
    model: Prunable,
    sparsity: float,
    distribution: str = "erk",
    *,
    score: str = "saliency",
    pattern: str = "unstructured",
    block: int = 16,
) -> None:
    """Set every mask of `model` to the connections that score most.

    Parameters
    ----------
    model : Prunable
        A module with ``prunable()`` and, on the owners it names, ``saliency()`` and
        ``deployed()``.
    sparsity : float
        Fraction of zeros over all matrices together.
    distribution, score, pattern : str
    block : int
        As in `Pruner`.
    """
    check_number("sparsity", sparsity, least=0, most=1)
    _check_prunable(model)
    keep = choose("pattern", pattern, PATTERNS)
    scores = choose("score", score, SCORES)(model)
    targets = choose("distribution", distribution, DISTRIBUTIONS)(scores, sparsity)
    for full, owner, name in model.prunable():
        mask = _mask(owner, name)
        count = mask.numel() - round(targets[full] * mask.numel())
        try:
            mask.copy_(keep(scores[full], count, block))
        except ValueError as error:
            raise ValueError(f"{full}: {error}") from None


def sparsity(model: Prunable) -> dict[str, float]:
    """Fraction of zeros of every mask, and of all together under ``'total'``."""
    _check_prunable(model)
    zeros, sizes = {}, {}
    for full, owner, name in model.prunable():
        mask = _mask(owner, name)
        sizes[full] = mask.numel()
        zeros[full] = mask.numel() - int(mask.sum())
    result = {name: zeros[name] / sizes[name] for name in sizes}
    result["total"] = sum(zeros.values()) / max(sum(sizes.values()), 1)
    return result


def _check_prunable(model: object) -> None:
    """Refuse what has no masks, in words."""
    if not callable(getattr(model, "prunable", None)):
        raise ValueError(
            f"model is {brief(model)}; expected one with prunable(), such as "
            f"nn.SparseRNN{hint_of_wrapper(model)}"
        )


def _mask(owner: Any, name: str) -> Tensor:
    return getattr(owner, f"{name}_mask")
