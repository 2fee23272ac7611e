# SPDX-License-Identifier: BSD-3-Clause
"""The running level of a sound, by which a network need not know how loud it is.

A recording may have any level. A network that hears magnitudes as they are learns the
levels of its training, and no others; one that hears them divided by their running
level hears all recordings alike.

With ``r`` the `silence.loudness` of a frame, the n-th that is no silence, and ``keep``
``exp(-1 / frames)`` of a `Level`::

    level <- level + max(1 / n, 1 - keep) * (r - level)
    level <- max(level, ATTACK * r)

It is the mean of all frames at first, and later of some last seconds. Silence leaves it
as it is, and before all else it is `SILENCE`.
"""

from __future__ import annotations

from math import exp, floor

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.audio.sound.silence import SILENCE

REFERENCE = 10.0 ** (-25 / 20)
"""What sound is brought to: -25 dBFS, the middle of the levels of a training."""
ATTACK = 0.3
"""The least share of a frame that the level is: what follows on soft noise is loud at
first, by 10 dB at most. A frame of speech is seldom so far above its mean."""


class Level:
    """The running level of a stream, or of several at once.

    Parameters
    ----------
    frames : float
        Frames in which all but ``1 / e`` of the level is forgotten.
    """

    def __init__(self, frames: float) -> None:
        self.frames = frames
        self.reset()

    @property
    def settings(self) -> tuple[float, ...]:
        """What tells it from others: ``frames``."""
        return (self.frames,)

    def reset(self) -> None:
        """Forget all that was heard."""
        self.count: NDArray[np.int64] = np.zeros((), np.int64)
        self.level: NDArray[np.float64] = np.full((), SILENCE)

    @property
    def least(self) -> float:
        """``1 - keep``: the least part of a frame in the level."""
        return 1 - exp(-1 / self.frames)

    @property
    def counted(self) -> int:
        """The number of a frame that is none of silence, 1 being the first, from which
        on that is its part.
        """
        return floor(1 / self.least) + 1

    def factors(self, heard: NDArray[np.float64]) -> NDArray[np.float64]:
        """What brings the next frames to `REFERENCE`, of their `silence.loudness`, each
        of shape (T, ...).
        """
        levels, least = np.empty_like(heard), self.least
        for t, now in enumerate(heard):
            sounds = now >= SILENCE
            self.count = self.count + sounds
            part = np.maximum(1 / np.maximum(self.count, 1), least) * sounds
            level = self.level + part * (now - self.level)
            self.level = np.maximum(level, ATTACK * now * sounds)
            levels[t] = self.level
        return REFERENCE / levels
