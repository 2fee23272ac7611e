# SPDX-License-Identifier: BSD-3-Clause
"""What computes the tokens of a fused model: the compiled engine, or numpy.

The engine computes integers where its extension is built; real numbers, and integers
where it is not, are numpy's. Both give the same at every port and in every Var, so
nobody has to choose; for comparisons the environment variable ``LAVA_SPARSE_RNN_FUSED``
does, with the values ``engine`` and ``reference``, read when a model is built.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Protocol

from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn import engine
from lava_sparse_rnn.fixed_point import (
    IntegerArithmetic,
    OverflowCounters,
    SpecError,
    choose,
)
from lava_sparse_rnn.spec import Network
from lava_sparse_rnn.spec.reference import Reference
from lava_sparse_rnn.spec.stream import State, Stepper

VARIABLE = "LAVA_SPARSE_RNN_FUSED"


class Executor(Stepper, Protocol):
    """What a fused model steps: `state` and `counters` are those of shown tokens.

    Attributes
    ----------
    computes_ahead : bool
        Whether a token is computed in the pause before the step in which its answer
        leaves, and so before it is shown.
    """

    computes_ahead: bool

    def show(self) -> None:
        """The answer of the last `step` leaves.

        Where a state is assigned instead, what was computed is dropped.
        """
        ...


class EngineExecutor(engine.Stream):
    """The compiled engine: a token takes it microseconds."""

    computes_ahead = False

    def show(self) -> None:
        """Nothing was computed that has not been shown."""


class Ahead:
    """A stream whose last token is not seen before its answer leaves.

    Parameters
    ----------
    stream : Stepper
        A token takes it as long as Lava's messages take, or longer.
    counters : OverflowCounters, optional
        What was counted before.
    """

    computes_ahead = True

    def __init__(
        self, stream: Stepper, counters: OverflowCounters | None = None
    ) -> None:
        self.stream, self.reset = stream, stream.reset
        self.counters = OverflowCounters(counters)
        self._before, self._shown = stream.counters, stream.state

    def step(self, u: ArrayLike) -> NDArray:
        """The answer to the next token, shape (d_in,) -> (d_out,)."""
        self._before = self.stream.counters
        return self.stream.step(u)

    def show(self) -> None:
        """The answer of the last `step` leaves."""
        self._shown = self.stream.state
        self.counters.update(self.stream.counters)
        self.counters.subtract(self._before)

    @property
    def state(self) -> list[tuple[NDArray, ...]]:
        """Real and imaginary part of every block's state, as last shown."""
        return self._shown

    @state.setter
    def state(self, parts: State) -> None:
        self._place(parts)
        self._shown = self.stream.state

    def _place(self, parts: State) -> None:
        self.stream.state = parts


class NumpyExecutor(Ahead):
    """The reference, which also goes on from states that no register holds."""

    stream: Reference

    def _place(self, parts: State) -> None:
        self.stream.place(parts)


EXECUTORS: dict[str, Callable[[Network, IntegerArithmetic], Executor]] = {
    "engine": lambda network, arithmetic: EngineExecutor(network),
    "reference": lambda network, arithmetic: NumpyExecutor(
        Reference(network, arithmetic)
    ),
}


def make_executor(network: Network, arithmetic: Any) -> Executor:
    """The fastest executor of a network in an arithmetic.

    Raises
    ------
    SpecError
        When the environment asks for one that there is not.
    """
    if not isinstance(arithmetic, IntegerArithmetic):
        return EXECUTORS["reference"](network, arithmetic)
    compiled = engine.EXTENSION is not None and engine.supports(network)
    fastest = "engine" if compiled else "reference"
    name = os.environ.get(VARIABLE, fastest)
    return choose(VARIABLE, name, EXECUTORS)(network, arithmetic)


def moved(executor: Executor, network: Network, arithmetic: Any, state: State) -> Any:
    """An executor that goes on from ``state``: the same one, if it can.

    Values that a chip's registers would not hold can be written into a Var; the
    engine takes none, and numpy goes on for it.
    """
    try:
        executor.state = state
    except SpecError:
        executor = NumpyExecutor(Reference(network, arithmetic), executor.counters)
        executor.state = state
    return executor
