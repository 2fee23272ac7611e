# SPDX-License-Identifier: BSD-3-Clause
"""The sigmoid as a minimum of straight lines.

On ``m >= 0`` the sigmoid is concave, so a minimum of lines can follow it, and a
neuron program needs only absolute value, multiply-shift, add and min. The other
half follows from ``sigmoid(-m) = 1 - sigmoid(m)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.fixed_point._arithmetic import Arithmetic, IntegerArithmetic
from lava_sparse_rnn.fixed_point._errors import SpecError
from lava_sparse_rnn.fixed_point._format import Immutable, frozen_ints
from lava_sparse_rnn.fixed_point._ops import MAX_SHIFT, Shift

SIGMOID_FRAC = 15
"""Fractional bits of a sigmoid's value."""
SIGMOID_ONE = 1 << SIGMOID_FRAC
"""1.0 as a sigmoid's value: allowed inside a neuron, never on a wire."""
SLOPE_BITS = 16


@dataclass(frozen=True, eq=False)
class SigmoidLines(Immutable):
    """Lines ``p_i(m) = shift(slope_i * m, shift_i + f) + offset_i``, floored.

    ``m`` is the magnitude of a gate argument with ``f`` fractional bits, ``p_i`` has
    15: a line's real slope is ``slope_i / 2**(shift_i + 15)``.

    Parameters
    ----------
    slope : array of int, shape (n,)
        0 to 65535.
    shift : array of int, shape (n,)
    offset : array of int, shape (n,)
        0 to 32768.
    """

    slope: NDArray[np.int64]
    shift: NDArray[np.int64]
    offset: NDArray[np.int64]

    def _about(self) -> str:
        return f"{len(self.slope)} lines"

    def __post_init__(self) -> None:
        for name in ("slope", "shift", "offset"):
            value = frozen_ints(getattr(self, name), f"SigmoidLines: {name}")
            object.__setattr__(self, name, value)
        if not self.slope.shape == self.shift.shape == self.offset.shape:
            raise SpecError("SigmoidLines: slope, shift, offset differ in length")
        if self.slope.ndim != 1 or self.slope.size == 0:
            raise SpecError("SigmoidLines: needs at least one line")
        for name, limit in (("slope", (1 << SLOPE_BITS) - 1), ("offset", SIGMOID_ONE)):
            value = getattr(self, name)
            if value.min() < 0 or value.max() > limit:
                bad = int(value[(value < 0) | (value > limit)][0])
                raise SpecError(f"SigmoidLines: {name} {bad} is not in 0..{limit}")

    def __len__(self) -> int:
        return len(self.slope)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SigmoidLines):
            return NotImplemented
        return all(
            np.array_equal(getattr(self, n), getattr(other, n))
            for n in ("slope", "shift", "offset")
        )

    def shifts_for(self, frac: ArrayLike) -> NDArray[np.int64]:
        """The shift of every line for arguments of ``frac``: shape (lines, n).

        Raises
        ------
        SpecError
            When a shift leaves 0..31.
        """
        shifts = self.shift[:, None] + np.atleast_1d(np.asarray(frac, dtype=np.int64))
        if shifts.min() < 0 or shifts.max() > MAX_SHIFT:
            bad = int(shifts.min() if shifts.min() < 0 else shifts.max())
            raise SpecError(
                f"SigmoidLines: a line's shift plus the argument's frac is {bad}, "
                f"must be 0 to {MAX_SHIFT}"
            )
        return shifts

    def evaluate(
        self,
        g: NDArray,
        shifts: NDArray[np.int64] | Sequence[Shift],
        arithmetic: Arithmetic,
    ) -> NDArray:
        """``sigmoid(g)`` with 15 fractional bits, 0 to 32768.

        Parameters
        ----------
        g : array, shape (..., n)
        shifts : array of int, shape (lines, n), or one Shift per line
            From `shifts_for`.
        """
        m = np.abs(g)
        p: NDArray | int = SIGMOID_ONE
        for slope, s, offset in zip(self.slope, shifts, self.offset, strict=True):
            p = np.minimum(p, arithmetic.shift_floor(slope * m, s) + offset)
        return np.where(g >= 0, p, SIGMOID_ONE - p)

    def max_error(self, frac: int = 12, bits: int = 16) -> float:
        """The largest distance to the true sigmoid over every argument of a format."""
        g = np.arange(-(1 << (bits - 1)), 1 << (bits - 1))
        p = self.evaluate(g, self.shifts_for(frac), IntegerArithmetic())
        return float(np.abs(p / SIGMOID_ONE - _sigmoid(g / 2.0**frac)).max())


