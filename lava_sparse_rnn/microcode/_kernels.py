# SPDX-License-Identifier: BSD-3-Clause
"""What the instructions compute, on many neurons at once.

A value is an array of int32: one element per neuron, or a single one where all
neurons agree. Registers are bare: what exceeds 32 bits is dropped. Arrays are never
changed in place, so that a move is a reference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.microcode._isa import MAX_LEFT_SHIFT, MAX_SHIFT, REGISTER_BITS

Lanes = NDArray[np.int32]
Mask = NDArray[np.bool_]

ALU: dict[str, Callable[..., NDArray]] = {
    "ADD": np.add,
    "NEG": np.negative,
    "MIN": np.minimum,
    "AND": np.bitwise_and,
    "OR": np.bitwise_or,
    "LT": np.less,
    "GE": np.greater_equal,
    "EQ": np.equal,
    "SEL": np.where,
}


@dataclass(frozen=True)
class Amount:
    """Shift amounts made ready once, for constants.

    Parameters
    ----------
    right : array of int64
        How far to the right.
    left : array of int64 or None
        How far to the left; None where no neuron goes left.
    half : array of int64
        Half of the last place after the shift; 0 where nothing is shifted out.
    right32 : array of int32 or None
        `right` where a 32-bit register needs nothing else, None elsewhere.
    """

    right: NDArray[np.int64]
    left: NDArray[np.int64] | None
    half: NDArray[np.int64]
    right32: Lanes | None

    @classmethod
    def of(cls, s: NDArray) -> Amount:
        """Of amounts; those beyond -31..62 are taken as the limit."""
        wide = s.astype(np.int64).clip(-MAX_LEFT_SHIFT, MAX_SHIFT)
        right, left = np.maximum(wide, 0), np.maximum(-wide, 0)
        half = np.where(right > 0, np.int64(1) << np.maximum(right - 1, 0), 0)
        narrow = None
        if not left.any():
            narrow = np.minimum(right, REGISTER_BITS - 1).astype(np.int32)
        return cls(right, left if left.any() else None, half, narrow)


def shift_wide_floor(wide: NDArray[np.int64], amount: Amount) -> Lanes:
    """Shift a 64-bit product and keep 32 bits."""
    if amount.left is not None:
        wide = wide << amount.left
    return (wide >> amount.right).astype(np.int32)


def shift_wide_nearest(wide: NDArray[np.int64], amount: Amount) -> Lanes:
    """The same, after adding half of the last place that stays."""
    if amount.left is not None:
        wide = wide << amount.left
    return ((wide + amount.half) >> amount.right).astype(np.int32)


WIDE_SHIFTS: dict[str, Callable[[NDArray[np.int64], Amount], Lanes]] = {
    "floor": shift_wide_floor,
    "nearest": shift_wide_nearest,
}


def shl(a: Lanes, amount: Amount) -> Lanes:
    """Shift a register: to the left, or arithmetically to the right and down."""
    # SHL counts to the left, an Amount to the right: it is made of -amount.
    if amount.right32 is not None:
        return a >> amount.right32
    return shift_wide_floor(a.astype(np.int64), amount)


def saturate(bits: int) -> Callable[[Lanes], Lanes]:
    """A function that clamps to ``bits`` bits."""
    high = (1 << (bits - 1)) - 1
    low = -high - 1
    return lambda value: value.clip(low, high)


def wrap(bits: int) -> Callable[[Lanes], Lanes]:
    """A function that keeps the lowest ``bits`` bits."""
    unused = np.int32(REGISTER_BITS - bits)
    return lambda value: (value << unused) >> unused


FITS: dict[str, Callable[[int], Callable[[Lanes], Lanes]]] = {
    "saturate": saturate,
    "wrap": wrap,
}


def lane(values: NDArray, index: int) -> int:
    """One neuron's value."""
    return int(values[index if values.size > 1 else 0])
