# SPDX-License-Identifier: BSD-3-Clause
"""Heights above floors and changes in integers, as `FixedPointDenoiser` tells."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.audio.frontend import FrontEnd
from lava_sparse_rnn.c_export.sound._fixed_numbers import LOG_FRAC, rounded

Integers = NDArray[np.int64]

FASTEST = 2**30  # of a rise: more than all logarithms


@dataclass(frozen=True)
class IntegerContrast:
    """`audio.sound.contrast.Contrast` of logarithms to the base 2.

    Parameters
    ----------
    part : int
        In multiples of ``2^-31``.
    rise : int
        In multiples of ``2^-25``, as the logarithms.
    """

    part: int
    rise: int

    @classmethod
    def of(cls, front: FrontEnd) -> IntegerContrast | None:
        """That of a front end, if it has one."""
        whole = replace(front, feature_mean=0.0, feature_scale=2.0**LOG_FRAC / log(2))
        contrast = whole.contrast()
        if contrast is None:
            return None
        return cls(round(contrast.part * 2**31), min(round(contrast.rise), FASTEST))

    def heard(self, logs: Integers) -> tuple[Integers, Integers]:
        """How far logarithms (T, size) are above their floors, and their changes."""
        heights, changes = np.empty_like(logs), np.empty_like(logs)
        before = smooth = low = np.zeros(logs.shape[1], np.int64)
        for t, now in enumerate(logs):
            begins = (now <= 0) | (smooth <= 0)
            before, smooth, low = (
                np.where(begins, now, state) for state in (before, smooth, low)
            )
            smooth = smooth + rounded((now - smooth) * self.part, 31)
            low = np.minimum(low + self.rise, smooth)
            heights[t], changes[t] = now - low, now - before
            before = now
        return heights, changes
