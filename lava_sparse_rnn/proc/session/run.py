# SPDX-License-Identifier: BSD-3-Clause
"""Run a sequence through a network in Lava."""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.run_configs import RunConfig

from lava_sparse_rnn.fixed_point import OverflowCounters
from lava_sparse_rnn.proc.session.session import Session
from lava_sparse_rnn.spec import Network, check_network
from lava_sparse_rnn.spec.sequences import SequencesLike
from lava_sparse_rnn.spec.stream import Progress


def run(
    network: Network | AbstractProcess,
    x: SequencesLike,
    tag: str = "fixed_pt",
    layered: bool = False,
    *,
    mode: str | None = None,
    counters: OverflowCounters | None = None,
    progress: Progress | None = None,
    latency: int | None = None,
    run_cfg: RunConfig | None = None,
    runtime: str | None = None,
) -> Any:
    """Run tokens through a network, each sequence from a zero state.

    The Lava runtime is one of its own.

    Parameters
    ----------
    network : Network or Process
        A description, or a Process with one way in and one way out (ports ``inp``
        and ``out``, ``a_in`` and ``s_out``, or ``s_in`` and ``a_out``), which is
        left as it was found.
    x : array, shape (T, d_in) or (N, T, d_in), or a list of arrays (T_i, d_in)
        One sequence, or several: integers of the input wire; with ``floating_pt``
        real numbers in the same units.
    tag : {"fixed_pt", "floating_pt", "microcode"}
    layered : bool
        A Lava Process per neuron group and connection instead of one for all.
    mode : {"pipelined", "fall_through"}, optional
        Timing of a description: a new token in every time step (default), or one
        after another, which takes ``latency`` times as many steps. A Process has
        its own.
    counters : OverflowCounters, optional
        Grows by the overflows of these tokens, named as `spec.reference.run` does.
    progress : callable, optional
        Called now and then with the number of answers so far, and with ``T``.
    latency : int, optional
        Time steps from a token to its answer; the Process's own by default, or 0 if
        it has none.
    run_cfg : RunConfig, optional
        Replaces ``tag``, ``layered`` and ``runtime``.
    runtime : {"inline", "processes"}, optional
        In this process (the default), or Lava's own runtime; see `RunCfg`.

    Returns
    -------
    array, shape (T, d_out) or (N, T, d_out), or a list of arrays (T_i, d_out)
        Token ``t``'s answer in row ``t``; int64, or float64 with ``floating_pt``.

    Raises
    ------
    SpecError
        When ``x`` has another width, or values that do not fit the input wire.
    Exception
        Whatever a model raises, with the traceback from there; of another process it
        is in the cause. The network is gone then, as it is after Ctrl-C.
    """
    if not isinstance(network, AbstractProcess):
        check_network(network, "run", x)
    options: dict[str, Any] = {"mode": mode, "latency": latency}
    options |= {"run_cfg": run_cfg, "runtime": runtime}
    with Session(network, tag, layered, **options, capacity=_longest(x)) as session:
        sequences = session.sequences(x)
        answers = sequences.run(session.run, session.reset, progress)
        if counters is not None:
            counters.update(session.counters)
        return sequences.laid_out(answers)


def _longest(x: Any) -> int:
    """Room for the tokens of one sequence; `Session` reports wrong shapes."""
    try:
        if isinstance(x, list | tuple) and any(np.ndim(part) > 1 for part in x):
            return max(len(part) for part in x)
        return max(np.shape(x)[:-1], default=0)
    except (ValueError, TypeError):  # no array, or no part of one
        return 0
