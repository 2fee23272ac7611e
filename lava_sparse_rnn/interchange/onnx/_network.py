# SPDX-License-Identifier: BSD-3-Clause
"""A network description as values of a graph: its groups' own equations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import Arithmetic, IntegerArithmetic, RealArithmetic
from lava_sparse_rnn.interchange.onnx._tokens import Tokens, Values
from lava_sparse_rnn.interchange.onnx._values import Builder, Value
from lava_sparse_rnn.spec import Network
from lava_sparse_rnn.spec.graph import INP, Edge, Graph, Node
from lava_sparse_rnn.spec.stream import states_of

OUTSIDE = np.int32  # of tokens, answers and states: no format has more bits
INSIDE = np.int64


class IntegerEquations(IntegerArithmetic):
    """Integer arithmetic whose fits are operators; shifts already are."""

    def fit(self, q: Any, bits: int) -> Any:
        """See `Arithmetic`."""
        half = 1 << (bits - 1)
        if self.overflow == "wrap":
            return (q + half) % (2 * half) - half
        # What is fitted is below 2**30, by the description's proof.
        return np.clip(q.astype(np.int32), -half, half - 1).astype(INSIDE)

    def count(self, name: str, before: Any, after: Any) -> None:
        """Nothing is counted in a graph."""


@dataclass(frozen=True)
class Traced:
    """Inputs and outputs of a network's graph.

    Parameters
    ----------
    u, y : Value
    real : Value
        ``y`` as the real values that it stands for.
    states, following : dict of Value
        Before and after, by name.
    """

    u: Value
    y: Value
    real: Value
    states: dict[str, Value]
    following: dict[str, Value]


def trace(network: Network, dtype: Any, builder: Builder, tokens: Tokens) -> Traced:
    """Write a network down.

    Parameters
    ----------
    network : Network
    dtype : type or None
        Of real numbers; None for integers.
    builder : Builder
        Gets the operators.
    tokens : Tokens
    """
    outside, inside = (OUTSIDE, INSIDE) if dtype is None else (dtype, dtype)
    states = {
        name: Value(builder, outside, group.size, name)
        for names, group in states_of(network.graphs)
        for name in names
    }
    held = {name: value.astype(inside) for name, value in states.items()}
    u = Value(builder, outside, network.d_in, "u")
    first, last = network.layers[0].inp, network.layers[-1].out
    real = dtype is not None
    values = u * np.ldexp(1.0, first.frac) if real else u.astype(inside)
    arithmetic: Arithmetic = RealArithmetic()
    if not real:
        arithmetic = IntegerEquations(network.recipe.rounding, network.recipe.overflow)
    for i, graph in enumerate(network.graphs):
        layer = _Layer(f"layer{i}_", graph, arithmetic, tokens, held)
        values = layer.run(values)
    answer = values.astype(dtype or np.float64) * np.ldexp(1.0, -last.frac)
    y = answer if real else values.astype(outside)
    after = {name: value.astype(outside) for name, value in held.items()}
    return Traced(u, y, answer, states, after)


@dataclass(frozen=True)
class _Layer:
    """A layer's groups, one after another; ``held`` is every state so far."""

    prefix: str
    graph: Graph
    arithmetic: Arithmetic
    tokens: Tokens
    held: dict[str, Value]

    def run(self, u: Value) -> Value:
        wires = {INP: u}
        for node in self.graph.nodes:
            accumulators = [
                self._sum(node, name, wires) for name in node.group.accumulators
            ]
            sent = self._answer(node, accumulators)
            for wire, value in zip(node.wires, sent, strict=True):
                value.name = value.name or self.prefix + wire
                wires[wire] = value
        return wires[self.graph.out]

    def _answer(self, node: Node, accumulators: list[Value]) -> Values:
        """What a group sends; states in `held` become those after the tokens."""
        group, at = node.group, self.prefix + node.prefix
        answer: Any = group.answer  # it is called with values in place of arrays

        def body(states: Values, inputs: Values) -> tuple[Values, Values]:
            given, after = answer(inputs, tuple(states), self.arithmetic, at)
            return after, [given[name] for name in group.outputs]

        names = [self.prefix + name for name in node.states]
        if not names:
            return body((), accumulators)[1]
        before = [self.held[name] for name in names]
        after, sent = self.tokens.recur(
            f"{self.prefix}{node.name}", body, before, accumulators
        )
        self.held.update(zip(names, after, strict=True))
        return sent

    def _sum(self, node: Node, accumulator: str, wires: dict[str, Value]) -> Value:
        """What all edges to an accumulator bring."""
        edges = [e for e in self.graph.into(node) if e.accumulator == accumulator]
        brought = [_arriving(e, wires[e.source], self.prefix) for e in edges]
        return sum(brought[1:], brought[0])


def _arriving(edge: Edge, payload: Value, prefix: str) -> Value:
    """Weights times payloads, in 32 bits: the description's proof is for them."""
    if edge.copies:
        return payload
    builder, real = payload.builder, payload.dtype.kind == "f"
    dense: NDArray = edge.matrix.toarray()
    diagonal = edge.dense_size != dense.size
    weights = dense.diagonal() if diagonal else dense.T
    # As narrow as a file can hold them; the type of the product is made when it runs.
    held = builder.constant(weights, payload.dtype if real else np.int8)
    held.name = held.name or f"{prefix}{edge.name}"
    inside = payload.dtype if real else np.int32
    held, sent = held.astype(inside), payload.astype(inside)
    operator = "Mul" if diagonal else "MatMul"
    return builder.add(operator, sent, held, n=len(dense)).astype(payload.dtype)
