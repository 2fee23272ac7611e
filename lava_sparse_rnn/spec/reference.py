# SPDX-License-Identifier: BSD-3-Clause
"""The reference executor: a network's equations in numpy, nothing else.

It has no time steps: row ``t`` of the answer belongs to token ``t``. All other ways
to run a network are compared with this one, integer by integer.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from lava_sparse_rnn.fixed_point import Arithmetic, OverflowCounters
from lava_sparse_rnn.spec._group import Held
from lava_sparse_rnn.spec._network import Network, check_network
from lava_sparse_rnn.spec.graph import INP, Graph, Node
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
Record = Callable[[str, NDArray], Any]


def run(
    network: Network,
    x: SequencesLike,
    trace: MutableMapping[str, Any] | None = None,
    counters: OverflowCounters | None = None,
) -> Any:
    """Run a network over integer tokens, every sequence from a zero state.

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

    Returns
    -------
    array of int64, shape (T, d_out) or (N, T, d_out), or a list of (T_i, d_out)
        Token ``t``'s answer in row ``t``.

    Raises
    ------
    SpecError
        When ``x`` has another width or values that do not fit the input wire.
    """
    check_network(network, "reference", x)
    sequences = Sequences.of(network, x)
    reference = Reference(network, counters=counters)
    return run_all(reference, sequences, trace)


class Reference(StreamDefaults):
    """A network with its state, for sequences that come in pieces: a `spec.Stream`.

    Parameters
    ----------
    network : Network
    arithmetic : Arithmetic, optional
        `IntegerArithmetic` of the network's recipe by default; `RealArithmetic`
        computes the same equations without rounding and saturation.
    counters : OverflowCounters, optional
        Where the integer arithmetic counts.
    """

    def __init__(
        self,
        network: Network,
        arithmetic: Arithmetic | None = None,
        counters: OverflowCounters | None = None,
    ) -> None:
        self.network = check_network(network, "reference")
        if arithmetic is None:
            arithmetic = network.recipe.arithmetic()
            if counters is not None:
                arithmetic.counters = counters
        self.arithmetic = arithmetic
        self.layers = [
            LayerExecutor(graph, arithmetic, f"layer{i}_")
            for i, graph in enumerate(network.graphs)
        ]

        self._real = arithmetic.dtype is np.float64

    def run(
        self,
        x: ArrayLike,
        progress: Progress | None = None,
        trace: Trace | None = None,
    ) -> NDArray:
        """Answers to the next tokens, shape (T, d_in) -> (T, d_out).

        With a ``trace`` (see `run`) they are computed in one piece.
        """
        x = check_tokens(self.network, x, real=self._real)
        if trace is None:
            return in_pieces(self._run, x, progress)
        return self._run(x, trace.__setitem__)

    def _run(self, values: NDArray, record: Record | None = None) -> NDArray:
        for layer in self.layers:
            values = layer.run(values, record or ignore)
        return values

    def step(self, u: ArrayLike) -> NDArray:
        """The answer to the next token, shape (d_in,) -> (d_out,)."""
        value = check_token(self.network, u, real=self._real)
        for layer in self.layers:
            value = layer.run(value, ignore)
        return value

    def reset(self) -> None:
        """Set every state to zero."""
        for layer in self.layers:
            layer.reset()

    @property
    def state(self) -> list[tuple[NDArray, ...]]:
        """Real and imaginary part of every block's state, copied; can be assigned."""
        return [
            tuple(part.copy() for part in layer.states[name])
            for layer, name in self._with_state
        ]

    @state.setter
    def state(self, parts: State) -> None:
        self.place(check_state(self.network, parts, real=self._real))

    def place(self, parts: State) -> None:
        """Go on from a state that nobody checks: numpy has room for any."""
        for (layer, name), values in zip(self._with_state, parts, strict=True):
            layer.states[name] = tuple(np.array(value) for value in values)

    @property
    def _with_state(self) -> list[tuple[LayerExecutor, str]]:
        nodes = [(layer, n) for layer in self.layers for n in layer.graph.nodes]
        return [(layer, node.name) for layer, node in nodes if node.states]

    def idle(self, u: NDArray, token: NDArray) -> tuple[dict[str, NDArray], NDArray]:
        """What every wire carries in steps without a token, and what leaves then.

        Biases make neurons send then, too. Token ``j`` arrives at step ``j``, so that
        negative ones never arrive: they fill a pipeline that was empty before step 0.

        Parameters
        ----------
        u : array, shape (T, d_in)
            What is received; zeros for negative tokens.
        token : array of int, shape (T,)

        Returns
        -------
        wires : dict of str to array, shape (T, n) each
            By the names of a trace.
        out : array, shape (T, d_out)
        """
        wires: dict[str, NDArray] = {}
        step, u = token, u.astype(self.arithmetic.dtype)
        for layer in self.layers:
            sent = layer.idle(u, step)
            wires |= {layer.prefix + name: sent[name] for name in layer.graph.sender}
            step, u = step + layer.graph.latency, sent[layer.graph.out]
        return wires, u

    @property
    def counters(self) -> OverflowCounters:
        """What did not fit since the stream was made, by tensor."""
        return OverflowCounters(self.arithmetic.counters)


