# SPDX-License-Identifier: BSD-3-Clause
"""A whole network on interpreters, token by token, without time steps.

Synapses are plain integer products; every neuron group is its program.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from lava_sparse_rnn.fixed_point import OverflowCounters
from lava_sparse_rnn.microcode._groups import interpreter_for
from lava_sparse_rnn.microcode._interpreter import Interpreter
from lava_sparse_rnn.spec import Network, Recipe, check_network
from lava_sparse_rnn.spec.graph import INP, Graph
from lava_sparse_rnn.spec.sequences import Sequences, SequencesLike, run_all
from lava_sparse_rnn.spec.stream import (
    Progress,
    State,
    StreamDefaults,
    check_state,
    check_token,
    check_tokens,
    in_pieces,
)

Trace = MutableMapping[str, NDArray]
Note = Callable[[str, NDArray], Any]


@dataclass(frozen=True)
class InstructionCount:
    """What the neurons of one group executed in a run.

    Parameters
    ----------
    neurons, tokens : int
    total : int
        Instructions, by all neurons for all tokens.
    longest : int
        The most that one neuron executed for one token.
    shortest_path, longest_path : int
        Of the program, whatever the data.
    messages : int
        Spikes that were sent.
    by_opcode : dict of str to int
        `total`, by instruction.
    """

    neurons: int
    tokens: int
    total: int
    longest: int
    shortest_path: int
    longest_path: int
    messages: int
    by_opcode: dict[str, int]

    @property
    def per_token(self) -> float:
        """Instructions of the whole group for one token, on average."""
        return self.total / self.tokens if self.tokens else 0.0

    @property
    def per_neuron(self) -> float:
        """Instructions of one neuron for one token, on average."""
        return self.per_token / self.neurons

    @classmethod
    def of(cls, interpreter: Interpreter) -> InstructionCount:
        """What an interpreter has counted since its `reset_counts`."""
        return cls(
            neurons=interpreter.n_neurons,
            tokens=interpreter.steps,
            total=interpreter.executed_total,
            longest=interpreter.longest_executed,
            shortest_path=interpreter.report.shortest,
            longest_path=interpreter.report.longest,
            messages=sum(interpreter.messages.values()),
            by_opcode=dict(interpreter.executed_by_opcode),
        )


Counts = MutableMapping[str, InstructionCount]


def run(
    network: Network,
    x: SequencesLike,
    trace: MutableMapping[str, Any] | None = None,
    counters: OverflowCounters | None = None,
    counts: Counts | None = None,
) -> Any:
    """Run a network over integer tokens, every sequence from a zero state.

    The integers are those of `lava_sparse_rnn.spec.reference.run`.

    Parameters
    ----------
    network : Network
    x : array of int, shape (T, d_in) or (N, T, d_in), or a list of arrays (T_i, d_in)
        Payloads of the input wire: one sequence, or several.
    trace : dict, optional
        Filled with every wire, state and gate argument, each of shape (T, n), under
        ``layer<i>_<name>``; of several sequences as the answers are.
    counters : OverflowCounters, optional
        Grows by what did not fit, under the same names.
    counts : dict, optional
        Filled with an `InstructionCount` per neuron group, under
        ``layer<i>_<group>``.

    Returns
    -------
    array of int64, shape (T, d_out) or (N, T, d_out), or a list of (T_i, d_out)

    Raises
    ------
    SpecError
        When ``x`` has another width or values that do not fit the input wire.
    """
    check_network(network, "microcode", x)
    stream = Stream(network)
    y = run_all(stream, Sequences.of(network, x), trace)
    if counters is not None:
        counters.update(stream.counters)
    if counts is not None:
        counts.update(stream.counts)
    return y


class Stream(StreamDefaults):
    """A network whose groups are interpreters, with its state: a `spec.Stream`.

    Parameters
    ----------
    network : Network
    """

    def __init__(self, network: Network) -> None:
        self.network = check_network(network, "microcode")
        self.layers = [
            _Layer(graph, network.recipe, f"layer{i}_")
            for i, graph in enumerate(network.graphs)
        ]

    @property
    def groups(self) -> dict[str, Interpreter]:
        """Every group's interpreter, under ``layer<i>_<group>``."""
        return {
            layer.prefix + name: interpreter
            for layer in self.layers
            for name, interpreter in layer.groups.items()
        }

    def run(
        self,
        x: ArrayLike,
        progress: Progress | None = None,
        trace: Trace | None = None,
    ) -> NDArray[np.int64]:
        """Answers to the next tokens, shape (T, d_in) -> (T, d_out).

        With a ``trace`` (see `run`) they are computed in one piece.
        """
        tokens = check_tokens(self.network, x)
        if trace is None:
            return in_pieces(self._run, tokens, progress)
        sizes = {n: size for layer in self.layers for n, size in layer.wires.items()}
        values: dict[str, list[NDArray]] = {name: [] for name in sizes}

        def record(name: str, value: NDArray) -> None:
            values[name].append(value)

        y = self._run(tokens, record)
        for name, n in sizes.items():
            whole = np.array(values[name], dtype=np.int64)
            trace[name] = whole.reshape(len(tokens), n)
        return y

    def _run(self, tokens: NDArray, note: Note | None = None) -> NDArray[np.int64]:
        y = np.zeros((len(tokens), self.network.d_out), dtype=np.int64)
        for t, u in enumerate(tokens.astype(np.int32)):
            for layer in self.layers:
                u = layer.step(u, note or _ignore)
            y[t] = u
        return y

    def step(self, u: ArrayLike) -> NDArray[np.int64]:
        """The answer to the next token, shape (d_in,) -> (d_out,)."""
        return self._run(check_token(self.network, u)[None])[0]

    @property
    def executed(self) -> dict[str, int]:
        """Instructions executed so far by all neurons of each group."""
        return {name: i.executed_total for name, i in self.groups.items()}

    @property
    def counts(self) -> dict[str, InstructionCount]:
        """What each group has executed so far, under ``layer<i>_<group>``."""
        return {name: InstructionCount.of(i) for name, i in self.groups.items()}

    @property
    def counters(self) -> OverflowCounters:
        """What did not fit since the stream was made, under the reference's names."""
        return OverflowCounters(
            {
                layer.prefix + tensor: hits
                for layer in self.layers
                for node in layer.graph.nodes
                for name, tensor in zip(node.group.tensors, node.tensors, strict=True)
                if (hits := layer.groups[node.name].counters[name])
            }
        )

    @property
    def state(self) -> list[tuple[NDArray[np.int64], ...]]:
        """Real and imaginary part of every block's state, copied; can be assigned."""
        return [
            tuple(interpreter.read(name) for name in names)
            for interpreter, names in self._recurrences
        ]

    @state.setter
    def state(self, parts: State) -> None:
        parts = check_state(self.network, parts)
        for (interpreter, names), values in zip(self._recurrences, parts, strict=True):
            for name, value in zip(names, values, strict=True):
                interpreter.write(name, value)

    @property
    def _recurrences(self) -> list[tuple[Interpreter, tuple[str, ...]]]:
        return [
            (layer.groups[node.name], node.group.states)
            for layer in self.layers
            for node in layer.graph.nodes
            if node.states
        ]

    def reset(self) -> None:
        """Set every state to zero."""
        for interpreter in self.groups.values():
            interpreter.reset()


