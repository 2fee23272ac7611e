# SPDX-License-Identifier: BSD-3-Clause
"""The primitive operations on integers: shift, saturate, wrap.

All of them take and return int64, in which no value that a valid network
description can produce overflows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.fixed_point._errors import SpecError

IntArray = NDArray[np.int64]

MAX_SHIFT = 31  # an accumulator has 32 bits: farther than 31 nothing is left


def _floor(q: IntArray, right: IntArray) -> IntArray:
    return q >> right


def _nearest(q: IntArray, right: IntArray) -> IntArray:
    # Half of the last place is 0 where nothing is shifted out.
    half = (np.int64(1) << right) >> 1
    return (q + half) >> right


ROUNDINGS: dict[str, Callable[[IntArray, IntArray], IntArray]] = {
    "floor": _floor,
    "nearest": _nearest,
}


def shift(q: ArrayLike, s: ArrayLike, rounding: str = "floor") -> IntArray:
    """Shift right by ``s`` where ``s >= 0``, left by ``-s`` where it is negative.

    Parameters
    ----------
    q : array of int, shape (..., n)
    s : int or array of int, shape (n,)
        From -31 to 31 in a network description; up to 62 here.
    rounding : {"floor", "nearest"}
        ``floor`` is one arithmetic shift. ``nearest`` adds half of the last place
        first: ``(q + (1 << (s - 1))) >> s``.

    Returns
    -------
    array of int64, shape (..., n)
    """
    s = np.asarray(s, dtype=np.int64)
    q = np.asarray(q, dtype=np.int64)
    right = np.maximum(s, 0)
    return choose("rounding", rounding, ROUNDINGS)(q << np.maximum(-s, 0), right)


def saturate(q: ArrayLike, bits: int) -> IntArray:
    """Clamp ``q`` to the two's-complement range of ``bits`` bits."""
    high = (1 << (bits - 1)) - 1
    return np.clip(np.asarray(q, dtype=np.int64), -high - 1, high)


def wrap(q: ArrayLike, bits: int) -> IntArray:
    """Keep the lowest ``bits`` bits of ``q``, as a bare register does."""
    half = np.int64(1) << (bits - 1)
    return ((np.asarray(q, dtype=np.int64) + half) & (2 * half - 1)) - half


OVERFLOWS: dict[str, Callable[[ArrayLike, int], IntArray]] = {
    "saturate": saturate,
    "wrap": wrap,
}


def choose(option: str, name: str, registry: dict):
    """The entry ``name`` of a registry, or an error that lists what there is."""
    try:
        return registry[name]
    except KeyError:
        names = ", ".join(sorted(registry))
        raise SpecError(f"{option} is {name!r}, must be one of: {names}") from None
