# SPDX-License-Identifier: BSD-3-Clause
"""How sparsity grows over the steps of a training."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class _Window:
    target: float
    start: int
    end: int
    every: int = 100

    def __post_init__(self) -> None:
        if not 0 <= self.target < 1:
            raise ValueError(f"target sparsity is {self.target}; it must lie in [0, 1)")
        if self.every < 1:
            raise ValueError(f"every is {self.every} steps; it must be at least 1")
        if not 0 <= self.start <= self.end:
            raise ValueError(
                f"pruning runs from step {self.start} to {self.end}; "
                "0 <= start <= end is needed"
            )

    def is_final(self, step: int) -> bool:
        """Whether the masks after step `step` stay for good."""
        return step >= self.end

    def is_update(self, step: int) -> bool:
        """Whether the masks are computed anew at `step`; never after `end`."""
        if not self.start <= step <= self.end:
            return False
        return step == self.end or (step - self.start) % self.every == 0


@dataclass(frozen=True)
class Cubic(_Window):
    """Cubic growth from zero to the target, then constant.

    ``s(t) = target * (1 - (1 - (t - start) / (end - start))**3)`` between `start`
    and `end`: fast while the weights are redundant, slow near the target
    (Zhu and Gupta, arXiv 1710.01878).

    Parameters
    ----------
    target : float
        Final sparsity, in [0, 1).
    start, end : int
        First step with a mask, and the step from which the mask is final.
    every : int
        Steps between two mask updates.
    """

    def sparsity(self, step: int) -> float:
        """Sparsity after the update at `step`."""
        if step < self.start:
            return 0.0
        if step >= self.end:
            return self.target
        progress = (step - self.start) / (self.end - self.start)
        return self.target * (1 - (1 - progress) ** 3)


@dataclass(frozen=True)
class Constant(_Window):
    """The target from the step `start` on; the mask may still move until `end`.

    Parameters as in `Cubic`.
    """

    def sparsity(self, step: int) -> float:
        """Sparsity after the update at `step`."""
        return self.target if step >= self.start else 0.0


@dataclass(frozen=True)
class OneShot(_Window):
    """Dense until the step `end`; there the whole target at once, and for good.

    Parameters as in `Cubic`; `start` and `every` do not matter.
    """

    def sparsity(self, step: int) -> float:
        """Sparsity after the update at `step`."""
        return self.target if step >= self.end else 0.0

    def is_update(self, step: int) -> bool:
        """Whether `step` is the one."""
        return step == self.end


SCHEDULES = {"cubic": Cubic, "constant": Constant, "one_shot": OneShot}
"""Schedules by the name used in configurations."""
