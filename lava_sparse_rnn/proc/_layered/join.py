# SPDX-License-Identifier: BSD-3-Clause
"""A layer's graph as Processes: neuron groups, joined by Lava's own connections."""

from __future__ import annotations

from typing import Any

from lava.magma.core.process.process import AbstractProcess

from lava_sparse_rnn.proc._fused.layer_vars import layer_vars
from lava_sparse_rnn.proc._layered.connect import WEIGHT_EXP, connection
from lava_sparse_rnn.proc.affine.process import Affine
from lava_sparse_rnn.proc.gate.process import Gate
from lava_sparse_rnn.proc.neurons.process import NeuronGroup
from lava_sparse_rnn.proc.neurons.timing import Clock, Timing
from lava_sparse_rnn.proc.readout.process import Readout
from lava_sparse_rnn.proc.recurrence.process import Recurrence
from lava_sparse_rnn.spec import Recipe
from lava_sparse_rnn.spec.graph import INP, Graph
from lava_sparse_rnn.spec.groups import Group

PROCESSES: dict[type[Group], type[NeuronGroup]] = {
    p.group_type: p for p in (Affine, Recurrence, Readout, Gate)
}
"""The Process of a neuron group; add that of a group of your own."""


def join(
    graph: Graph, recipe: Recipe, timing: Timing, clock: Clock, inp: Any
) -> dict[str, AbstractProcess]:
    """Processes of a layer, connected to the port ``inp`` and among themselves.

    Parameters
    ----------
    graph : Graph
    recipe : Recipe
    timing : Timing
        Of ``inp``.
    clock : Clock
    inp : InPort or OutPort
        What the layer hears.

    Returns
    -------
    dict of str to Process
        Groups under their names, connections as ``<group>_<port>_<edge>``.
    """
    groups: dict[str, NeuronGroup] = {}
    for node in graph.nodes:
        groups[node.name] = PROCESSES[type(node.group)](
            group=node.group,
            recipe=recipe,
            weight_exp=WEIGHT_EXP,
            clock=clock,
            **timing.later(graph.depth[node.name]).arguments(),
        )
    parts: dict[str, AbstractProcess] = dict(groups)
    for edge in graph.edges:
        link = connection(edge.matrix, graph.delay(edge), graph.bits(edge.source))
        port = groups[edge.target].inputs[edge.accumulator]
        (inp if edge.source == INP else sent(graph, groups, edge.source)).connect(
            link.s_in
        )
        link.a_out.connect(getattr(groups[edge.target], port))
        parts[f"{edge.target}_{port}_{edge.name}"] = link
    return parts


def sent(graph: Graph, parts: Any, wire: str) -> Any:
    """The port that sends a wire."""
    node = graph.sender[wire]
    process = parts[node.name]
    return getattr(process, process.outputs[wire.removeprefix(node.prefix)])


def show_vars(proc: Any, graph: Graph, parts: Any, prefix: str = "") -> None:
    """Let the Vars of a hierarchical Process stand for those of its groups."""
    for var in layer_vars(graph):
        own = getattr(parts[var.node.name], var.own)
        getattr(proc, prefix + var.name).alias(own)
