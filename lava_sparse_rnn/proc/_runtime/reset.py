# SPDX-License-Identifier: BSD-3-Clause
"""Resets from outside: a paused network as it was before its first token."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from lava.magma.compiler.compiler_graphs import find_processes
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var
from lava.proc.conv.process import Conv
from lava.proc.dense.process import Dense
from lava.proc.lif.process import AbstractLIF
from lava.proc.sparse.process import Sparse

STATE_VARS: dict[type[AbstractProcess], tuple[str, ...]] = {
    Conv: ("a_buf",),
    Dense: ("a_buff",),
    AbstractLIF: ("u", "v"),
    Sparse: ("a_buff",),
}
"""Vars of Lava's own Processes that hold what came before; add what you need."""


def reset(process: AbstractProcess) -> None:
    """Reset a Process and all that are connected to it, while they are paused.

    States of this library's Processes and those that `STATE_VARS` lists become zero;
    tokens in flight are dropped. A stock source goes on where it was.

    Parameters
    ----------
    process : Process
        Any one of the network.

    Raises
    ------
    RuntimeError
        While the network is running.
    """
    reset_parts(set(find_processes(process)))


def reset_parts(processes: Iterable[AbstractProcess]) -> None:
    """Reset some Processes and all inside them."""
    leaves: list[AbstractProcess] = []
    for process in processes:
        leaves += _leaves(process)
    for runtime in {id(p.runtime): p.runtime for p in leaves}.values():
        if runtime is not None and runtime._is_running:
            raise RuntimeError("reset: the network is running, pause it first")
    clocks = {id(c): c for c in map(_clock, [*processes, *leaves]) if c is not None}
    for clock in clocks.values():
        clock.begin(clock.num_tokens, clear=True)
    for leaf in leaves:
        if leaf.runtime is not None and leaf.runtime._is_started:
            for var in _state_vars(leaf):
                var.set(np.zeros(var.shape))


def _leaves(process: AbstractProcess) -> Iterator[AbstractProcess]:
    parts: list[Any] = process.procs.members
    if not parts:
        yield process
    for part in parts:
        yield from _leaves(part)


def _clock(process: AbstractProcess) -> Any:
    return getattr(process, "clock", None)


def _state_vars(process: AbstractProcess) -> list[Var]:
    groups: Any = getattr(process, "state_names", None)
    if groups is None:
        groups = [n for cls, n in STATE_VARS.items() if isinstance(process, cls)][:1]
    return [getattr(process, name) for names in groups for name in names]
