# SPDX-License-Identifier: BSD-3-Clause
"""A network on interpreters that goes on from call to call."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import OverflowCounters
from lava_sparse_rnn.microcode._run import Executor
from lava_sparse_rnn.spec import Network

CHUNK = 64  # tokens between two reports of progress


class Stream:
    """What `lava_sparse_rnn.backends` calls ``microcode``.

    Parameters
    ----------
    network : Network

    Attributes
    ----------
    counters : OverflowCounters
        What did not fit so far, per tensor.
    """

    streams = True

    def __init__(self, network: Network) -> None:
        self.counters = OverflowCounters()
        self._executor = Executor(network)

    def run(
        self, x: NDArray, progress: Callable[[int, int], None] | None = None
    ) -> NDArray[np.int64]:
        """Answers to the next integer tokens, shape (T, d_in) -> (T, d_out)."""
        pieces = []
        for start in range(0, max(len(x), 1), CHUNK):
            piece = x[start : start + CHUNK]
            pieces.append(self._executor.run(piece, counters=self.counters))
            if progress is not None:
                progress(min(start + CHUNK, len(x)), len(x))
        return np.concatenate(pieces)

    def reset(self) -> None:
        """Set every state to zero."""
        self._executor.reset()
