# SPDX-License-Identifier: BSD-3-Clause
"""A layer as a graph: groups of neurons, and the synapses between them, as data.

Everything that runs, maps, counts or checks a network reads this, so a layer type
says once how its groups are connected. Depths and delays are computed: a wire that
skips hops is delayed until all that belongs to a token arrives together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lava_sparse_rnn.fixed_point import Brief, SpecError
from lava_sparse_rnn.spec._group import Group
from lava_sparse_rnn.spec._tensors import Diagonal, Weights
from lava_sparse_rnn.spec.groups import (
    AffineGroup,
    GateGroup,
    ReadoutGroup,
    RecurrenceGroup,
)
from lava_sparse_rnn.spec.layers import S4D, Affine, Layer, S5Block
from lava_sparse_rnn.spec.recipe import Recipe

INP = "inp"


@dataclass(frozen=True)
class Copies:
    """Synapses that hand a wire's values on: an identity that no file stores.

    Parameters
    ----------
    size : int
        Neurons of the wire, and of the group that listens.
    bits : int
        Width of a weight where a chip stores them.
    """

    size: int
    bits: int

    @property
    def row_magnitude(self) -> NDArray[np.int64]:
        """See `Weights`: 1 for each neuron."""
        return np.ones(self.size, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Node(Brief):
    """A group of neurons in a layer.

    Parameters
    ----------
    name : str
    group : Group
        Its constants and its equation.
    prefix : str
        Of the names of its wires and states in the layer, where a layer has several
        groups of a kind.
    """

    name: str
    group: Group
    prefix: str = ""

    @property
    def wires(self) -> tuple[str, ...]:
        """What it sends, by the names in the layer."""
        return tuple(self.prefix + name for name in self.group.outputs)

    @property
    def states(self) -> tuple[str, ...]:
        """What it keeps, by the names in the layer."""
        return tuple(self.prefix + name for name in self.group.states)

    @property
    def tensors(self) -> tuple[str, ...]:
        """What is traced and counted, by the names in the layer."""
        return tuple(self.prefix + name for name in self.group.tensors)


@dataclass(frozen=True, eq=False)
class Edge(Brief):
    """Synapses from a wire to an accumulator of a group.

    Parameters
    ----------
    name : str
    source : str
        A wire of the layer, or ``inp``.
    target : str
        Name of a node.
    accumulator : str
        Of its group. What several edges bring to one is added up.
    weights : Weights, Diagonal or Copies
    """

    name: str
    source: str
    target: str
    accumulator: str
    weights: Weights | Diagonal | Copies

    @property
    def copies(self) -> bool:
        """Whether it hands values on; the network has no such weights."""
        return isinstance(self.weights, Copies)

    @property
    def bits(self) -> int:
        """Width of a weight."""
        return self.weights.bits

    @cached_property
    def matrix(self) -> sparse.csr_array:
        """The weights, shape (n_out, n_in), without stored zeros."""
        if isinstance(self.weights, Weights):
            return self.weights.matrix
        if isinstance(self.weights, Diagonal):
            values = self.weights.values
        else:
            values = np.ones(self.weights.size, dtype=np.int64)
        (at,) = np.nonzero(values)
        return sparse.csr_array((values[at], (at, at)), shape=(len(values),) * 2)

    @property
    def shape(self) -> tuple[int, int]:
        """(n_out, n_in)."""
        if isinstance(self.weights, Weights):
            return self.weights.shape
        return self.weights.size, self.weights.size

    @property
    def dense_size(self) -> int:
        """Weights it would have without zeros; a diagonal has one per neuron."""
        n_out, n_in = self.shape
        return n_out * n_in if isinstance(self.weights, Weights) else n_out


@dataclass(frozen=True, eq=False)
class Graph(Brief):
    """How a layer computes.

    Parameters
    ----------
    nodes : tuple of Node
        In an order in which values can be computed.
    edges : tuple of Edge
    inp_bits : int
        Width of the payloads of ``inp``.
    out : str
        The wire that is the layer's answer.

    Raises
    ------
    SpecError
        When an edge leads nowhere, an accumulator gets nothing, or groups form a cycle.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    inp_bits: int
    out: str = "out"

    def __post_init__(self) -> None:
        senders, groups = {INP, *self.sender}, {n.name: n.group for n in self.nodes}
        for edge in self.edges:
            if edge.source not in senders or edge.target not in groups:
                text = f"leads from {edge.source!r} to {edge.target!r}"
                raise SpecError(f"{edge.name}: {text}, which the layer has not")
            known = groups[edge.target].accumulators
            if edge.accumulator not in known:
                raise SpecError(
                    f"{edge.name}: {edge.target} has no accumulator "
                    f"{edge.accumulator!r}, it has: {', '.join(known)}"
                )
        for name, group in groups.items():
            fed = {e.accumulator for e in self.edges if e.target == name}
            for accumulator in group.accumulators:
                if accumulator not in fed:
                    raise SpecError(f"group {name!r}: no edge to its {accumulator!r}")
        _ = self.depth

    @cached_property
    def sender(self) -> dict[str, Node]:
        """The node that sends each wire."""
        return {wire: node for node in self.nodes for wire in node.wires}

    @cached_property
    def depth(self) -> dict[str, int]:
        """Hops from ``inp`` to every node, along the longest way.

        Time steps until a token reaches it, since a hop takes one.
        """
        depth: dict[str, int] = {}
        for node in self.nodes:
            before = [self._sent_at(e, depth) for e in self.into(node)]
            if None in before:
                text = "hears a group that comes after it: no depth is defined"
                raise SpecError(f"group {node.name!r} {text}")
            depth[node.name] = 1 + max(d for d in before if d is not None)
        return depth

    def _sent_at(self, edge: Edge, depth: dict[str, int]) -> int | None:
        return 0 if edge.source == INP else depth.get(self.sender[edge.source].name)

    @property
    def latency(self) -> int:
        """Time steps from a token's arrival to the layer's answer."""
        return self.depth[self.sender[self.out].name]

    def delay(self, edge: Edge) -> int:
        """Time steps from sending to arrival; 1 where no hop is skipped."""
        return self.depth[edge.target] - (self._sent_at(edge, self.depth) or 0)

    def into(self, node: Node) -> tuple[Edge, ...]:
        """The edges that lead to a node."""
        return tuple(e for e in self.edges if e.target == node.name)

    def bits(self, wire: str) -> int:
        """Width of a wire's payloads."""
        return self.inp_bits if wire == INP else self.sender[wire].group.bits

    def reach(self, node: Node) -> dict[str, tuple[str, NDArray[np.int64]]]:
        """Worst case of each accumulator: whose it is, and a bound for each neuron."""
        reach: dict[str, tuple[str, NDArray[np.int64]]] = {}
        for edge in self.into(node):
            rows = edge.weights.row_magnitude << (self.bits(edge.source) - 1)
            if edge.accumulator in reach:
                name, bound = reach[edge.accumulator]
                reach[edge.accumulator] = f"{name} and {edge.name}", bound + rows
            else:
                reach[edge.accumulator] = edge.name, rows
        return reach