def ignore(name: str, value: NDArray) -> None:
    """A record that keeps nothing."""


class Synapses:
    """All synapses of a group: what arrives at its neurons.

    Weights are one sparse matrix, accumulators below each other and wires beside each
    other; what only copies needs none.
    """

    def __init__(self, graph: Graph, node: Node, dtype: type) -> None:
        self.accumulators, self.n = node.group.accumulators, node.group.size
        edges = graph.into(node)
        self.copies = [(e.accumulator, e.source) for e in edges if e.copies]
        edges = [e for e in edges if not e.copies]
        self.weighted = list(dict.fromkeys(e.accumulator for e in edges))
        self.sources = list(dict.fromkeys(e.source for e in edges))
        blocks: list[list[Any]] = [[None] * len(self.sources) for _ in self.weighted]
        for e in edges:
            row, column = (
                self.weighted.index(e.accumulator),
                self.sources.index(e.source),
            )
            before = blocks[row][column]
            blocks[row][column] = e.matrix if before is None else before + e.matrix
        self.matrix: Any = None
        if edges:
            self.matrix = sparse.block_array(blocks, format="csr").astype(dtype)

    def __call__(self, wires: dict[str, NDArray]) -> list[NDArray]:
        """Sums of each accumulator, shape (..., n), of wires, shape (..., n_in)."""
        acc: dict[str, NDArray] = {}
        if self.sources:
            sent = [wires[source] for source in self.sources]
            u = sent[0] if len(sent) == 1 else np.concatenate(sent, axis=-1)
            sums = self.matrix @ u if u.ndim == 1 else (self.matrix @ u.T).T
            for i, name in enumerate(self.weighted):
                acc[name] = sums[..., i * self.n : (i + 1) * self.n]
        for name, source in self.copies:
            acc[name] = acc[name] + wires[source] if name in acc else wires[source]
        return [acc[name] for name in self.accumulators]


class LayerExecutor:
    """The groups of a layer, one after another: synapses add up, neurons answer."""

    def __init__(self, graph: Graph, arithmetic: Arithmetic, prefix: str) -> None:
        self.graph, self.arithmetic, self.prefix = graph, arithmetic, prefix
        self.synapses = {
            n.name: Synapses(graph, n, arithmetic.dtype) for n in graph.nodes
        }
        self.states: dict[str, Held] = {}
        self.reset()

    def reset(self) -> None:
        for node in self.graph.nodes:
            zero = np.zeros(node.group.size, dtype=self.arithmetic.dtype)
            self.states[node.name] = tuple(zero.copy() for _ in node.states)

    def run(self, u: NDArray, record: Record) -> NDArray:
        """Answers to tokens, shape (T, d_in) -> (T, d_out); or to one, without T."""
        wires = {INP: u}
        for node in self.graph.nodes:
            acc, at = self.synapses[node.name](wires), self.prefix + node.prefix
            values, self.states[node.name] = node.group.answer(
                acc, self.states[node.name], self.arithmetic, at
            )
            for name, value in values.items():
                record(at + name, value)
                wires[node.prefix + name] = value
        return wires[self.graph.out]

    def idle(self, u: NDArray, step: NDArray) -> dict[str, NDArray]:
        """What its wires carry in steps without a token, shape (T, n) each.

        Groups with a state rest and send zeros; all others answer what arrives, but
        nothing is sent before time step 0.

        Parameters
        ----------
        u : array, shape (T, d_in)
            What arrives.
        step : array of int, shape (T,)
            When.
        """
        wires = {INP: u}
        for node in self.graph.nodes:
            if node.states:
                rest = np.zeros((len(u), node.group.size), dtype=self.arithmetic.dtype)
                values = dict.fromkeys(node.group.outputs, rest)
            else:
                acc = self.synapses[node.name](wires)
                values, _ = node.group.answer(acc, (), self.arithmetic)
            sent = (step + self.graph.depth[node.name] >= 0)[:, None]
            for name in node.group.outputs:
                wires[node.prefix + name] = values[name] * sent
        return wires
