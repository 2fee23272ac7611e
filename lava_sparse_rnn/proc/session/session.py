# SPDX-License-Identifier: BSD-3-Clause
"""A network that stays alive in Lava between sequences."""

from __future__ import annotations

import contextlib
import os
import sys
import weakref
from typing import Any

import numpy as np
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.run_configs import RunConfig
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.fixed_point import (
    OverflowCounters,
    SpecError,
    as_array,
    check_whole,
)
from lava_sparse_rnn.proc._runtime.memory import SharedMemory
from lava_sparse_rnn.proc._runtime.reset import reset
from lava_sparse_rnn.proc._runtime.restore import graph_restored, registers_restored
from lava_sparse_rnn.proc._runtime.runtime import run_steps, running
from lava_sparse_rnn.proc.io.process import Sink, Source
from lava_sparse_rnn.proc.neurons.counts import OVERFLOW
from lava_sparse_rnn.proc.neurons.guard import whole, within_int32
from lava_sparse_rnn.proc.neurons.timing import Clock
from lava_sparse_rnn.proc.session.pieces import Pieces
from lava_sparse_rnn.proc.session.run_config import RunCfg
from lava_sparse_rnn.proc.session.states import check_values
from lava_sparse_rnn.proc.sparse_rnn.process import SparseRNN
from lava_sparse_rnn.spec import Network, check_network
from lava_sparse_rnn.spec.sequences import Sequences, SequencesLike, are_listed
from lava_sparse_rnn.spec.stream import (
    Progress,
    State,
    StreamDefaults,
    check_state,
    check_tokens,
)
from lava_sparse_rnn.spec.threads import OwnLock, one_at_a_time

# What Lava calls the two ends of networks, of neurons and of connections.
PORT_NAMES = (("inp", "out"), ("a_in", "s_out"), ("s_in", "a_out"))


