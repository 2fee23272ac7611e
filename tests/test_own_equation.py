# SPDX-License-Identifier: BSD-3-Clause
"""A neuron group of one's own, by the tables that docs/layer_type.md names."""

import sys
from pathlib import Path

import numpy as np
import pytest

from lava_sparse_rnn import spec
from lava_sparse_rnn.fixed_point import OverflowCounters
from lava_sparse_rnn.spec.graph import GRAPHS, INP, Edge, Graph, Node

proc = pytest.importorskip("lava_sparse_rnn.proc")
sys.path.insert(0, str(Path(__file__).parent))  # of own_equation
from own_equation.process import Magnitude, MagnitudeGroup  # noqa: E402


class Magnitudes(spec.Affine):
    """An affine layer with other neurons."""

    type = "magnitudes"


def graph(layer, recipe):
    k = layer.acc_frac - layer.out.frac
    group = MagnitudeGroup(layer.bias.value, k, layer.out.bits)
    edge = Edge("weights", INP, "neurons", "W", layer.weights)
    return Graph((Node("neurons", group),), (edge,), layer.inp.bits)


@pytest.fixture
def network(monkeypatch):
    """Between an encoder and a decoder."""
    monkeypatch.setitem(spec.LAYER_TYPES, Magnitudes.type, Magnitudes)
    monkeypatch.setitem(GRAPHS, Magnitudes.type, graph)
    affine = spec.PROOFS[spec.groups.AffineGroup]
    monkeypatch.setitem(spec.PROOFS, MagnitudeGroup, affine)
    monkeypatch.setitem(proc.PROCESSES, MagnitudeGroup, Magnitude)
    base = spec.random_network(np.random.default_rng(3), 4, 6, 5, 3, n_blocks=0)
    first, last = base.layers
    fields = {name: getattr(last, name) for name in ("weights", "bias", "out")}
    own = Magnitudes(inp=first.out, relu=False, **fields)
    return spec.Network((first, own), base.recipe)


@pytest.mark.parametrize("layered", [False, True])
def test_it_runs_in_lava_as_in_the_reference(network, layered):
    x = np.random.default_rng(4).integers(-30_000, 30_000, (20, 4))
    counters = OverflowCounters()
    expected = spec.reference.run(network, x, counters=counters)
    assert expected.any()
    assert (expected >= 0).all()
    with proc.Session(network, layered=layered) as session:
        assert np.array_equal(session.run(x), expected)
        assert session.counters == counters
    real = proc.run(network, x, "floating_pt", layered=layered)
    assert (real >= 0).all()
