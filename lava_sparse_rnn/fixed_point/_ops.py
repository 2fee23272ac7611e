# SPDX-License-Identifier: BSD-3-Clause
"""The primitive operations on integers: shift, saturate, wrap.

All of them take and return int64, in which no value that a valid network
description can produce overflows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.fixed_point._brief import span
from lava_sparse_rnn.fixed_point._errors import choose

IntArray = NDArray[np.int64]

MAX_SHIFT = 31
"""An accumulator has 32 bits: shifted farther than 31, nothing of it is left."""


class Shift:
    """Shift amounts prepared once, for loops that shift by the same at every token.

    Parameters
    ----------
    s : int or array of int, shape (n,)
        Positive to the right, negative to the left; from -31 to 31 in a network
        description, up to 62 here.

    Attributes
    ----------
    right, half : array of int64
        How far to the right, and half of the last place after it (0 where nothing
        is shifted out).
    left : array of int64 or None
        How far to the left; None where no element goes left.
    scale : array of float64
        ``2**-s``, the same in real numbers.
    """

    __slots__ = ("half", "left", "right", "scale")

    def __init__(self, s: ArrayLike) -> None:
        s = np.asarray(s, dtype=np.int64)
        self.right = np.maximum(s, 0)
        self.half = (np.int64(1) << self.right) >> 1
        self.left = np.maximum(-s, 0) if (s < 0).any() else None
        self.scale = np.ldexp(1.0, -s)

    def __repr__(self) -> str:
        left = 0 if self.left is None else self.left
        return f"fixed_point.Shift({span(np.asarray(self.right - left))})"

    @classmethod
    def of(cls, s: ArrayLike | Shift) -> Shift:
        """``s`` itself where it is prepared already."""
        return s if isinstance(s, cls) else cls(s)  # type: ignore[arg-type]


def _floor(q: IntArray, s: Shift) -> IntArray:
    return q >> s.right


def _nearest(q: IntArray, s: Shift) -> IntArray:
    return (q + s.half) >> s.right


ROUNDINGS: dict[str, Callable[[IntArray, Shift], IntArray]] = {
    "floor": _floor,
    "nearest": _nearest,
}
"""How a shift to the right rounds, by name."""


def shift(q: ArrayLike, s: ArrayLike | Shift, rounding: str = "floor") -> IntArray:
    """Shift right by ``s`` where ``s >= 0``, left by ``-s`` where it is negative.

    Parameters
    ----------
    q : array of int, shape (..., n)
    s : int or array of int, shape (n,), or Shift
        From -31 to 31 in a network description; up to 62 here.
    rounding : {"floor", "nearest"}
        ``floor`` is one arithmetic shift. ``nearest`` adds half of the last place
        first: ``(q + (1 << (s - 1))) >> s``.

    Returns
    -------
    array of int64, shape (..., n)
    """
    s = Shift.of(s)
    q = np.asarray(q, dtype=np.int64)
    if s.left is not None:
        q = q << s.left
    return choose("rounding", rounding, ROUNDINGS)(q, s)


def saturate(q: ArrayLike, bits: int) -> IntArray:
    """Clamp ``q`` to the two's-complement range of ``bits`` bits."""
    high = (1 << (bits - 1)) - 1
    # On a short vector the method is nearly twice as fast as np.clip.
    return np.asarray(q, dtype=np.int64).clip(-high - 1, high)


def wrap(q: ArrayLike, bits: int) -> IntArray:
    """Keep the lowest ``bits`` bits of ``q``, as a bare register does."""
    half = np.int64(1) << (bits - 1)
    return ((np.asarray(q, dtype=np.int64) + half) & (2 * half - 1)) - half


OVERFLOWS: dict[str, Callable[[ArrayLike, int], IntArray]] = {
    "saturate": saturate,
    "wrap": wrap,
}
"""What becomes of values that do not fit: ``(values, bits)`` to values that do."""
