# SPDX-License-Identifier: BSD-3-Clause
"""What is counted in Vars: overflow, and instructions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lava_sparse_rnn.fixed_point import OverflowCounters

# What the names of these Vars begin with, before the tensor or the group.
OVERFLOW, INSTRUCTIONS = "overflow_", "instructions_"


class OverflowTally:
    """Counts overflows of tokens only.

    Parameters
    ----------
    arithmetic : Arithmetic or Interpreter
        What counts.
    """

    def __init__(self, arithmetic: Any) -> None:
        self.arithmetic = arithmetic
        self.total, self._dropped = OverflowCounters(), OverflowCounters()

    def begin(self, token: int | None) -> None:
        """Count what comes next as a token's; None is no token."""
        self.arithmetic.counters = self._dropped if token is None else self.total

    def show(self, model: Any, tensors: Iterable[str]) -> None:
        """Fill in a model's Vars."""
        for tensor in tensors:
            getattr(model, OVERFLOW + tensor)[0] = self.total[tensor]