def _affine(layer: Affine, recipe: Recipe) -> Graph:
    nodes = (Node("affine", AffineGroup.of(layer, recipe)),)
    edges = (Edge("weights", INP, "affine", "W", layer.weights),)
    return Graph(nodes, edges, layer.inp.bits)


def _s5(block: S5Block, recipe: Recipe) -> Graph:
    nodes = (
        Node("recurrence", RecurrenceGroup.of(block, recipe)),
        Node("readout", ReadoutGroup.of(block, recipe)),
        Node("gate", GateGroup.of(block, recipe)),
    )
    one = Copies(block.d_model, block.W.bits)
    edges = (
        *_drive(block),
        Edge("C_re", "s_re", "readout", "C", block.C_re),
        Edge("C_imn", "s_im", "readout", "C", block.C_imn),
        Edge("W", "z", "gate", "W", block.W),
        Edge("D", INP, "readout", "D", block.D),
        Edge("z_copy", "z", "gate", "z", one),
        Edge("residual", INP, "gate", "u", one),
    )
    return Graph(nodes, edges, block.inp.bits)


def _drive(layer: S5Block | S4D) -> tuple[Edge, Edge]:
    """What drives the states: both parts of B."""
    return (
        Edge("B_re", INP, "recurrence", "B_re", layer.B_re),
        Edge("B_im", INP, "recurrence", "B_im", layer.B_im),
    )


def _s4d(layer: S4D, recipe: Recipe) -> Graph:
    nodes = (
        Node("recurrence", RecurrenceGroup.of_channels(layer)),
        Node("affine", AffineGroup.of_channels(layer)),
    )
    edges = (
        *_drive(layer),
        Edge("C_re", "s_re", "affine", "W", layer.C_re),
        Edge("C_imn", "s_im", "affine", "W", layer.C_imn),
    )
    return Graph(nodes, edges, layer.inp.bits)


GRAPHS: dict[str, Callable[[Any, Recipe], Graph]] = {
    Affine.type: _affine,
    S5Block.type: _s5,
    S4D.type: _s4d,
}


def graph_of(layer: Layer, recipe: Recipe) -> Graph:
    """The graph of a layer of any type."""
    return GRAPHS[layer.type](layer, recipe)
