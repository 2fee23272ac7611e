# SPDX-License-Identifier: BSD-3-Clause
"""What computes the tokens of a fused model: the compiled engine, or numpy.

The engine computes integers where its extension is built; real numbers, and integers
where it is not, are numpy's. Both give the same at every port and in every Var, so
nobody has to choose; for comparisons the environment variable ``LAVA_SPARSE_RNN_FUSED``
does, with the values ``engine`` and ``reference``, read when a model is built.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from lava_sparse_rnn import engine
from lava_sparse_rnn.fixed_point import (
    IntegerArithmetic,
    OverflowCounters,
    SpecError,
    choose,
)
from lava_sparse_rnn.proc._neurons.group_model import OverflowTally
from lava_sparse_rnn.spec import Network
from lava_sparse_rnn.spec.reference import Reference

VARIABLE = "LAVA_SPARSE_RNN_FUSED"
States = Sequence[tuple[NDArray, NDArray]]


class Executor(Protocol):
    """A network between tokens.

    Attributes
    ----------
    computes_ahead : bool
        Whether a token is computed in the pause before the step in which its answer
        leaves, and so before it is shown.
    """

    computes_ahead: bool

    def step(self, u: NDArray) -> NDArray:
        """The answer to one token, shape (d_in,) -> (d_out,)."""
        ...

    def show(self) -> None:
        """The answer of the last `step` leaves: states and counts are its own."""
        ...

    def reset(self) -> None:
        """Set every state to zero before the next `step`."""
        ...

    @property
    def state(self) -> States:
        """Real and imaginary part of every block's state, as last shown.

        Assigning it goes on from there, and drops what was computed and not shown.
        """
        ...

    @state.setter
    def state(self, parts: States) -> None: ...

    @property
    def overflows(self) -> OverflowCounters:
        """Overflows of all tokens that were shown."""
        ...


class NumpyExecutor:
    """The reference executor; a token takes it as long as Lava's messages take.

    Parameters
    ----------
    network : Network
    arithmetic : Arithmetic
    overflows : OverflowCounters, optional
        What was counted before.
    """

    computes_ahead = True

    def __init__(
        self,
        network: Network,
        arithmetic: Any,
        overflows: OverflowCounters | None = None,
    ) -> None:
        self._reference = Reference(network, arithmetic)
        self._tally = OverflowTally(arithmetic)
        self._tally.total.update(overflows or {})
        self._counts = self._tally.begin()
        self._shown = self._reference.state

    def step(self, u: NDArray) -> NDArray:
        self._counts = self._tally.begin()
        return self._reference.step(u)

    def show(self) -> None:
        self._shown = self._reference.state
        self._tally.total.update(self._counts)

    def reset(self) -> None:
        self._reference.reset()

    @property
    def state(self) -> States:
        return self._shown

    @state.setter
    def state(self, parts: States) -> None:
        self._reference.state = list(parts)
        self._shown = self._reference.state

    @property
    def overflows(self) -> OverflowCounters:
        return self._tally.total


class EngineExecutor:
    """The compiled engine: a token takes it microseconds.

    Parameters
    ----------
    network : Network

    Raises
    ------
    SpecError
        When the extension is not built.
    """

    computes_ahead = False

    def __init__(self, network: Network) -> None:
        self._stream = engine.Stream(network)
        self.step = self._stream.step
        self.reset = self._stream.reset

    def show(self) -> None:
        """Nothing was computed that has not been shown."""

    @property
    def state(self) -> States:
        return self._stream.state

    @state.setter
    def state(self, parts: States) -> None:
        self._stream.state = parts

    @property
    def overflows(self) -> OverflowCounters:
        return self._stream.counters


EXECUTORS: dict[str, Callable[[Network, IntegerArithmetic], Executor]] = {
    "engine": lambda network, arithmetic: EngineExecutor(network),
    "reference": NumpyExecutor,
}


def make_executor(network: Network, arithmetic: Any) -> Executor:
    """The fastest executor of a network in an arithmetic.

    Raises
    ------
    SpecError
        When the environment asks for one that there is not.
    """
    if not isinstance(arithmetic, IntegerArithmetic):
        return NumpyExecutor(network, arithmetic)
    fastest = "engine" if engine.EXTENSION is not None else "reference"
    name = os.environ.get(VARIABLE, fastest)
    return choose(VARIABLE, name, EXECUTORS)(network, arithmetic)


def moved(executor: Executor, network: Network, arithmetic: Any, state: States) -> Any:
    """An executor that goes on from ``state``: the same one, if it can.

    Values that a chip's registers would not hold can be written into a Var; the
    engine takes none, and numpy goes on for it.
    """
    try:
        executor.state = state
    except SpecError:
        executor = NumpyExecutor(network, arithmetic, executor.overflows)
        executor.state = state
    return executor
