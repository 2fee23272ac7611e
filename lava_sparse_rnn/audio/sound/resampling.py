# SPDX-License-Identifier: BSD-3-Clause
"""Streaming conversion between rates that are whole multiples of each other.

A symmetric low-pass, a sinc under a Kaiser window, of ``2 * reach + 1`` taps at the
higher rate: every frequency comes ``reach`` samples of that rate late. Sums are taken
tap by tap, so that a stream has the same samples however it is cut.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import Brief

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class LowPass(Brief):
    """A filter between a rate and ``factor`` times that rate.

    Parameters
    ----------
    factor : int
    reach : int
        Samples of the higher rate, a multiple of ``factor``.
    edge : float
        Where amplitude is halved, as a share of the higher rate.
    beta : float
        Of the Kaiser window: the more, the less comes through of what should not, and
        the wider is the transition.
    """

    factor: int
    reach: int
    edge: float
    beta: float

    @property
    def taps(self) -> NDArray[np.float64]:
        """Symmetric, (2 * reach + 1,); their sum is 1."""
        n = np.arange(-self.reach, self.reach + 1)
        taps = np.sinc(2 * self.edge * n) * np.kaiser(len(n), self.beta)
        return taps / taps.sum()

    def _about(self) -> str:
        return f"factor {self.factor}, reach {self.reach}"


class Down(Brief):
    """To the lower rate: of every ``factor`` samples the first, filtered.

    Parameters
    ----------
    low_pass : LowPass
    """

    def __init__(self, low_pass: LowPass) -> None:
        self.factor, self._taps = low_pass.factor, low_pass.taps
        self.reset()

    def _about(self) -> str:
        return f"by {self.factor}"

    def reset(self) -> None:
        """Forget all samples."""
        self._past = np.zeros(len(self._taps) - 1, np.float32)
        self._skip = 0  # samples to come that are not of the lower rate

    def process(self, x: Samples) -> Samples:
        """The lower rate's samples that ``x`` completes, float32."""
        data = np.concatenate([self._past, x])
        count = -(-max(len(x) - self._skip, 0) // self.factor)
        out = np.zeros(count)
        for i, tap in enumerate(self._taps):  # symmetric: in any direction
            at = self._skip + i
            out += tap * data[at : at + self.factor * count : self.factor][:count]
        self._skip += self.factor * count - len(x)
        self._past = data[len(x) :]
        return out.astype(np.float32)


class Up(Brief):
    """To the higher rate: ``factor`` samples for each.

    Parameters
    ----------
    low_pass : LowPass
    """

    def __init__(self, low_pass: LowPass) -> None:
        self.factor = low_pass.factor
        taps = self.factor * low_pass.taps
        width = -(-len(taps) // self.factor)
        padded = np.zeros(width * self.factor)
        padded[: len(taps)] = taps
        # Row i: what the sample of i samples ago gives to each of the `factor` new.
        self._phases = padded.reshape(width, self.factor)
        self.reset()

    def _about(self) -> str:
        return f"by {self.factor}"

    def reset(self) -> None:
        """Forget all samples."""
        self._past = np.zeros(len(self._phases) - 1, np.float32)

    def process(self, x: Samples) -> Samples:
        """The higher rate's samples, float32 (factor * n,)."""
        data = np.concatenate([self._past, x])
        out = np.zeros((len(x), self.factor))
        last = len(self._phases) - 1
        for i, phase in enumerate(self._phases):
            out += data[last - i : last - i + len(x), None] * phase
        self._past = data[len(x) :]
        return out.astype(np.float32).ravel()


class Delay(Brief):
    """Samples, so many later; zeros at first.

    Parameters
    ----------
    samples : int
    """

    def __init__(self, samples: int) -> None:
        self.samples = samples
        self.reset()

    def _about(self) -> str:
        return f"{self.samples} samples"

    def reset(self) -> None:
        """Forget all samples."""
        self._held = np.zeros(self.samples, np.float32)

    def process(self, x: Samples) -> Samples:
        """As many as come in."""
        data = np.concatenate([self._held, x])
        self._held = data[len(x) :]
        return data[: len(x)]