def _ignore(name: str, value: NDArray) -> None:
    """A note that keeps nothing."""


def _synapses(matrix: Any) -> sparse.csr_array:
    # The load-time proof keeps every accumulator within 32 bits.
    return sparse.csr_array(matrix.astype(np.int32))


class _Layer:
    """Interpreters of a layer's groups, joined by its synapses."""

    def __init__(self, graph: Graph, recipe: Recipe, prefix: str) -> None:
        self.graph, self.prefix = graph, prefix
        self.groups = {
            node.name: interpreter_for(node.group, recipe.rounding, recipe.overflow)
            for node in graph.nodes
        }
        self.synapses = {edge.name: _synapses(edge.matrix) for edge in graph.edges}

    @property
    def wires(self) -> dict[str, int]:
        """Names of what a trace records, with their sizes."""
        return {
            self.prefix + tensor: node.group.size
            for node in self.graph.nodes
            for tensor in node.tensors
        }

    def step(self, u: NDArray, note: Note) -> NDArray:
        """The answer to one token."""
        wires = {INP: u}
        for node in self.graph.nodes:
            interpreter, acc = self.groups[node.name], {}
            for edge in self.graph.into(node):
                sent = wires[edge.source]
                arrived = sent if edge.copies else self.synapses[edge.name] @ sent
                acc[edge.accumulator] = acc.get(edge.accumulator, 0) + arrived
            sent = interpreter.step(acc)
            wires |= {node.prefix + name: value for name, value in sent.items()}
            if note is not _ignore:
                for name, tensor in zip(node.group.tensors, node.tensors, strict=True):
                    value = sent[name] if name in sent else interpreter.read(name)
                    note(self.prefix + tensor, value)
        return wires[self.graph.out]