def lines_from_real(slope: ArrayLike, offset: ArrayLike) -> SigmoidLines:
    """Lines of real slopes (per unit of the argument) and offsets, as integers.

    Slopes keep 10 to 11 significant bits, so that for arguments of up to 16
    fractional bits the products shift by at most 31.
    """
    slope = np.asarray(slope, dtype=np.float64) * SIGMOID_ONE
    _, exponent = np.frexp(np.where(slope > 0, slope, 1.0))
    s = np.minimum(np.maximum(11 - exponent, -4), 15)
    mantissa = np.rint(np.ldexp(slope, s)).astype(np.int64)
    return SigmoidLines(mantissa, s, np.rint(np.asarray(offset) * SIGMOID_ONE))


def lines_from_points(x: ArrayLike, y: ArrayLike) -> SigmoidLines:
    """The lines that join the points of a table (a concave, rising one).

    Parameters
    ----------
    x, y : array of float, shape (n,)
        Arguments from 0 upwards and the sigmoid's values there.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    slope = np.diff(y) / np.diff(x)
    if (np.diff(slope) > 0).any() or (slope < 0).any():
        raise SpecError("lines_from_points: the table must rise and bend downwards")
    return lines_from_real(slope, y[:-1] - slope * x[:-1])


@lru_cache
def fit_lines(error: float = 0.005) -> SigmoidLines:
    """The fewest lines, with 1.0 as a lid, whose error stays below ``error``.

    Walking up from (0, 1/2), which keeps the function continuous at 0, each line
    touches ``sigmoid - error`` from above and ends where it meets
    ``sigmoid + error``; for a given error no line can reach farther. The error is
    then made as small as that number of lines allows.
    """
    n = len(_walk(error))
    low, high = 0.0, error
    for _ in range(40):
        middle = (low + high) / 2
        if middle > 1e-5 and len(_walk(middle)) <= n:
            high = middle
        else:
            low = middle
    slope, offset = zip(*_walk(high), strict=True)
    return lines_from_real(slope, offset)


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1.0 / (1.0 + np.exp(-x))


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Where ``function`` changes its sign between ``low`` and ``high``."""
    below = function(low) < 0
    for _ in range(60):
        middle = (low + high) / 2
        if (function(middle) < 0) == below:
            low = middle
        else:
            high = middle
    return low


def _walk(error: float) -> list[tuple[float, float]]:
    """Lines (slope, offset) of the walk that `fit_lines` describes."""
    x, y, lines = 0.0, 0.5, []
    x_lid = math.log((1.0 - error) / error)  # from here on the lid, 1.0, is near enough
    while y < 1.0 - error:

        def miss(t: float, x: float = x, y: float = y) -> float:
            # Height over (x, y) of the tangent at t to sigmoid - error.
            p = 1.0 / (1.0 + math.exp(-t))
            return p - error - p * (1 - p) * (t - x) - y

        t = _root(miss, x, x + 40.0)
        p = 1.0 / (1.0 + math.exp(-t))
        slope = p * (1 - p)
        offset = y - slope * x
        lines.append((slope, offset))
        if slope * x_lid + offset <= 1.0:
            return lines

        def above(v: float, slope: float = slope, offset: float = offset) -> float:
            return slope * v + offset - 1.0 / (1.0 + math.exp(-v)) - error

        x = _root(above, t, x_lid)
        y = slope * x + offset
    # No tangent is left below the lid: end on the lid where it becomes good enough.
    slope = (1.0 - y) / (x_lid - x)
    return [*lines, (slope, y - slope * x)]


# Amin, Curtis and Hayes-Gill, "Piecewise linear approximation applied to nonlinear
# function of a neural network", IEE Proc. Circuits Devices Syst. 144 (1997).
PLAN = lines_from_real([0.25, 0.125, 0.03125], [0.5, 0.625, 0.84375])
"""The sigmoid of Amin et al. 1997, slopes that are powers of two."""
