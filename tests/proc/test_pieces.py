# SPDX-License-Identifier: BSD-3-Clause
"""Sessions of networks whose neurons advance in steps without a token."""

import numpy as np
import pytest

from lava_sparse_rnn import proc
from lava_sparse_rnn.fixed_point import SpecError

nir = pytest.importorskip("nir")

from lava_sparse_rnn.interchange.nir.network import Network  # noqa: E402


def spiking(rng):
    """A connection and leaky neurons with biases."""
    ones = np.ones(3)
    neurons = nir.LIF(
        tau=0.02 * ones, r=ones, v_leak=0.1 * ones, v_threshold=0.6 * ones
    )
    nodes = {
        "input": nir.Input({"input": np.array([2])}),
        "a": nir.Affine(rng.normal(size=(3, 2)), rng.normal(size=3)),
        "n": neurons,
        "output": nir.Output({"output": np.array([3])}),
    }
    edges = [("input", "a"), ("a", "n"), ("n", "output")]
    return Network(nir.NIRGraph(nodes, edges), dt=0.001)


def test_pieces_are_the_whole_or_are_named():
    rng = np.random.default_rng(1)
    net, x = spiking(rng), 4 * rng.normal(size=(60, 2))
    whole = proc.run(net, x, tag="floating_pt")
    assert whole.any()
    with proc.Session(net, "floating_pt", capacity=59) as session:
        with pytest.raises(SpecError, match="60 tokens.*59, and LIF.*capacity=60"):
            session.run(x)
        np.testing.assert_array_equal(session.run(x[:59]), whole[:59])
        session.reset()
        np.testing.assert_array_equal(session.run(x[:59]), whole[:59])
        with pytest.warns(UserWarning, match="^Session: answers.* LIF would") as said:
            session.run(x[59:])
        assert said[0].filename == __file__
