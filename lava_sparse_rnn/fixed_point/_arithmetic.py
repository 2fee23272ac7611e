# SPDX-License-Identifier: BSD-3-Clause
"""Two ways to compute the same equations: in integers, and in real numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.fixed_point._counters import OverflowCounters
from lava_sparse_rnn.fixed_point._ops import OVERFLOWS, ROUNDINGS, choose, shift


class Arithmetic(Protocol):
    """What an equation of a neuron group needs besides + and *."""

    dtype: type

    def shift(self, q: NDArray, s: ArrayLike) -> NDArray:
        """``q / 2**s``, rounded as the network rounds."""
        ...

    def shift_floor(self, q: NDArray, s: ArrayLike) -> NDArray:
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
        choose("rounding", self.rounding, ROUNDINGS)
        self._fit = choose("overflow", self.overflow, OVERFLOWS)

    def shift(self, q: NDArray, s: ArrayLike) -> NDArray:
        return shift(q, s, self.rounding)

    def shift_floor(self, q: NDArray, s: ArrayLike) -> NDArray:
        return shift(q, s, "floor")

    def fit(self, q: NDArray, bits: int) -> NDArray:
        return self._fit(q, bits)

    def count(self, name: str, before: NDArray, after: NDArray) -> None:
        self.counters.add(name, before, after)


@dataclass
class RealArithmetic:
    """The same equations in the same units: division, no rounding, no saturation."""

    counters: OverflowCounters = field(default_factory=OverflowCounters)
    dtype = np.float64

    def shift(self, q: NDArray, s: ArrayLike) -> NDArray:
        return np.ldexp(np.asarray(q, dtype=np.float64), -np.asarray(s))

    shift_floor = shift

    def fit(self, q: NDArray, bits: int) -> NDArray:
        return q

    def count(self, name: str, before: NDArray, after: NDArray) -> None:
        pass
