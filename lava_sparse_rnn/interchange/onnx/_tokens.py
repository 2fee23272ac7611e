# SPDX-License-Identifier: BSD-3-Clause
"""The two graphs: of one token, and of a sequence, whose recurrences are loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from lava_sparse_rnn.interchange.onnx._values import Builder, Operator, Value

Values = Sequence[Value]
Body = Callable[[Values, Values], tuple[Values, Values]]
"""States and inputs of a token to the next states and what the token gives."""


class Tokens(Protocol):
    """How tokens come.

    Attributes
    ----------
    axes : tuple of str
        In front of a token's own.
    """

    @property
    def axes(self) -> tuple[str, ...]: ...

    def recur(
        self, name: str, body: Body, states: Values, inputs: Values
    ) -> tuple[Values, Values]:
        """The states after all tokens, and what each of them gives.

        Parameters
        ----------
        name : str
            Of the recurrence.
        body : callable
        states : sequence of Value
            Before the first token.
        inputs : sequence of Value
        """
        ...


class OneToken:
    """A token and the states before it: the equations, once."""

    axes = ("batch",)

    def recur(
        self, name: str, body: Body, states: Values, inputs: Values
    ) -> tuple[Values, Values]:
        """See `Tokens`."""
        return body(states, inputs)


class WholeSequence:
    """Tokens one after another: what has a state is the body of a ``Scan``.

    Everything else is computed for all tokens at once.
    """

    axes = ("batch", "time")

    def recur(
        self, name: str, body: Body, states: Values, inputs: Values
    ) -> tuple[Values, Values]:
        """See `Tokens`."""
        inner = Builder(f"{name}_body_")
        before = [
            Value(inner, v.dtype, v.n, f"{name}_body_{v.name or f'in{i}'}")
            for i, v in enumerate([*states, *inputs])
        ]
        after, given = body(before[: len(states)], before[len(states) :])
        # An output may be an input of the body, or be there twice.
        ends = [inner.add("Identity", value) for value in (*after, *given)]
        axes = [("batch",)] * (len(before) + len(ends))  # of one token, of a state
        graph = inner.graph(f"{name}_body", before, ends, axes)
        builder = states[0].builder
        outputs = [Value(builder, v.dtype, v.n) for v in ends]
        attributes = {
            "body": graph,
            "num_scan_inputs": len(inputs),
            "scan_input_axes": [1] * len(inputs),
            "scan_output_axes": [1] * len(given),
        }
        operator = Operator("Scan", (*states, *inputs), tuple(outputs), attributes)
        builder.operators.append(operator)
        return outputs[: len(states)], outputs[len(states) :]


GRAPHS: dict[str, type[Tokens]] = {"token": OneToken, "sequence": WholeSequence}
"""Graphs by name."""
