# SPDX-License-Identifier: BSD-3-Clause
"""Batches drawn ahead by a thread: order, errors, ends."""

import threading

import numpy as np
import pytest

from lava_sparse_rnn.train.ahead import Ahead


def batches(count, error=None, closed=None):
    try:
        for k in range(count):
            yield (np.full(2, k),)
        if error is not None:
            raise error
    finally:
        if closed is not None:
            closed.append(threading.active_count())


def test_the_same_batches_in_their_order():
    assert [int(b[0][0]) for b in Ahead(batches(9))] == list(range(9))


def test_an_error_is_that_of_who_asks_for_the_batch():
    data = Ahead(batches(2, ValueError("no more material")))
    next(data), next(data)
    with pytest.raises(ValueError, match="no more material"):
        next(data)
    data.close()


@pytest.mark.parametrize("used", [0, 1, 5])
def test_closing_ends_thread_and_generator(used):
    before, closed = threading.active_count(), []
    data = Ahead(batches(10**9, closed=closed))
    for _ in range(used):
        next(data)
    data.close()
    assert threading.active_count() == before
    assert len(closed) == 1
