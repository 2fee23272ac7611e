# SPDX-License-Identifier: BSD-3-Clause
"""Losses of classes and of real targets, and what tells how good an answer is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import cross_entropy

from lava_sparse_rnn.tasks._sequences import IGNORED


@dataclass(frozen=True)
class Loss:
    """What is made smaller, and the figure that says how good a network is."""

    value: Callable[[Tensor, Tensor], Tensor]
    figure: str
    score: Callable[[Tensor, Tensor], Tensor]
    metric: str


def _accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    known = labels != IGNORED
    return 100 * (logits.argmax(-1) == labels)[known].double().mean()


def _explained(answers: Tensor, targets: Tensor) -> Tensor:
    """Squares of errors beside those of the distance from each column's mean.

    Over all columns together, so that one that varies more weighs more. Where no column
    varies nothing can be explained: 100 for exact answers, 0 for others.
    """
    known = targets.isfinite().all(-1)
    targets, answers = targets[known].double(), answers[known].double()
    apart = targets - targets[0]  # exactly 0 in a constant column, whatever it holds
    variance = (apart - apart.mean(0)).square().sum()
    errors = (answers - targets).square().sum()
    if variance == 0:
        return 100 * (errors == 0).double()
    return 100 * (1 - errors / variance)


def _mse(answers: Tensor, targets: Tensor) -> Tensor:
    known = targets.isfinite()
    return (answers[known] - targets[known]).square().mean()


def _cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    return cross_entropy(logits.flatten(0, -2), labels.flatten(), ignore_index=IGNORED)


LOSSES = {
    "cross_entropy": Loss(
        _cross_entropy,
        "accuracy",
        _accuracy,
        "accuracy in % on a few sequences kept apart",
    ),
    "mse": Loss(
        _mse,
        "explained",
        _explained,
        "share of the variance that is explained, in %, on a few sequences kept apart",
    ),
}
"""Losses by name."""
