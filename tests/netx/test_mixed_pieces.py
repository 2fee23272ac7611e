# SPDX-License-Identifier: BSD-3-Clause
"""Pieces and resets of networks whose neurons advance in every time step."""

import numpy as np
import pytest

from lava_sparse_rnn import proc, spec
from lava_sparse_rnn.netx import hdf5

RNG = np.random.default_rng(0)
X, Z = RNG.integers(0, 2, (25, 12)), RNG.integers(0, 2, (40, 12))


@pytest.mark.parametrize("layered", [False, True])
def test_resets_count_from_the_reset_from_outside(lava_dl, writer, network, layered):
    """In the same tokens of a second sequence as in those of a first."""
    writer.dense(12, 6).own(network, input_frac=0).dense(4, 5)
    net = hdf5.Network(net_config=writer.path, reset_interval=10)
    alone = proc.run(net, Z, layered=layered)
    without = proc.run(hdf5.Network(net_config=writer.path), Z)
    assert (alone != without).any()
    np.testing.assert_array_equal(proc.run(net, [X, Z], layered=layered)[1], alone)
    with proc.Session(net, layered=layered) as session:
        session.run(X)
        session.reset()
        np.testing.assert_array_equal(session.run(Z), alone)


def test_a_call_is_not_cut_where_neurons_go_on(lava_dl, writer):
    writer.dense(12, 6)
    net = hdf5.Network(net_config=writer.path)
    whole = proc.run(net, Z)
    with proc.Session(net, capacity=39) as session:
        with pytest.raises(spec.SpecError, match="40 tokens.*39.*LIF.*capacity=40"):
            session.run(Z)
        np.testing.assert_array_equal(session.run(Z[:39]), whole[:39])
        with pytest.warns(UserWarning, match="LIF would go on.*reset between"):
            session.run(Z[39:])
