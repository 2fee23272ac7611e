# SPDX-License-Identifier: BSD-3-Clause
"""Counts of what did not fit, per tensor."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray


class OverflowCounters(Counter):
    """How often a value of each tensor saturated or wrapped.

    A mapping from the tensor's name to a count; a name that never overflowed
    counts 0.
    """

    def add(self, name: str, before: NDArray, after: NDArray) -> None:
        """Count the places where fitting ``before`` into its format changed it."""
        self[name] += int(np.count_nonzero(before != after))
