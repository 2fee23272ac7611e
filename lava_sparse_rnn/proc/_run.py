# SPDX-License-Identifier: BSD-3-Clause
"""Run a sequence through a network in Lava."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.run_configs import RunConfig
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.fixed_point import OverflowCounters, RealArithmetic, SpecError
from lava_sparse_rnn.proc._run_config import RunCfg
from lava_sparse_rnn.proc._runtime import (
    graph_restored,
    registers_restored,
    run_steps,
    running,
)
from lava_sparse_rnn.proc.io.process import Sink, Source
from lava_sparse_rnn.proc.sparse_rnn.process import SparseRNN
from lava_sparse_rnn.spec import Network
from lava_sparse_rnn.spec.reference import check_input

Progress = Callable[[int, int], None]

# What Lava calls the two ends of networks, of neurons and of connections.
PORT_NAMES = (("inp", "out"), ("a_in", "s_out"), ("s_in", "a_out"))


def run(
    network: Network | AbstractProcess,
    x: ArrayLike,
    tag: str = "fixed_pt",
    layered: bool = False,
    *,
    counters: OverflowCounters | None = None,
    progress: Progress | None = None,
    latency: int | None = None,
    run_cfg: RunConfig | None = None,
) -> NDArray:
    """Run tokens through a network, from a zero state, in a Lava runtime of its own.

    Parameters
    ----------
    network : Network or Process
        A description, or a Process with one way in and one way out (ports ``inp``
        and ``out``, ``a_in`` and ``s_out``, or ``s_in`` and ``a_out``), which is
        left as it was found.
    x : array, shape (T, d_in)
        Integers of the input wire; with ``floating_pt`` real numbers in the same
        units.
    tag : {"fixed_pt", "floating_pt"}
    layered : bool
        A Lava Process per neuron group and connection instead of one for all.
    counters : OverflowCounters, optional
        Grows by the overflows of these tokens, named as `spec.reference.run` does.
    progress : callable, optional
        Called now and then with the number of answers so far, and with ``T``.
    latency : int, optional
        Time steps from a token to its answer; the Process's own by default, or 0 if
        it has none.
    run_cfg : RunConfig, optional
        Replaces ``tag`` and ``layered``.

    Returns
    -------
    array, shape (T, d_out)
        Token ``t``'s answer in row ``t``; int64, or float64 with ``floating_pt``.

    Raises
    ------
    SpecError
        When ``x`` has another width, or values that do not fit the input wire.
    Exception
        Whatever a model raises; its cause holds the traceback from there. Processes
        and shared memory are gone then, as they are after Ctrl-C.
    """
    run_cfg = run_cfg or RunCfg(tag, layered=layered)
    with registers_restored():
        process = SparseRNN(network) if isinstance(network, Network) else network
        inp, out = _ends(process)
        x = _checked(process, inp, x, run_cfg)
        total = len(x)
        if latency is None:
            latency = int(getattr(process, "latency", 0))
        source = Source(data=x)
        sink = Sink(shape=out.shape, num_steps=total, skip=latency)

        def report() -> None:
            if progress is not None:
                progress(sink.received, total)

        with graph_restored(process), _num_tokens(process, total):
            source.s_out.connect(inp)
            out.connect(sink.a_in)
            with running(process, run_cfg) as runtime:
                if total:
                    run_steps(runtime, total + latency, report)
                if counters is not None:
                    counters.update(overflows(process))
        report()
        return sink.data


def overflows(process: AbstractProcess) -> OverflowCounters:
    """Overflow counts of a Process whose runtime is alive, by tensor.

    Names are those of `spec.reference.run`: ``layer<i>_<tensor>`` for a network,
    ``<tensor>`` for a block or a neuron group.
    """
    counts = OverflowCounters()
    variables: list[Any] = process.vars.members
    for var in variables:
        if "overflow_" in var.name:
            counts[var.name.replace("overflow_", "", 1)] += int(var.get()[0])
    return counts


def _ends(process: AbstractProcess) -> tuple[InPort, OutPort]:
    for inp, out in PORT_NAMES:
        if hasattr(process, inp) and hasattr(process, out):
            return getattr(process, inp), getattr(process, out)
    expected = ", ".join(f"{i} and {o}" for i, o in PORT_NAMES)
    name = type(process).__name__
    raise SpecError(f"run: {name} has no pair of ports named {expected}")


def _checked(
    process: AbstractProcess, inp: InPort, x: ArrayLike, run_cfg: RunConfig
) -> NDArray:
    """``x``, or an error here instead of one in a model."""
    network = process.proc_params.get("network")
    if isinstance(network, Network):
        real = getattr(run_cfg, "select_tag", None) == "floating_pt"
        arithmetic = RealArithmetic() if real else network.recipe.arithmetic()
        return check_input(network, x, arithmetic)
    x = np.asarray(x)
    if x.shape[1:] != inp.shape or x.ndim < 2:
        expected = ", ".join(str(n) for n in inp.shape)
        raise SpecError(f"input: shape {x.shape}, must be (T, {expected})")
    return x


@contextlib.contextmanager
def _num_tokens(process: AbstractProcess, total: int) -> Iterator[None]:
    """Tell a Process how many tokens are real, for as long as the run takes."""
    params, name = process.proc_params, "num_tokens"
    if params.get(name, "has none") == "has none":
        yield
        return
    before = params.get(name)
    params.overwrite(name, total)
    try:
        yield
    finally:
        params.overwrite(name, before)
