# SPDX-License-Identifier: BSD-3-Clause
"""The constants of a front end that counts in integers alone.

What they are for stands in `lava_sparse_rnn.c_export.FixedPointDenoiser`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log, log2, sqrt

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.audio.frontend import FrontEnd
from lava_sparse_rnn.audio.sound.bands import Bands
from lava_sparse_rnn.audio.sound.level import REFERENCE
from lava_sparse_rnn.c_export.sound import _bands, _transform
from lava_sparse_rnn.c_export.sound._fixed_followed import (
    IntegerContrast,
    IntegerLevel,
    IntegerLoudness,
)
from lava_sparse_rnn.c_export.sound._fixed_numbers import FULL_SCALE, LOG_FRAC, mantissa
from lava_sparse_rnn.fixed_point import SpecError
from lava_sparse_rnn.spec import Network

Integers = NDArray[np.int64]

UNIT = 31  # fraction bits of the window, of sines and cosines
FILL = 13  # bits that a windowed frame has more than its samples
SIZE_SHIFT = FULL_SCALE - 32  # from q and a scale's exponent to that of a magnitude
SQUARE_BITS = 60  # of |X|^2: parts have 28 bits before the step that makes |X| of them
ROOM = 28  # bits of the numbers from which a spectrum is put together
STAGE_BITS = 30  # of what comes out of a stage
SEGMENTS = 32  # of the logarithm
SUM_FRAC = 11  # of the sums of frames
LARGEST_GAIN_BITS = 15
CUBIC = tuple(round(2**30 / log(2) / n) for n in (1, -2, 3))


def to_fraction(x: NDArray[np.floating]) -> Integers:
    """Numbers from -1 to 1 in multiples of 2^-31; 1 is the largest below it."""
    return np.minimum(np.round(x * 2.0**UNIT), 2**UNIT - 1).astype(np.int64)


# Halves of 10^(-d / 20), d = 0 ... 96, in multiples of 2^-15: smaller ones round to 0.
KEPT = np.round(2.0**15 * 10.0 ** (-np.arange(97) / 20)).astype(np.int64)
# The middle of a segment from 1 + i / 32 on, its reciprocal and that one's logarithm.
RECIPROCAL = np.round(2.0**31 / (1 + (np.arange(SEGMENTS) + 0.5) / SEGMENTS)).astype(
    np.int64
)
LOGARITHM = np.round(-(2.0**LOG_FRAC) * np.log2(RECIPROCAL / 2.0**31)).astype(np.int64)
# A first guess, 1 / sqrt(x) of x from 1/4 to 1, in multiples of 2^-7.
INVERSE_ROOT = np.floor(2**7 / np.sqrt((np.arange(32, 128) + 0.5) / 128)).astype(
    np.int64
)


@dataclass(frozen=True)
class IntegerBands:
    """`Bands` in integers.

    Parameters
    ----------
    linear : int
        Bins that stay as they are.
    lower, share : array of int64, shape (bins - linear,)
        The band below each other bin; its share of the one above, in multiples of
        2^-31: 2^31 is 1.
    scale, shift : array of int64, shape (count,)
        ``magnitude_scale`` divided by the root of what a band's weights add up to:
        mantissa of 32 bits, and what `Constants.scale_shift` is of a bin.
    down : int
        |X|^2 is taken in multiples of ``4^(down - q)``.
    """

    linear: int
    lower: Integers
    share: Integers
    scale: Integers
    shift: Integers
    down: int

    @classmethod
    def of(cls, bands: Bands, magnitude_scale: float) -> IntegerBands:
        """Those of a front end."""
        _bands.sums(bands)  # refuses those that are too narrow
        share = np.round(bands.share * 2.0**UNIT).astype(np.int64)
        sums = np.zeros(bands.count, np.int64)
        np.add.at(sums, bands.lower, 2**UNIT - share)
        np.add.at(sums, bands.lower + 1, share)
        down, most = 0, int(sums.max()) << SQUARE_BITS - UNIT
        while (most >> 2 * down) + bands.bins > 2**64:  # rests are rounded up
            down += 1
        roots = np.sqrt(sums * 2.0**-UNIT)
        mantissas = [mantissa(magnitude_scale / root, 32) for root in roots]
        scale, exponents = np.array(mantissas, np.int64).T
        shift = SIZE_SHIFT + exponents - down
        return cls(bands.linear, bands.lower, share, scale, shift, down)

    def reduce(self, squares: list[int]) -> list[int]:
        """|X|^2 of linear bins and bands, of those of bins."""
        powers = [0] * len(self.scale)
        bins = zip(self.lower, self.share, squares[self.linear :], strict=True)
        for lower, share, square in bins:
            part = int(share) * (square >> 2 * self.down) >> UNIT
            powers[lower] += (square >> 2 * self.down) - part
            powers[lower + 1] += part
        return squares[: self.linear] + powers

    def expand(self, answers: Integers) -> Integers:
        """Answers for bins, of those for linear bins and bands."""
        linear, high = np.split(answers, [self.linear])
        below, above = high[self.lower], high[self.lower + 1]
        between = ((above - below) * self.share + 2 ** (UNIT - 1)) >> UNIT
        return np.concatenate([linear, below + between])


@dataclass(frozen=True)
class Constants:
    """What the integers of a front end depend on.

    Parameters
    ----------
    front : FrontEnd
    radices, rooms, halvings : list of int
        By stage of the transform: its radix, the bits that its input may have, and
        how often it halves.
    gain_bits : int
        Gains are below ``2^gain_bits``.
    bands : IntegerBands, optional
    loudness : IntegerLoudness
    level : IntegerLevel, optional
    contrast : IntegerContrast, optional
    """

    front: FrontEnd
    radices: list[int]
    rooms: list[int]
    halvings: list[int]
    gain_bits: int
    bands: IntegerBands | None
    loudness: IntegerLoudness
    level: IntegerLevel | None
    contrast: IntegerContrast | None

    @classmethod
    def of(cls, network: Network) -> Constants:
        """Those of a denoiser.

        Raises
        ------
        SpecError
            When integers of 32 bits cannot hold what its front end asks for.
        """
        front = FrontEnd.of(network)
        radices = _transform.factors(front.n_fft // 2)
        rooms = [{2: 29, 4: 28}.get(r) or _room(r) for r in radices]
        halvings = [1 if r in (2, 4) else 2 for r in radices]
        bands = None
        if front.bands is not None:
            bands = IntegerBands.of(front.bands, _scale(front))
        constants = cls(
            *(front, radices, rooms, halvings, _gain_bits(network), bands),
            IntegerLoudness.of(front),
            IntegerLevel.of(front),
            IntegerContrast.of(front),
        )
        constants._check(network)
        return constants

    @property
    def window(self) -> Integers:
        """Its first half and the middle, (n_fft / 2 + 1,)."""
        n = np.arange(self.front.n_fft // 2 + 1)
        return to_fraction(np.sin(np.pi * n / self.front.n_fft))

    @property
    def cosine(self) -> Integers:
        """Of a whole turn, (n_fft,)."""
        n = self.front.n_fft
        return to_fraction(np.cos(2 * np.pi * np.arange(n) / n))

    @property
    def magnitude_scale(self) -> tuple[int, int]:
        """Mantissa of 32 bits, exponent."""
        return mantissa(_scale(self.front), 32)

    @property
    def scale_shift(self) -> int:
        """What is added to a block's q to make the exponent of a scaled magnitude."""
        return SIZE_SHIFT + self.magnitude_scale[1]

    @property
    def scales(self) -> list[tuple[int, int]]:
        """Mantissa and shift of each number of a token."""
        bands, bin_scale = self.bands, (self.magnitude_scale[0], self.scale_shift)
        if bands is None:
            return [bin_scale] * self.front.bins
        of_bands = zip(bands.scale.tolist(), bands.shift.tolist(), strict=True)
        return [bin_scale] * bands.linear + list(of_bands)

    @property
    def mean(self) -> int:
        """`FrontEnd.feature_mean` as a logarithm to the base 2."""
        return round(self.front.feature_mean / log(2) * 2.0**LOG_FRAC)

    @property
    def feature(self) -> tuple[int, int]:
        """Mantissa of 31 bits of ``feature_scale * log(2)``; shift of a token's
        fraction 0.
        """
        m, e = mantissa(self.front.feature_scale * log(2), 31)
        return m, LOG_FRAC + e

    @property
    def synthesis(self) -> tuple[int, int]:
        """``m / 2^30``, 1/2 < m <= 1, and ``c``: ``m / 2^c`` is `_synthesis`."""
        c = floor(-log2(4.0 * self.front.hop_length / self.front.n_fft**2))
        return round(
            4.0 * self.front.hop_length / self.front.n_fft**2 * 2.0 ** (30 + c)
        ), c

    @property
    def sum_shift(self) -> int:
        """What is added to a block's q to make the shift of a windowed sample."""
        return UNIT - SUM_FRAC + self.synthesis[1]

    def _ranges(self) -> tuple[int, int, int, int]:
        """Lowest and highest q of a spectrum, and of a frame that comes back."""
        fixed = sum(self.halvings)
        most = sum(max(STAGE_BITS - r, 0) for r in self.rooms) + STAGE_BITS - ROOM
        low, high = FILL - fixed - most, FILL + FULL_SCALE - fixed
        lost = fixed + self.gain_bits
        return low, high, low - lost - most, high - lost

    def _check(self, network: Network) -> None:
        low, _, back_low, back_high = self._ranges()
        front = self.front
        inp = network.layers[0].inp
        shifts = self.feature[1] - np.asarray(inp.frac)
        rules = {
            "n_fft": self.sum_shift + back_low >= 1
            and self.sum_shift + back_high <= 62,
            "magnitude_scale": low + 2 + self.scale_shift >= 0
            and (self.bands is None or low + self.bands.shift.min() >= 0)
            and front.magnitude_scale * front.n_fft < 2**31,
            "feature_mean": abs(self.mean) < 2**30,
            "feature_scale": shifts.min() >= 1 and shifts.max() <= 62,
        }
        for name, holds in rules.items():
            if not holds:
                raise SpecError(
                    f"network: {name} is {getattr(front, name)}, out of the range of "
                    "the front end in fixed point"
                )


def _scale(front: FrontEnd) -> float:
    """Of magnitudes, or of those that are divided by their level."""
    return front.magnitude_scale * (1.0 if front.level_s is None else REFERENCE)


def _room(radix: int) -> int:
    """Bits of numbers whose sums of ``radix`` products stay below 2^63."""
    return floor(log2((2**32 - 2) / (radix * sqrt(2))))


def _gain_bits(network: Network) -> int:
    out = network.layers[-1].out
    largest = 1 + out.format.highest * 2.0 ** -float(np.min(out.frac))
    bits = max(1, ceil(log2(largest)))
    if bits > LARGEST_GAIN_BITS:
        raise SpecError(
            f"network: gains up to {largest:g}, the front end in fixed point has room "
            f"for {2**LARGEST_GAIN_BITS}"
        )
    return bits
