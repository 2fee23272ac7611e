# SPDX-License-Identifier: BSD-3-Clause
"""Source and Sink."""

import numpy as np
import pytest

from lava_sparse_rnn import inline, proc
from lava_sparse_rnn.proc._runtime.runtime import run_steps, running

pytestmark = pytest.mark.usefixtures("leaves_nothing")


def through(data, n_steps, tag="fixed_pt", at_end="zeros", **sink):
    source = proc.Source(data=data, at_end=at_end)
    sink = proc.Sink(shape=data.shape[1:], **sink)
    source.s_out.connect(sink.a_in)
    with running(source, proc.RunCfg(tag)) as runtime:
        run_steps(runtime, n_steps)
    return sink


def test_integers_of_any_shape_arrive_once_followed_by_zeros():
    data = np.random.default_rng(0).integers(-(2**23), 2**23, (5, 2, 3))
    sink = through(data, 8, num_steps=10)
    assert sink.data.dtype == np.int64
    assert sink.received == 8
    np.testing.assert_array_equal(sink.data[:5], data)
    assert not sink.data[5:].any()


def test_real_numbers_arrive_unchanged():
    data = np.random.default_rng(0).normal(size=(6, 4))
    np.testing.assert_array_equal(
        through(data, 6, "floating_pt", num_steps=6).data, data
    )


def test_sink_leaves_out_the_first_steps_and_drops_what_has_no_room():
    data = np.arange(20).reshape(10, 2)
    np.testing.assert_array_equal(
        through(data, 10, num_steps=4, skip=3).data, data[3:7]
    )


def test_source_can_end_with_an_error(capfd):
    with pytest.raises(EOFError, match="has 3 tokens"):
        through(np.ones((3, 2), int), 5, at_end="error", num_steps=5)
    assert capfd.readouterr().err == ""
    with inline.runtime("processes"), pytest.raises(EOFError, match="has 3 tokens"):
        through(np.ones((3, 2), int), 5, at_end="error", num_steps=5)
    assert "sends zeros from here on" in capfd.readouterr().err


def test_fractions_do_not_become_integers_silently():
    with pytest.raises(ValueError, match="whole numbers"):
        through(np.full((3, 2), 0.5), 3, num_steps=3)