class Session(StreamDefaults):
    """A network alive in Lava, a `spec.Stream`: run it in pieces, read its Vars.

    Between two calls of `run` it is paused, and the Process's `Var.get` and
    `Var.set` work. The answers to pieces of a sequence are those to the whole: after
    a piece, its last answers are pushed out in steps that have no token, in which
    recurrences rest. Neurons of other libraries go on there (a LIF decays): with them
    a call must fit ``capacity``, and another before `reset` is a warning. Use it as a
    context manager, or `close` it. Threads can share it: each call waits its turn.

    Parameters
    ----------
    network : Network or Process
        See `run`. A Process is left as it was found when the session closes.
    tag : {"fixed_pt", "floating_pt", "microcode"}
    layered : bool
    mode : {"pipelined", "fall_through"}, optional
        Timing of a description; a Process has its own.
    latency : int, optional
        Time steps from a token to its answer; the Process's own by default, or 0 if
        it has none.
    capacity : int
        Longest piece that is run at once; longer ones are cut.
    run_cfg : RunConfig, optional
        Replaces ``tag``, ``layered`` and ``runtime``.
    runtime : {"inline", "processes"}, optional
        In this process (the default), or Lava's own runtime; see `RunCfg`.

    Attributes
    ----------
    process : Process
        What runs: the one that was given, or the `SparseRNN` of the description.

    Raises
    ------
    SpecError
        When the arguments do not fit together.
    RuntimeError
        When the Process is in use already.

    Examples
    --------
    >>> with proc.Session(network) as session:  # doctest: +SKIP
    ...     first = session.run(x[:100])
    ...     rest = session.run(x[100:])  # goes on from the state of then
    ...     session.reset()
    ...     other = session.run(another)
    """

    def __init__(
        self,
        network: Network | AbstractProcess,
        tag: str = "fixed_pt",
        layered: bool = False,
        *,
        mode: str | None = None,
        latency: int | None = None,
        capacity: int = 1024,
        run_cfg: RunConfig | None = None,
        runtime: str | None = None,
    ) -> None:
        if not isinstance(network, AbstractProcess):
            check_network(network, "Session", tag)
        capacity = check_whole("Session: capacity", capacity)
        if latency is not None:
            latency = check_whole("Session: latency", latency)
        options = {"mode": mode, "latency": latency, "capacity": capacity}
        run_cfg = run_cfg or RunCfg(tag, layered=layered, runtime=runtime)
        self._made_with = network, options | {"run_cfg": run_cfg}
        self._real = getattr(run_cfg, "select_tag", None) == "floating_pt"
        self._capacity, self._runtime = capacity, None
        self._lock, self._counted = OwnLock(), OverflowCounters()
        with registers_restored(), contextlib.ExitStack() as stack:
            self.process: Any = _process_of(network, mode)
            _check_free(self.process)
            described = self.process.proc_params.get("network")
            self._network = described if isinstance(described, Network) else None
            self._inp, out = _ends(self.process)
            if latency is None:
                latency = int(getattr(self.process, "latency", 0))
            self._latency, self._period = latency, getattr(self.process, "period", 1)
            self._clock: Clock = getattr(self.process, "clock", None) or Clock()
            stack.callback(self._clock.begin, self._clock.num_tokens)
            self._clock.begin(0)
            stack.enter_context(graph_restored(self.process))
            self._connect(out)
            self._runtime = stack.enter_context(running(self.process, run_cfg))
            no_pause = latency + 1 == self._period
            self._pieces = Pieces() if no_pause else Pieces.of(self.process)
            self._stack = stack.pop_all()
        self._finalizer = weakref.finalize(self, _close, self._stack, os.getpid())

    def _about(self) -> str:
        name = f"{type(self.process).__name__} {self.process.name!r}"
        shapes = f"{self._inp.shape} -> {self._sink.a_in.shape}"
        state = "closed" if self._runtime is None else "open"
        return f"{name}, {shapes}, latency {self._latency}, {state}"

    def _connect(self, out: OutPort) -> None:
        """Put the process between a source and a sink that share our memory."""
        shape = (self._capacity, *self._inp.shape)
        dtype = np.float64 if self._real else np.int64
        self._tokens = SharedMemory(8 * int(np.prod(shape))).array(shape, dtype)
        timing = {"period": self._period, "clock": self._clock}
        source = Source(data=self._tokens, **timing)
        options = {"num_steps": self._capacity, "skip": self._latency}
        self._sink = Sink(shape=out.shape, **options, **timing)
        source.s_out.connect(self._inp)
        out.connect(self._sink.a_in)

    @one_at_a_time
    def run(
        self,
        x: ArrayLike,
        progress: Progress | None = None,
    ) -> NDArray:
        """Answers to the next tokens of the sequence.

        Parameters
        ----------
        x : array, shape (T, d_in)
        progress : callable, optional
            Called now and then with the number of answers so far, and with ``T``.

        Returns
        -------
        array, shape (T, d_out)
            int64, or float64 with ``floating_pt``.

        Raises
        ------
        SpecError
            When ``x`` does not fit, or would be cut although neurons do not rest
            between pieces; the session goes on.
        RuntimeError
            When the session is closed.
        Exception
            Whatever a model raises; the session is closed then, as it is after
            Ctrl-C.
        """
        self._check_open()
        x = self._checked(x)
        self._pieces.check(len(x), self._capacity)
        answers = [self._empty()]
        try:
            for start in range(0, len(x), max(self._capacity, 1)):
                piece = x[start : start + self._capacity]
                answers.append(self._run_piece(piece, start, len(x), progress))
            if progress is not None:
                progress(len(x), len(x))
        except BaseException:
            self._finalizer.detach()
            self._runtime = None
            self._stack.__exit__(*sys.exc_info())
            raise
        return np.concatenate(answers)

    def sequences(self, x: SequencesLike) -> Sequences:
        """Checked sequences for the network: one, several in one array, or a list."""
        ndim = 1 + len(self._inp.shape)
        if are_listed(x, ndim):
            return Sequences.listed(x, self._checked)
        several = as_array("input", x).ndim == ndim + 1
        return Sequences.of_array(self._checked(x, batch=several), ndim)

    def _checked(self, x: ArrayLike, batch: bool = False) -> NDArray:
        if self._network is not None:
            return check_tokens(self._network, x, real=self._real, batch=batch)
        return _checked(self._inp, x, self._real, batch)

    def step(self, u: ArrayLike) -> NDArray:
        """The answer to the next token, shape (d_in,) -> (d_out,); see `run`."""
        return self.run(as_array("input", u)[None])[0]

    def _run_piece(
        self, x: NDArray, start: int, total: int, progress: Progress | None
    ) -> NDArray:
        self._tokens[: len(x)] = x
        self._sink.clear()
        self._clock.begin(len(x))

        def report() -> None:
            if progress is not None:
                progress(start + self._sink.received, total)

        reports = None if progress is None else report
        n_steps = (len(x) - 1) * self._period + self._latency + 1
        run_steps(self._runtime, n_steps, reports)
        return self._sink.data

    def _empty(self) -> NDArray:
        dtype = np.float64 if self._real else np.int64
        return np.zeros((0, *self._sink.a_in.shape), dtype)

    @one_at_a_time
    def reset(self) -> None:
        """Begin a new sequence: states and all that waits are zero.

        Raises
        ------
        RuntimeError
            When the session is closed.
        """
        self._check_open()
        reset(self.process)
        self._pieces.begun = False

    @property
    @one_at_a_time
    def state(self) -> list[tuple[NDArray, ...]]:
        """Vars ``x_re`` and ``x_im`` of every block, copied; can be assigned.

        Shape (d_state,) each, int64, or float64 with ``floating_pt``; those of the
        last token. Of a Process without a description, the Vars of its `state_names`;
        one that is not this library's has no part in it.

        Raises
        ------
        SpecError
            When what is assigned has another shape or does not fit.
        RuntimeError
            When the session is closed.
        """
        self._check_open()
        dtype = np.float64 if self._real else np.int64
        return [tuple(v.get().astype(dtype) for v in pair) for pair in self._vars]

    @state.setter
    @one_at_a_time
    def state(self, parts: State) -> None:
        self._check_open()
        if self._network is not None:
            parts = check_state(self._network, parts, real=self._real)
        else:
            parts = check_values(self._vars, parts, self._real)
        for variables, values in zip(self._vars, parts, strict=True):
            for var, value in zip(variables, values, strict=True):
                var.set(np.asarray(value))

    @property
    def _vars(self) -> list[tuple[Any, ...]]:
        groups = getattr(self.process, "state_names", ())
        return [tuple(getattr(self.process, n) for n in names) for names in groups]

    @property
    @one_at_a_time
    def counters(self) -> OverflowCounters:
        """What did not fit since the session was made; see `overflows`.

        Raises
        ------
        RuntimeError
            When the session is closed.
        """
        self._check_open()
        counted = overflows(self.process)
        counted.update(self._counted)
        return counted

    @one_at_a_time
    def __reduce__(self) -> tuple[Any, ...]:
        network, options = self._made_with
        if not isinstance(network, Network):
            name = type(network).__name__
            raise RuntimeError(
                f"Session: cannot be copied or pickled, as its {name} runs in Lava; "
                "one of a spec.Network can, and so can the state"
            )
        return _start, (network, options, self.state, self.counters)

    @one_at_a_time
    def close(self) -> None:
        """End the Lava network; a second call does nothing."""
        self._runtime = None
        self._finalizer()

    def _check_open(self) -> None:
        if self._runtime is None:
            raise RuntimeError("Session: it is closed")


