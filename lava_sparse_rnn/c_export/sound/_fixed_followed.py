# SPDX-License-Identifier: BSD-3-Clause
"""What is followed of a sound in integers, as `FixedPointDenoiser` tells: how loud it
is, its running level, heights above floors and changes of its features.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isqrt, log, sqrt

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.audio.frontend import FrontEnd
from lava_sparse_rnn.audio.sound import level, silence
from lava_sparse_rnn.c_export.sound._fixed_numbers import (
    FULL_SCALE,
    LOG_FRAC,
    mantissa,
    rounded,
)
from lava_sparse_rnn.fixed_point import SpecError

Integers = NDArray[np.int64]

FRAC = 30  # of a level: it is 1.35 at most, as the outermost bins count as the others
LARGEST = 28  # bits of a magnitude with its scale: those of its root are one more
FASTEST = 2**30  # of a rise: more than all logarithms

ATTACK = round(level.ATTACK * 2**32)
SILENCE = round(silence.SILENCE * 2**FRAC)


@dataclass(frozen=True)
class IntegerLoudness:
    """`audio.sound.silence.loudness` in multiples of ``2^-30``.

    Parameters
    ----------
    down : int
        Bits that ``|X|^2`` loses, so that the sum over all bins is below ``2^60``.
    mean_square : int
        ``sqrt(2 / (n_fft bins))``, a mantissa of 32 bits.
    shift : int
        What is added to a block's q, and to the bits by which a sum is brought to 64,
        to make the shift of a root of it.
    """

    down: int
    mean_square: int
    shift: int

    @classmethod
    def of(cls, front: FrontEnd) -> IntegerLoudness:
        """That of a front end."""
        even = front.bins.bit_length() + front.bins.bit_length() % 2
        m, exponent = mantissa(sqrt(2 / (front.n_fft * front.bins)), 32)
        return cls(even, m, exponent + FULL_SCALE - 32 - even // 2 - FRAC)

    def heard(self, squares: Iterable[int], q: int) -> int:
        """Of a frame, of its ``|X|^2`` in multiples of 4^-q."""
        total = sum(square >> self.down for square in squares)
        if total == 0:
            return 0
        up = (64 - total.bit_length()) // 2
        size = isqrt(total << 2 * up) * self.mean_square >> 32
        return size >> q + up + self.shift


@dataclass(frozen=True)
class IntegerLevel:
    """`audio.sound.level.Level` in integers.

    Parameters
    ----------
    least : int
        Of the parts of frames in the level, in multiples of ``2^-31``.
    frames : int
        So many are counted: from there on the part is `least`.
    """

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
        return cls(round(running.least * 2**31), running.counted)

    def factors(self, heard: Iterable[int]) -> list[tuple[int, int]]:
        """What brings frames of that loudness to one level, see `reciprocal`."""
        running, count, factors = SILENCE, 0, []
        for now in heard:
            if now >= SILENCE:
                count += 1
                part = max(2**31 // min(count, self.frames), self.least)
                running += (now - running) * part + 2**30 >> 31
                running = max(running, now * ATTACK >> 32)
            factors.append(reciprocal(running))
        return factors


def reciprocal(running: int) -> tuple[int, int]:
    """``m / 2^(33 - up)``, m of 32 bits, is 1 over a level in multiples of 2^-30."""
    up = 32 - running.bit_length()
    return (2**63 - 1) // (running << up), up


@dataclass(frozen=True)
class IntegerContrast:
    """`audio.sound.contrast.Contrast` of logarithms to the base 2.

    Parameters
    ----------
    part : int
        In multiples of ``2^-31``.
    rise : int
        In multiples of ``2^-25``, as the logarithms.
    hops : int
        Of a window: so many tokens after silence belong to a beginning.
    """

    part: int
    rise: int
    hops: int

    @classmethod
    def of(cls, front: FrontEnd) -> IntegerContrast | None:
        """That of a front end, if it has one."""
        contrast = front.contrast()
        if contrast is None:
            return None
        rise = round(contrast.rise / front.feature_scale / log(2) * 2.0**LOG_FRAC)
        part, hops = round(contrast.part * 2**31), contrast.beginning.frames
        return cls(part, min(rise, FASTEST), hops)

    def next(self, logs: Integers, heard: Iterable[int]) -> tuple[Integers, Integers]:
        """How far logarithms (T, size) are above their floors, and their changes."""
        heights, changes, since = np.empty_like(logs), np.empty_like(logs), 0
        before = smooth = low = np.zeros(logs.shape[1], np.int64)
        for t, (log_, now) in enumerate(zip(logs, heard, strict=True)):
            since = since + 1 if now >= SILENCE else 0
            if since <= self.hops:
                before = smooth = low = log_
            smooth = smooth + rounded((log_ - smooth) * self.part, 31)
            low = np.minimum(low + self.rise, smooth)
            heights[t], changes[t] = log_ - low, log_ - before
            before = log_
        return heights, changes
