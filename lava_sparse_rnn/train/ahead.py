# SPDX-License-Identifier: BSD-3-Clause
"""Batches made while the step before is computed."""

from __future__ import annotations

import threading

from lava_sparse_rnn.handover import Handover
from lava_sparse_rnn.train.tasks import Batches, RawBatch

_DEPTH = 2  # batches kept ready


class Ahead:
    """The batches of a generator in their order, which a thread draws ahead.

    Parameters
    ----------
    batches : generator
        No one else may draw from it; `close` closes it.
    """

    def __init__(self, batches: Batches) -> None:
        self._batches = batches
        self._ready = Handover[RawBatch | Exception](_DEPTH)
        self._thread = threading.Thread(target=self._draw, daemon=True)
        self._thread.start()

    def _draw(self) -> None:
        try:
            for batch in self._batches:
                if not self._ready.put(batch):
                    return
            self._ready.put(StopIteration())
        except Exception as error:  # for who waits for the batch
            self._ready.put(error)

    def __iter__(self) -> Ahead:
        return self

    def __next__(self) -> RawBatch:
        item = self._ready.get()
        if isinstance(item, Exception):
            self._ready.close()
            raise item
        return item

    def close(self) -> None:
        """End the thread, then the generator."""
        self._ready.close()
        self._thread.join()
        self._batches.close()
