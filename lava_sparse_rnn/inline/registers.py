# SPDX-License-Identifier: BSD-3-Clause
"""Lava's lists of all Processes and Vars, which keep them for ever."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lava.magma.core.process.process import AbstractProcess, ProcessServer
from lava.magma.core.process.variable import VarServer


def unregister(network: Iterable[AbstractProcess]) -> None:
    """Take Processes that cannot run again, and their Vars, off these lists."""
    gone = {id(p) for process in network for p in with_parents(process)}
    processes, variables = ProcessServer().processes, VarServer().vars
    processes[:] = [p for p in processes if id(p) not in gone]
    variables[:] = [v for v in variables if id(v.process) not in gone]


def with_parents(process: AbstractProcess | None) -> Iterator[AbstractProcess]:
    """A Process and all that it is inside of."""
    while process is not None:
        yield process
        process = process.parent_proc
