# SPDX-License-Identifier: BSD-3-Clause
"""The best validation of a stage, and when to stop waiting for a better one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass
class Best:
    """What validations have shown so far; its fields are kept in checkpoints.

    Parameters
    ----------
    score : float or None
        Mean of the figures of the best validation, dB; None before the first.
    step : int or None
        Where that was.
    waited : int
        Validations since then.
    """

    score: float | None = None
    step: int | None = None
    waited: int = 0

    def see(self, figures: Mapping[str, float], step: int) -> bool:
        """Take note of a validation; tells whether it is the best so far."""
        score = sum(figures.values()) / len(figures)
        before = -math.inf if self.score is None else self.score
        new = self.step is None or math.isnan(before) or score > before
        if new and not math.isnan(score):
            self.score, self.step, self.waited = score, step, 0
            return True
        self.waited += 1
        return False

    def is_over(self, patience: int | None) -> bool:
        """Whether that many validations in a row have brought nothing."""
        return patience is not None and self.waited >= patience
