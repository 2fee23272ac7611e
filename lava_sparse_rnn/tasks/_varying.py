# SPDX-License-Identifier: BSD-3-Clause
"""What tasks share that make sequences look otherwise each time they are seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.tasks._sequences import IGNORED
from lava_sparse_rnn.train.tasks import RawBatch


def resampled(x: NDArray[np.float32], at: NDArray) -> NDArray[np.float32]:
    """Rows between rows, the last one again beyond the end."""
    at = np.clip(at, 0, len(x) - 1)
    below = np.floor(at).astype(int)
    above = np.minimum(below + 1, len(x) - 1)
    share = (at - below)[:, None].astype(np.float32)
    rows = x[below] * (1 - share) + x[above] * share
    return rows.astype(np.float32, copy=False)


def packed(
    made: list[NDArray[np.float32]], batch: RawBatch, token: NDArray[np.float32]
) -> RawBatch:
    """A batch of the sequences that were made of another one's.

    Parameters
    ----------
    made : list of ndarray, each (T_i, d_in)
    batch : tuple of ndarray
        x, y, lengths of what they were made of; a label of every token is one of all.
    token : ndarray, shape (d_in,)
        What stands behind the end of a shorter one.
    """
    _, y, lengths = batch
    ends = np.array([len(row) for row in made])
    x = np.tile(token.astype(np.float32), (len(made), int(ends.max()), 1))
    for row, one in zip(x, made, strict=True):
        row[: len(one)] = one
    if y.ndim == 2:  # a label for every token
        y = np.where(np.arange(x.shape[1]) < ends[:, None], y[:, :1], IGNORED)
    return x, y, ends.astype(lengths.dtype)
