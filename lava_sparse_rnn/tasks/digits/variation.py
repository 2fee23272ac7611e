# SPDX-License-Identifier: BSD-3-Clause
"""A recording as another voice in another room would say it, on its mel tokens.

Six speakers are few: what differs between people has to be made. Loudness, pace, the
length of the throat, noise and what is missing are drawn anew each time a recording is
heard, all from one generator, so that a training repeats itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.tasks._varying import packed, resampled
from lava_sparse_rnn.train.tasks import RawBatch

_PACE = (0.75, 1.35)  # tokens after, of one before
_PITCH = (0.88, 1.14)  # bands after, of one before; shorter throats sound higher
_LOUDNESS = 1.5  # deviation of the logarithm of power
_NOISE = (-13.0, -4.0)  # logarithm of power of a noise floor
_LATEST = 8  # tokens of silence before
_BANDS, _TOKENS = 6, 6  # missing at most


def varied(
    batch: RawBatch, mean: NDArray[np.float32], rng: np.random.Generator
) -> RawBatch:
    """Sequences (N, T, bands), labels and lengths, made to sound otherwise.

    Parameters
    ----------
    batch : tuple of ndarray
        x, y, lengths.
    mean : ndarray, shape (bands,)
        What a token of nothing in particular is; it stands where a part is missing.
    rng : numpy.random.Generator
    """
    x, _, lengths = batch
    made = [
        _one(row[:end], mean, rng) for row, end in zip(x, lengths.tolist(), strict=True)
    ]
    return packed(made, batch, mean)


def _one(
    x: NDArray[np.float32], mean: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.float32]:
    tokens, bands = x.shape
    pace, pitch = rng.uniform(*_PACE), rng.uniform(*_PITCH)
    x = resampled(x, np.arange(max(round(tokens * pace), 2)) / pace)
    x = resampled(x.T, np.arange(bands) / pitch).T
    quiet = x.min(axis=0)
    x = np.concatenate([np.tile(quiet, (int(rng.integers(_LATEST + 1)), 1)), x])
    x = x + _LOUDNESS * rng.standard_normal()
    floor = rng.uniform(*_NOISE) + 0.5 * rng.standard_normal(x.shape)
    x = np.logaddexp(x, floor).astype(np.float32)
    width, span = int(rng.integers(_BANDS + 1)), int(rng.integers(_TOKENS + 1))
    band = int(rng.integers(bands - width + 1))
    token = int(rng.integers(max(len(x) - span, 0) + 1))
    x[:, band : band + width] = mean[band : band + width]
    x[token : token + min(span, len(x) // 4)] = mean
    return x
