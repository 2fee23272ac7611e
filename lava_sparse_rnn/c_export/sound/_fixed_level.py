# SPDX-License-Identifier: BSD-3-Clause
"""The running level of a sound in integers, as `FixedPointDenoiser` tells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isqrt, sqrt

from lava_sparse_rnn.audio.frontend import FrontEnd
from lava_sparse_rnn.audio.sound import level
from lava_sparse_rnn.c_export.sound._fixed_numbers import FULL_SCALE, mantissa
from lava_sparse_rnn.fixed_point import SpecError

FRAC = 30  # of a level: it is 1.35 at most, as the outermost bins count as the others
LARGEST = 28  # bits of a magnitude with its scale: those of its root are one more

ATTACK = round(level.ATTACK * 2**32)
LEAST = round(level.FLOOR * 2**FRAC)


@dataclass(frozen=True)
class IntegerLevel:
    """`audio.sound.level.Level` in integers.

    Parameters
    ----------
    down : int
        Bits that ``|X|^2`` loses, so that the sum over all bins is below ``2^60``.
    mean_square : int
        ``sqrt(2 / (n_fft bins))``, a mantissa of 32 bits.
    shift : int
        What is added to a block's q, and to the bits by which a sum is brought to 64,
        to make the shift of a root of it.
    least : int
        Of the parts of frames in the level, in multiples of ``2^-31``.
    frames : int
        So many are counted: from there on the part is `least`.
    """

    down: int
    mean_square: int
    shift: int
    least: int
    frames: int

    @classmethod
    def of(cls, front: FrontEnd) -> IntegerLevel | None:
        """That of a front end, if it has one.

        Raises
        ------
        SpecError
            When a magnitude at that level might be too large.
        """
        running = front.level()
        if running is None:
            return None
        root = sqrt(2 / (front.n_fft * front.bins))
        loudest = front.magnitude_scale * level.REFERENCE / level.ATTACK / root
        if not loudest < 2.0**LARGEST:
            raise SpecError(
                f"network: magnitude_scale is {front.magnitude_scale}, out of the "
                "range of the front end in fixed point with a running level"
            )
        even = front.bins.bit_length() + front.bins.bit_length() % 2
        m, exponent = mantissa(root, 32)
        shift = exponent + FULL_SCALE - 32 - even // 2 - FRAC
        return cls(even, m, shift, round(running.least * 2**31), running.counted)

    def root(self, squares: Iterable[int], q: int) -> int:
        """The root of a frame's mean square, of its ``|X|^2`` in multiples of 4^-q."""
        total = sum(square >> self.down for square in squares)
        if total == 0:
            return 0
        up = (64 - total.bit_length()) // 2
        size = isqrt(total << 2 * up) * self.mean_square >> 32
        return size >> q + up + self.shift

    def follow(self, before: int, count: int, now: int) -> int:
        """The level after a frame that is none of silence, the `count`-th of them."""
        part = max(2**31 // min(count, self.frames), self.least)
        after = before + ((now - before) * part + 2**30 >> 31)
        return max(after, now * ATTACK >> 32)


def reciprocal(running: int) -> tuple[int, int]:
    """``m / 2^(33 - up)``, m of 32 bits, is 1 over a level in multiples of 2^-30."""
    up = 32 - running.bit_length()
    return (2**63 - 1) // (running << up), up
