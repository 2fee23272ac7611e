# SPDX-License-Identifier: BSD-3-Clause
"""What is silence to everything that is followed of a sound.

A stream may begin with silence, or be muted for a while. What is followed of it, a
level or floors, takes no note of silence, and of what comes next as of a beginning.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SILENCE = 10.0 ** (-80 / 20)
"""The least root mean square of a frame that is no silence, -80 dBFS."""


def loudness(powers: NDArray[np.float64], n_fft: int) -> NDArray[np.float64]:
    """About the root mean square of frames, of their mean ``|X|^2`` over all bins.

    By Parseval; the outermost bins count as the others.
    """
    return np.sqrt(2 / n_fft * powers)


class Beginning:
    """Which frames of a stream, or of several at once, belong to a beginning.

    A frame of silence does, and so do the `frames` after it, in the last of which every
    sample may be of sound at last; before the first frame there is silence.

    Parameters
    ----------
    frames : int
        Hops of a window.
    """

    def __init__(self, frames: int) -> None:
        self.frames = frames
        self.reset()

    def reset(self) -> None:
        """Forget all that was heard."""
        self.since: NDArray[np.int64] = np.zeros((), np.int64)

    def next(self, heard: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Of the next frames, whose `loudness` has shape (T, ...)."""
        begins = np.empty(heard.shape, bool)
        for t, sounds in enumerate(heard >= SILENCE):
            self.since = (np.minimum(self.since, self.frames) + 1) * sounds
            begins[t] = self.since <= self.frames
        return begins