def _start(
    network: Network, options: dict[str, Any], state: State, counted: OverflowCounters
) -> Session:
    """A session that goes on where another one was."""
    session = Session(network, **options)
    session.state, session._counted = state, counted
    return session


def _close(stack: contextlib.ExitStack, owner: int) -> None:
    if os.getpid() == owner:  # forked children have a copy
        stack.close()


def overflows(process: AbstractProcess) -> OverflowCounters:
    """Overflow counts of a Process whose runtime is alive, by tensor.

    Names are those of `spec.reference.run`: ``layer<i>_<tensor>`` for a network,
    ``<tensor>`` for a block or a neuron group.
    """
    counts = OverflowCounters()
    if process.runtime is None or not process.runtime._is_started:
        return counts  # no step has run
    variables: list[Any] = process.vars.members
    for var in variables:
        if OVERFLOW in var.name:
            counts[var.name.replace(OVERFLOW, "", 1)] += int(var.get()[0])
    return counts


def _process_of(network: Network | AbstractProcess, mode: str | None) -> Any:
    if isinstance(network, Network):
        return SparseRNN(network, mode=mode or "pipelined")
    if mode is not None:
        name = type(network).__name__
        raise SpecError(f"mode is {mode!r}, but {name} is a Process and has its own")
    return network


def _ends(process: AbstractProcess) -> tuple[InPort, OutPort]:
    for inp, out in PORT_NAMES:
        if hasattr(process, inp) and hasattr(process, out):
            return getattr(process, inp), getattr(process, out)
    expected = ", ".join(f"{i} and {o}" for i, o in PORT_NAMES)
    name = type(process).__name__
    raise SpecError(f"run: {name} has no pair of ports named {expected}")


def _checked(inp: InPort, x: ArrayLike, real: bool, batch: bool) -> NDArray:
    """``x``, or an error here instead of one in a model."""
    x = as_array("input", x)
    if x.shape[1 + batch :] != inp.shape or x.ndim < 2:
        expected = ", ".join(str(n) for n in inp.shape)
        raise SpecError(f"input: shape {x.shape}, must be (T, {expected})")
    if x.dtype.kind not in "biuf":
        raise SpecError(f"input: is of type {x.dtype}, must be numbers")
    if not real:
        whole(x, "input")
        within_int32(x, "input")
    return x


def _check_free(process: AbstractProcess) -> None:
    """Lava compiles a Process once, and a session's end would undo that."""
    if process.is_compiled:
        raise RuntimeError(
            f"Session: {process.name} ({type(process).__name__}) is in use by another "
            "session or network"
        )
