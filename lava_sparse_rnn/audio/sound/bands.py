# SPDX-License-Identifier: BSD-3-Clause
"""Fewer, wider bands where the ear hears less sharply: the high part of a spectrum."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.audio.errors import AudioError


def _erb_number(hz: NDArray[np.floating]) -> NDArray[np.floating]:
    # Glasberg and Moore, "Derivation of auditory filter shapes from notched-noise
    # data", Hearing Research 47, 1990.
    return 21.4 * np.log10(1.0 + 0.00437 * hz)


@dataclass(frozen=True, eq=False)
class Bands:
    """Bins that stay, and triangular bands of equal distance on the ERB scale.

    Each bin above the last linear one lies between the centres of two neighbours, and
    is shared between them: with ``share`` it belongs to the upper one.

    Parameters
    ----------
    bins, linear, count : int
        Of the spectrum; of them, those that stay as they are; of bands above them.
    lower : array of int, shape (bins - linear,)
        The band below each bin, 0 to ``count - 2``.
    share : array of float64, shape (bins - linear,)
        From 0 (in the middle of the lower band) to 1 (of the upper one).
    """

    bins: int
    linear: int
    count: int
    lower: NDArray[np.int64]
    share: NDArray[np.float64]

    @property
    def size(self) -> int:
        """Linear bins and bands."""
        return self.linear + self.count

    @property
    def weights(self) -> NDArray[np.float64]:
        """Of each bin in each band, (count, bins - linear); a bin's add up to 1."""
        bins = np.arange(len(self.lower))
        weights = np.zeros((self.count, len(self.lower)))
        weights[self.lower, bins] = 1.0 - self.share
        weights[self.lower + 1, bins] = self.share
        return weights

    @property
    def means(self) -> NDArray[np.float64]:
        """The same with a band's weights adding up to 1: what a mean is taken with."""
        return self.weights / self.weights.sum(axis=1, keepdims=True)

    def reduce(self, magnitude: NDArray[np.float64]) -> NDArray[np.float64]:
        """Magnitudes (T, size) of magnitudes (T, bins): a band has the mean power."""
        low, high = magnitude[:, : self.linear], magnitude[:, self.linear :]
        weights, starts, bins = self._sums
        # A matrix product would round differently with the number of frames.
        terms = (high * high)[:, bins] * weights
        power = np.add.reduceat(terms, starts, axis=1)
        return np.concatenate([low, np.sqrt(power)], axis=1)

    def expand(self, answer: NDArray[np.floating]) -> NDArray[np.floating]:
        """Numbers of bins (T, bins) of those of bands (T, size), interpolated."""
        low, high = answer[:, : self.linear], answer[:, self.linear :]
        below, above = high[:, self.lower], high[:, self.lower + 1]
        share = self.share.astype(answer.dtype)
        return np.concatenate([low, (1 - share) * below + share * above], axis=1)

    @functools.cached_property
    def _sums(self) -> tuple[NDArray, NDArray, NDArray]:
        """Weights of the means one after the other, each band's first, their bins."""
        means = self.means
        band, bins = np.nonzero(means)
        return means[band, bins], np.searchsorted(band, np.arange(self.count)), bins


@functools.lru_cache(maxsize=8)
def erb_bands(bins: int, linear: int, count: int, top: float) -> Bands:
    """Bands above the first `linear` bins.

    Parameters
    ----------
    bins : int
        Of the spectrum, from 0 Hz to `top`.
    linear : int
        Bins that stay as they are.
    count : int
        Bands; the first one has its middle at bin `linear`, the last at `top`.
    top : float
        Hz.

    Raises
    ------
    AudioError
        If a count is out of range, or a band would have no bin.
    """
    if not 1 <= linear <= bins - 2:
        raise AudioError(
            f"linear_bins is {linear}, must be 1 to {bins - 2} of {bins} bins"
        )
    place = _erb_number(np.arange(linear, bins) * top / (bins - 1))
    place = (place - place[0]) / (place[-1] - place[0])
    # The first two bins are furthest apart; a band that had its whole width between
    # them, from the middle of one neighbour to that of the other, would have none.
    most = min(bins - linear, math.ceil(2 / place[1]))
    if not 2 <= count <= most:
        raise AudioError(
            f"erb_bands is {count}, must be 2 to {most} above {linear} linear bins of "
            f"{bins}"
        )
    position = place * (count - 1)
    lower = np.minimum(position.astype(np.int64), count - 2)
    return Bands(bins, linear, count, lower, position - lower)
