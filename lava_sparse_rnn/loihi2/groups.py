# SPDX-License-Identifier: BSD-3-Clause
"""A network as a chip sees it: groups of neurons, and synapses between them.

The paper that this library follows has the same groups on the chip: one for the
encoder, three per block, one for the decoder (arXiv 2502.01330).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lava_sparse_rnn import microcode
from lava_sparse_rnn.fixed_point import Brief
from lava_sparse_rnn.microcode import Kind, Program, Report, Timing
from lava_sparse_rnn.spec import Network, check_network
from lava_sparse_rnn.spec.graph import INP, Graph, Node

IntArray = NDArray[np.int64]
INPUT = "input"


@dataclass(frozen=True, eq=False)
class Connection(Brief):
    """Synapses from one wire to one accumulator of a group.

    Parameters
    ----------
    name : str
        As in ``layer1_B_re``.
    source : str
        The wire, named as in a trace of the reference executor, or ``input``.
    accumulator : str
        Of the receiving group's program.
    matrix : csr_array of int, shape (n_out, n_in)
        Without stored zeros.
    bits : int
        Width of a weight.
    delay : int
        Time steps from sending to arrival.
    copies : bool
        An identity that hands a value on; the network has no such weights.
    """

    name: str
    source: str
    accumulator: str
    matrix: sparse.csr_array
    bits: int
    delay: int = 1
    copies: bool = False

    def _about(self) -> str:
        n_out, n_in = self.shape
        what = "copies" if self.copies else f"{self.nnz:,} weights of {self.bits} bits"
        ends = f"{self.source!r} to {self.accumulator!r}, delay {self.delay}"
        return f"{self.name!r}, {n_out} x {n_in}, {what}, {ends}"

    @property
    def shape(self) -> tuple[int, int]:
        """(n_out, n_in)."""
        return cast("tuple[int, int]", self.matrix.shape)

    @property
    def nnz(self) -> int:
        """Weights that are not zero."""
        return int(self.matrix.nnz)

    @cached_property
    def row_nnz(self) -> IntArray:
        """Weights that are not zero of each receiving neuron, shape (n_out,)."""
        return np.diff(self.matrix.indptr).astype(np.int64)

    @cached_property
    def column_nnz(self) -> IntArray:
        """Weights that are not zero of each sending neuron, shape (n_in,)."""
        return np.bincount(self.matrix.indices, minlength=self.shape[1])


@dataclass(frozen=True, eq=False)
class ChipGroup(Brief):
    """Neurons that execute one program.

    Parameters
    ----------
    name : str
        As in ``layer1_gate``.
    kind : str
        affine, recurrence, readout or gate; or that of a `spec` group of your own.
    layer : int
    depth : int
        Hops from the input: the time step of its first token, where that enters the
        network in step 0.
    size : int
        Neurons.
    prefix : str
        Of the names of its wires and tensors, as in ``layer1_``.
    wires : tuple of str
        What its neurons send, one payload per neuron and wire.
    payload_bits : int
    inputs : tuple of Connection
    program : Program
        For a network in which a token arrives in every step.
    spikes : {"always", "each", "together"}
        Which SPIKE instructions are executed: all; each where its payload is not 0;
        all of a neuron where any is not 0.
    constants : object
        The group's constants, a dataclass of `spec.groups`.
    """

    name: str
    kind: str
    layer: int
    depth: int
    size: int
    prefix: str
    wires: tuple[str, ...]
    payload_bits: int
    inputs: tuple[Connection, ...]
    program: Program
    spikes: str
    constants: Any

    def _about(self) -> str:
        sends = f"{' '.join(self.wires)} of {self.payload_bits} bits"
        inputs = f"{len(self.inputs)} inputs with {self.synapses:,} synapses"
        what = f"{self.size} neurons at depth {self.depth}"
        return f"{self.name!r}, {what}, {inputs}, sends {sends}"

    @cached_property
    def report(self) -> Report:
        """What the static checker says about the program."""
        return microcode.check(self.program)

    @cached_property
    def token_path(self) -> int:
        """Instructions of a neuron for a token, SPIKEs that it may skip left out."""
        shortest = microcode.check(microcode.program_for(self.constants)).shortest
        return shortest + self.report.longest - self._unclocked_longest

    @cached_property
    def idle_path(self) -> int:
        """The same in a step without a token."""
        return self.report.shortest

    @property
    def _unclocked_longest(self) -> int:
        return microcode.check(microcode.program_for(self.constants)).longest

    @cached_property
    def accumulator_slots(self) -> int:
        """Numbers that a neuron's accumulators hold.

        Synapses with a delay of d steps fill d slots while one more is read:
        ``d + 1`` per accumulator. Our choice, the chip's is not public.
        """
        delays: dict[str, int] = {}
        for c in self.inputs:
            delays[c.accumulator] = max(delays.get(c.accumulator, 0), c.delay)
        return sum(d + 1 for d in delays.values())

    @property
    def group_constants(self) -> int:
        """Constants that all neurons of a core share."""
        return len(self.program.of_kind(Kind.GROUP))

    @property
    def work(self) -> int:
        """Instructions of all neurons for a token, on the longest path."""
        return self.size * self.report.longest

    @property
    def synapses(self) -> int:
        """Weights that are not zero, copies included."""
        return sum(c.nnz for c in self.inputs)


def neuron_groups(network: Network) -> tuple[ChipGroup, ...]:
    """The groups of a network, layer after layer, in the order of their depths.

    Parameters
    ----------
    network : Network
    """
    check_network(network, "neuron_groups")
    groups: list[ChipGroup] = []
    source, depth = INPUT, 0
    for i, graph in enumerate(network.graphs):
        groups += (_group(node, graph, i, source, depth) for node in graph.nodes)
        source, depth = f"layer{i}_{graph.out}", depth + graph.latency
    return tuple(groups)


def _group(node: Node, graph: Graph, i: int, source: str, before: int) -> ChipGroup:
    """A node of layer ``i``, which hears ``source`` after ``before`` hops."""
    prefix, group = f"layer{i}_", node.group
    depth = before + graph.depth[node.name]
    inputs = (
        Connection(
            name=prefix + edge.name,
            source=source if edge.source == INP else prefix + edge.source,
            accumulator=edge.accumulator,
            matrix=edge.matrix,
            bits=edge.bits,
            delay=graph.delay(edge),
            copies=edge.copies,
        )
        for edge in graph.into(node)
    )
    return ChipGroup(
        name=prefix + node.name,
        kind=group.kind,
        layer=i,
        depth=depth,
        size=group.size,
        prefix=prefix + node.prefix,
        wires=tuple(prefix + wire for wire in node.wires),
        payload_bits=group.bits,
        inputs=tuple(inputs),
        # A group with a state waits for its first token: its program is clocked.
        program=microcode.program_for(group, Timing(depth) if node.states else None),
        spikes=microcode.BINDINGS[type(group)].spikes(group),
        constants=group,
    )
