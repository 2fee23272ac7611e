# SPDX-License-Identifier: BSD-3-Clause
"""Ways to run a network over a sequence, behind one small interface.

Users name a backend; every one of them gives the same integers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn import microcode
from lava_sparse_rnn.fixed_point import OverflowCounters, choose
from lava_sparse_rnn.spec import Network, reference

Progress = Callable[[int, int], None]
"""Called with tokens done and tokens in all."""

CHUNK = 64  # tokens between two reports of progress
Run = Callable[[NDArray], NDArray[np.int64]]
State = list[tuple[NDArray, NDArray]]


class Backend(Protocol):
    """A network that can be run.

    Attributes
    ----------
    streams : bool
        Whether the state goes on from one call of `run` to the next. The ``reference``
        and the ``engine`` also have it as ``state``, to be read and assigned.
    counters : OverflowCounters
        What did not fit so far, per tensor.
    """

    streams: bool

    @property
    def counters(self) -> OverflowCounters: ...

    def run(self, x: NDArray, progress: Progress | None = None) -> NDArray[np.int64]:
        """Answers to integer tokens, shape (T, d_in) -> (T, d_out)."""
        ...

    def reset(self) -> None:
        """Set every state to zero."""
        ...


def _in_pieces(run: Run, x: NDArray, progress: Progress | None) -> NDArray[np.int64]:
    """Run piece after piece, so that progress can be shown."""
    pieces = []
    for start in range(0, max(len(x), 1), CHUNK):
        pieces.append(run(x[start : start + CHUNK]))
        if progress is not None:
            progress(min(start + CHUNK, len(x)), len(x))
    return np.concatenate(pieces)


class ReferenceBackend:
    """The reference executor, in numpy."""

    streams = True

    def __init__(self, network: Network) -> None:
        self.counters = OverflowCounters()
        self._executor = reference.Reference(network, counters=self.counters)

    def run(self, x: NDArray, progress: Progress | None = None) -> NDArray[np.int64]:
        """Answers to integer tokens; the state goes on."""
        return _in_pieces(self._executor.run, x, progress)

    @property
    def state(self) -> State:
        """Of every block, real and imaginary part; can be assigned."""
        return self._executor.state

    @state.setter
    def state(self, parts: State) -> None:
        self._executor.state = parts

    def reset(self) -> None:
        self._executor.reset()


class EngineBackend:
    """The compiled engine."""

    streams = True

    def __init__(self, network: Network) -> None:
        from lava_sparse_rnn import engine

        self._stream = engine.Stream(network)

    @property
    def notes(self) -> tuple[str, ...]:
        """Why no vector kernel runs the network; empty if one does."""
        return self._stream.notes

    @property
    def counters(self) -> OverflowCounters:
        """What did not fit so far, per tensor."""
        return self._stream.counters

    def run(self, x: NDArray, progress: Progress | None = None) -> NDArray[np.int64]:
        """Answers to integer tokens; the state goes on."""
        return _in_pieces(self._stream.process, x, progress)

    @property
    def state(self) -> State:
        """Of every block, real and imaginary part; can be assigned."""
        return self._stream.state

    @state.setter
    def state(self, parts: State) -> None:
        self._stream.state = parts

    def reset(self) -> None:
        self._stream.reset()


class LavaBackend:
    """A Lava network with the ``fixed_pt`` models, from a zero state at every run."""

    streams = False

    def __init__(self, network: Network) -> None:
        self.counters = OverflowCounters()
        self._network = network

    def run(self, x: NDArray, progress: Progress | None = None) -> NDArray[np.int64]:
        """Compile the network, run it, and leave no process behind."""
        from lava_sparse_rnn import proc

        return proc.run(self._network, x, counters=self.counters, progress=progress)

    def reset(self) -> None:
        pass


BACKENDS: dict[str, Callable[[Network], Backend]] = {
    "engine": EngineBackend,
    "lava": LavaBackend,
    "microcode": microcode.Stream,
    "reference": ReferenceBackend,
}


def default() -> str:
    """The fastest backend here: ``engine`` where it is built, else ``reference``."""
    from lava_sparse_rnn import engine

    return "reference" if engine.EXTENSION is None else "engine"


def create(name: str, network: Network) -> Backend:
    """The backend ``name`` with ``network`` in it, or an error that lists them."""
    return choose("backend", name, BACKENDS)(network)
