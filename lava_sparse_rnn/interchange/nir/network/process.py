# SPDX-License-Identifier: BSD-3-Clause
"""The Process that a graph of NIR's own nodes becomes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nir  # type: ignore[import-not-found]
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess

from lava_sparse_rnn.interchange.nir._graph import read
from lava_sparse_rnn.interchange.nir._plan import plan


class Network(AbstractProcess):
    """A graph of NIR's nodes, in floating point.

    Connections are Lava's ``Sparse``, neurons its ``LIF``, biases a constant source;
    NIR's differential equations are solved by Euler's rule. It runs with the tag
    ``floating_pt``.

    Parameters
    ----------
    graph : nir.NIRGraph or path
        Of Affine, Linear, Scale, LIF, CubaLIF and IF, one Input and one Output, and
        without circles.
    dt : float
        How long a time step is, in the units of the graph's time constants.

    Attributes
    ----------
    inp, out : InPort, OutPort
    latency : int
        Time steps from a token to its answer: one for each connection on the way.

    Raises
    ------
    SpecError
        Names the node for which Lava has no process, and why.
    """

    def __init__(self, graph: Any, *, dt: float, name: str | None = None) -> None:
        if not isinstance(graph, nir.NIRGraph):
            graph = read(Path(graph))
        made = plan(graph, dt)
        super().__init__(plan=made, dt=dt, name=name)
        self.latency = made.latency
        self.inp, self.out = InPort(made.shape_in), OutPort(made.shape_out)
