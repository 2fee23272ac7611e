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

A floor goes down at once, and up a little with every token; ``keep`` is ``exp(-1 / n)``
with as many tokens as `SMOOTH_S` has. With every token of a beginning (`silence`)
`smooth`, `floor` and the number before are ``x_t``: silence is no floor, and neither is
a window that sound has not filled yet.
"""

from __future__ import annotations

from math import exp
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.audio.sound.silence import Beginning

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
    beginning : Beginning
    """

    def __init__(self, part: float, rise: float, beginning: Beginning) -> None:
        self.part, self.rise, self.beginning = part, rise, beginning
        self.reset()

    @classmethod
    def of(cls, token_s: float, rise: float, beginning: Beginning) -> Contrast:
        """Those of tokens of `token_s` seconds whose floors may rise by `rise` in a
        second, about: in grains, and one at least with a token.
        """
        grains = max(round(rise * token_s / GRAIN), 1)
        return cls(1 - exp(-token_s / SMOOTH_S), grains * GRAIN, beginning)

    @property
    def settings(self) -> tuple[float, ...]:
        """What tells them from others: ``part``, ``rise``, frames of a beginning."""
        return self.part, self.rise, self.beginning.frames

    def reset(self) -> None:
        """Forget all that was heard."""
        self.beginning.reset()
        self.before: NDArray[Any] = np.empty(0)
        self.smooth: NDArray[Any] = np.empty(0)
        self.floor: NDArray[Any] = np.empty(0)

    def next(
        self, numbers: NDArray[Any], heard: NDArray[np.float64]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Heights and changes of the next tokens' numbers, each as large as these.

        Parameters
        ----------
        numbers : array of float, shape (T, ..., size)
            Sums go on in their type, which has to be one in a stream.
        heard : array of float64, shape (T, ...)
            The frames' `silence.loudness`.
        """
        heights, changes = np.empty_like(numbers), np.empty_like(numbers)
        if not len(numbers):
            return heights, changes
        if not self.before.size:
            self.before, self.smooth, self.floor = (numbers[0].copy() for _ in range(3))
        part, rise = map(numbers.dtype.type, (self.part, self.rise))
        before, smooth, floor = self.before, self.smooth, self.floor
        begins = self.beginning.next(heard)[..., None]
        rows = zip(numbers, begins, heights, changes, strict=True)
        for now, anew, height, change in rows:
            for state in (before, smooth, floor):
                np.copyto(state, now, where=anew)
            smooth += part * (now - smooth)
            floor += rise
            np.minimum(smooth, floor, out=floor)
            np.subtract(now, floor, out=height)
            np.subtract(now, before, out=change)
            np.copyto(before, now)
        return heights, changes
