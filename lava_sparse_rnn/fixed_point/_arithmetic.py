# SPDX-License-Identifier: BSD-3-Clause
"""Two ways to compute the same equations: in integers, and in real numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.fixed_point._counters import OverflowCounters
from lava_sparse_rnn.fixed_point._ops import (
    OVERFLOWS,
    ROUNDINGS,
    Shift,
    choose,
)


class Arithmetic(Protocol):
    """What an equation of a neuron group needs besides + and *."""

    dtype: type
    counters: OverflowCounters

    def shift(self, q: NDArray, s: ArrayLike | Shift) -> NDArray:
        """``q / 2**s``, rounded as the network rounds."""
        ...

    def shift_floor(self, q: NDArray, s: ArrayLike | Shift) -> NDArray:
        """``q / 2**s``, rounded down whatever the network's rounding."""
        ...

    def fit(self, q: NDArray, bits: int) -> NDArray:
        """``q`` brought into ``bits`` bits, not counted."""
        ...

    def count(self, name: str, before: NDArray, after: NDArray) -> None:
        """Count the places where fitting changed a value of tensor ``name``."""
        ...


@dataclass
class IntegerArithmetic:
    """The integer contract: shifts round, registers have a width.

    Parameters
    ----------
    rounding : {"floor", "nearest"}
    overflow : {"saturate", "wrap"}
    counters : OverflowCounters
        Counts per tensor; grows as values do not fit.
    """

    rounding: str = "floor"
    overflow: str = "saturate"
    counters: OverflowCounters = field(default_factory=OverflowCounters)
    dtype = np.int64

    def __post_init__(self) -> None:
        self._round = choose("rounding", self.rounding, ROUNDINGS)
        self._fit = choose("overflow", self.overflow, OVERFLOWS)

    def shift(self, q: NDArray, s: ArrayLike | Shift) -> NDArray:
        # This and `fit` run a hundred times per token: no call more than needed.
        s = Shift.of(s)
        return self._round(q if s.left is None else q << s.left, s)

    def shift_floor(self, q: NDArray, s: ArrayLike | Shift) -> NDArray:
        s = Shift.of(s)
        return (q if s.left is None else q << s.left) >> s.right

    def fit(self, q: NDArray, bits: int) -> NDArray:
        return self._fit(q, bits)

    def count(self, name: str, before: NDArray, after: NDArray) -> None:
        self.counters.add(name, before, after)


@dataclass
class RealArithmetic:
    """The same equations in the same units: division, no rounding, no saturation."""

    counters: OverflowCounters = field(default_factory=OverflowCounters)
    dtype = np.float64

    def shift(self, q: NDArray, s: ArrayLike | Shift) -> NDArray:
        return q * Shift.of(s).scale

    shift_floor = shift

    def fit(self, q: NDArray, bits: int) -> NDArray:
        return q

    def count(self, name: str, before: NDArray, after: NDArray) -> None:
        pass
