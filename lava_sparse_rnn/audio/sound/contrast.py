# SPDX-License-Identifier: BSD-3-Clause
"""How every number of a token stands out: above its floor, and from what it just was.

Where speech pauses a band falls back to its noise, so that the least that it was in
the last seconds is the noise, as long as that is steady (minimum statistics: R. Martin,
"Noise power spectral density estimation based on optimal smoothing and minimum
statistics", IEEE Trans. Speech and Audio Processing 9, 2001). No state that goes on
linearly finds a minimum; a network whose states do is told it beside the number itself.

With ``x_t`` a number of token t::

    smooth <- smooth + (1 - keep) * (x_t - smooth)
    floor <- min(smooth, floor + rise)
    height = x_t - floor
    change = x_t - x_(t-1)

A floor goes down at once, and up a little with every token. Silence, the least that a
number can be, is no floor: where a number, or its smooth course before it, is silence,
as before the first token, `smooth`, `floor` and the number before become ``x_t``.
"""

from __future__ import annotations

from math import exp
from typing import Any

import numpy as np
from numpy.typing import NDArray

SMOOTH_S = 0.045
"""Seconds in which all but ``1 / e`` of a number is forgotten before its minimum is
taken: what falls for one token alone is no floor."""
GRAIN = 2.0**-20
"""Of a rise: sums of such numbers up to 16 are exact in floats of 32 bits, so that a
floor that rises for long is the same in floats of any size."""
KINDS = 2
"""Contrasts of each number: its height, its change."""


class Contrast:
    """The contrasts of a stream's numbers.

    Parameters
    ----------
    part : float
        ``1 - keep``, of a number in its smooth course.
    rise : float
        By which a floor may rise with a token, in the unit of the numbers.
    silence : float
        The least that a number can be.
    """

    def __init__(self, part: float, rise: float, silence: float) -> None:
        self.part, self.rise, self.silence = part, rise, silence
        self.reset()

    @classmethod
    def of(cls, token_s: float, rise: float, silence: float) -> Contrast:
        """Those of tokens of `token_s` seconds whose floors may rise by `rise` in a
        second, about: in grains, and one at least with a token.
        """
        grains = max(round(rise * token_s / GRAIN), 1)
        return cls(1 - exp(-token_s / SMOOTH_S), grains * GRAIN, silence)

    def reset(self) -> None:
        """Forget all that was heard."""
        self.before: NDArray[Any] | None = None
        self.smooth: NDArray[Any] = np.empty(0)
        self.floor: NDArray[Any] = np.empty(0)

    def next(self, numbers: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Heights and changes of the next tokens' numbers, each (T, ...) as these are.

        Sums go on in their type, which has to be one in a stream.
        """
        heights, changes = np.empty_like(numbers), np.empty_like(numbers)
        if not len(numbers):
            return heights, changes
        constants = (self.part, self.rise, self.silence)
        part, rise, silence = map(numbers.dtype.type, constants)
        if self.before is None:
            self.before = np.full_like(numbers[0], silence)
            self.smooth, self.floor = self.before.copy(), self.before.copy()
        before, smooth, floor = self.before, self.smooth, self.floor
        for now, height, change in zip(numbers, heights, changes, strict=True):
            begins = (now <= silence) | (smooth <= silence)
            for state in (before, smooth, floor):
                np.copyto(state, now, where=begins)
            smooth += part * (now - smooth)
            floor += rise
            np.minimum(smooth, floor, out=floor)
            np.subtract(now, floor, out=height)
            np.subtract(now, before, out=change)
            np.copyto(before, now)
        return heights, changes
