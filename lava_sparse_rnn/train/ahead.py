# SPDX-License-Identifier: BSD-3-Clause
"""Batches made while the step before is computed."""

from __future__ import annotations

import contextlib
import queue
import threading

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
        self._batches, self._ready = batches, queue.Queue[object](_DEPTH)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._draw, daemon=True)
        self._thread.start()

    def _draw(self) -> None:
        try:
            for batch in self._batches:
                self._put(batch)
                if self._stop.is_set():
                    return
            self._put(StopIteration())
        except Exception as error:  # for who waits for the batch
            self._put(error)

    def _put(self, item: object) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(queue.Full):
                self._ready.put(item, timeout=0.1)
                return

    def __iter__(self) -> Ahead:
        return self

    def __next__(self) -> RawBatch:
        item = self._ready.get()
        if isinstance(item, Exception):
            self._stop.set()
            raise item
        return item  # type: ignore[return-value]  # what is no error is a batch

    def close(self) -> None:
        """End the thread, then the generator."""
        self._stop.set()
        self._thread.join()
        self._batches.close()
