# SPDX-License-Identifier: BSD-3-Clause
"""A network as a chip sees it: groups of neurons, and synapses between them.

The paper that this library follows has the same groups on the chip: one for the
encoder, three per block, one for the decoder (arXiv 2502.01330).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lava_sparse_rnn import microcode
from lava_sparse_rnn.microcode import Kind, Program, Report, Timing
from lava_sparse_rnn.spec import Affine, Network, Recipe, S5Block, Weights
from lava_sparse_rnn.spec.groups import (
    AffineGroup,
    GateGroup,
    ReadoutGroup,
    RecurrenceGroup,
)

IntArray = NDArray[np.int64]
INPUT = "input"


@dataclass(frozen=True, eq=False)
class Connection:
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
class NeuronGroup:
    """Neurons that execute one program.

    Parameters
    ----------
    name : str
        As in ``layer1_gate``.
    kind : str
        affine, recurrence, readout or gate.
    layer : int
    depth : int
        Hops from the input: the time step of its first token, where that enters the
        network in step 0.
    size : int
        Neurons.
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
    wires: tuple[str, ...]
    payload_bits: int
    inputs: tuple[Connection, ...]
    program: Program
    spikes: str
    constants: Any

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


def neuron_groups(network: Network) -> tuple[NeuronGroup, ...]:
    """The groups of a network, in the order of their depths.

    Parameters
    ----------
    network : Network

    Returns
    -------
    tuple of NeuronGroup
        One group at each depth from 1 to ``network.latency``.
    """
    groups: list[NeuronGroup] = []
    source = INPUT
    for i, layer in enumerate(network.layers):
        make = LAYER_GROUPS[layer.type]
        groups += make(layer, network.recipe, i, source, len(groups) + 1)
        source = f"layer{i}_out"
    return tuple(groups)


def _weights(
    prefix: str, name: str, source: str, accumulator: str, weights: Weights
) -> Connection:
    return Connection(prefix + name, source, accumulator, weights.matrix, weights.bits)


def _diagonal(values: NDArray) -> sparse.csr_array:
    (at,) = np.nonzero(values)
    return sparse.csr_array((values[at], (at, at)), shape=(len(values),) * 2)


def _affine(
    layer: Affine, recipe: Recipe, i: int, source: str, depth: int
) -> Iterator[NeuronGroup]:
    prefix = f"layer{i}_"
    group = AffineGroup.of(layer, recipe)
    yield NeuronGroup(
        name=prefix + "affine",
        kind="affine",
        layer=i,
        depth=depth,
        size=layer.out.size,
        wires=(prefix + "out",),
        payload_bits=layer.out.bits,
        inputs=(_weights(prefix, "weights", source, "W", layer.weights),),
        program=microcode.program_for(group),
        spikes="each" if layer.relu else "always",
        constants=group,
    )


STATE_SPIKES = {"real_gate": "together", "split": "each", "none": "always"}


def _s5(
    block: S5Block, recipe: Recipe, i: int, source: str, depth: int
) -> Iterator[NeuronGroup]:
    for build in (_recurrence, _readout, _gate):
        yield build(block, recipe, i, source, depth)


def _recurrence(
    block: S5Block, recipe: Recipe, i: int, source: str, depth: int
) -> NeuronGroup:
    prefix = f"layer{i}_"
    group = RecurrenceGroup.of(block, recipe)
    return NeuronGroup(
        name=prefix + "recurrence",
        kind="recurrence",
        layer=i,
        depth=depth,
        size=block.d_state,
        wires=(prefix + "s_re", prefix + "s_im"),
        payload_bits=block.s.bits,
        inputs=(
            _weights(prefix, "B_re", source, "B_re", block.B_re),
            _weights(prefix, "B_im", source, "B_im", block.B_im),
        ),
        # It waits for its first token, so its program is the clocked one.
        program=microcode.program_for(group, Timing(depth)),
        spikes=STATE_SPIKES[recipe.state_nonlinearity],
        constants=group,
    )


def _readout(
    block: S5Block, recipe: Recipe, i: int, source: str, depth: int
) -> NeuronGroup:
    prefix = f"layer{i}_"
    D = _diagonal(block.D.values)
    group = ReadoutGroup.of(block, recipe)
    return NeuronGroup(
        name=prefix + "readout",
        kind="readout",
        layer=i,
        depth=depth + 1,
        size=block.d_model,
        wires=(prefix + "z",),
        payload_bits=block.z.bits,
        inputs=(
            _weights(prefix, "C_re", prefix + "s_re", "C", block.C_re),
            _weights(prefix, "C_imn", prefix + "s_im", "C", block.C_imn),
            Connection(prefix + "D", source, "D", D, block.D.bits, delay=2),
        ),
        program=microcode.program_for(group),
        spikes="each",
        constants=group,
    )


def _gate(
    block: S5Block, recipe: Recipe, i: int, source: str, depth: int
) -> NeuronGroup:
    prefix = f"layer{i}_"
    z, bits = prefix + "z", block.W.bits
    one = _diagonal(np.ones(block.d_model, dtype=np.int64))
    group = GateGroup.of(block, recipe)
    return NeuronGroup(
        name=prefix + "gate",
        kind="gate",
        layer=i,
        depth=depth + 2,
        size=block.d_model,
        wires=(prefix + "out",),
        payload_bits=block.out.bits,
        inputs=(
            _weights(prefix, "W", z, "W", block.W),
            Connection(prefix + "z_copy", z, "z", one, bits, copies=True),
            Connection(prefix + "residual", source, "u", one, bits, 3, copies=True),
        ),
        program=microcode.program_for(group),
        spikes="each",
        constants=group,
    )


LAYER_GROUPS: dict[str, Callable[..., Iterator[NeuronGroup]]] = {
    Affine.type: _affine,
    S5Block.type: _s5,
}
