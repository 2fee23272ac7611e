# SPDX-License-Identifier: BSD-3-Clause
"""Batches drawn ahead by a thread: order, errors, ends."""

import os
import threading

import numpy as np
import pytest
import torch

from lava_sparse_rnn.train import open_float
from lava_sparse_rnn.train.ahead import Ahead
from lava_sparse_rnn.train.config import read_config


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


@pytest.mark.parametrize(("threads", "ahead"), [(1, True), (2, False), (3, False)])
def test_who_has_every_core_draws_no_batch_ahead(tmp_path, monkeypatch, threads, ahead):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5}, raising=False)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    settings = {
        "runs": tmp_path,
        "data.source": "synthetic",
        "data.seconds": 0.3,
        "data.batch": 2,
        "data.validation_mixes": 1,
        "data.validation_seconds": 0.3,
        "model.d_model": 8,
        "model.d_state": 8,
        "model.hippo_blocks": 1,
        "model.n_layers": 1,
    }
    stage = open_float(read_config(None, [f"{k}={v}" for k, v in settings.items()]))
    data = stage.batches()
    assert isinstance(data, Ahead) == ahead
    assert len(next(data)) == 2
    data.close()
