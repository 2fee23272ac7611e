# SPDX-License-Identifier: BSD-3-Clause
"""Processes and Lava's lists of them as they were before a run."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Iterator
from typing import Any

from lava.magma.compiler.compiler_graphs import find_processes
from lava.magma.core.process.ports.ports import ImplicitVarPort
from lava.magma.core.process.process import AbstractProcess, ProcessServer
from lava.magma.core.process.variable import VarServer

from lava_sparse_rnn.fixed_point import Brief
from lava_sparse_rnn.inline.registers import LOCK, registered, restore, with_parents

STOPPED = (
    "the network was stopped, and Lava cannot run it again: make its processes anew, "
    "or use proc.run or proc.Session, which can run a process many times"
)


class Snapshot(Brief):
    """Some Processes as they are now, to be restored whenever they were compiled.

    Parameters
    ----------
    processes : iterable of Process
    """

    def __init__(self, processes: Iterable[AbstractProcess]) -> None:
        self._processes: list[Any] = list(processes)
        self._links = [
            (port, list(port.in_connections), list(port.out_connections))
            for process in self._processes
            for port in process.in_ports.members + process.out_ports.members
        ]
        self._var_ports = [set(p.var_ports._members) for p in self._processes]

    def _about(self) -> str:
        return f"{len(self._processes)} processes"

    def restore(self) -> None:
        """Undo connections made since then, and what compiling has changed."""
        for port, inputs, outputs in self._links:
            port.in_connections, port.out_connections = list(inputs), list(outputs)
        for process, known in zip(self._processes, self._var_ports, strict=True):
            process._is_compiled = False
            process.procs._members.clear()
            for var in process.vars.members:
                var.aliased_var = None
            # Lava leaves a port on each Var inside that was probed from outside.
            for port in list(process.var_ports.members):
                if isinstance(port, ImplicitVarPort) and port.name not in known:
                    del process.var_ports._members[port.name]
                    delattr(process, port.name)


@contextlib.contextmanager
def graph_restored(process: AbstractProcess) -> Iterator[None]:
    """Leave all Processes connected to one so that they can be compiled again."""
    before = Snapshot(set(find_processes(process)))
    try:
        yield
    finally:
        before.restore()


@contextlib.contextmanager
def registers_restored() -> Iterator[None]:
    """Take what is made inside off Lava's global lists, which keep it for ever."""
    with log_handlers_restored():
        before = registered()
        try:
            yield
        finally:
            restore(before)


def is_part_compiled(process: AbstractProcess) -> bool:
    """Whether a Process or one that it is inside of is compiled."""
    return any(p.is_compiled for p in with_parents(process))


def renumber(process: AbstractProcess, keep: bool) -> None:
    """Number a Process that was copied or unpickled, and its Vars, anew.

    The numbers that they have may be taken here.

    Parameters
    ----------
    process : Process
    keep : bool
        Keep the numbers, which an executable beside it knows; nobody else gets them.
    """
    variables: list[Any] = process.vars.members
    with LOCK:
        for server, members in ((ProcessServer(), [process]), (VarServer(), variables)):
            for member in members:
                if keep:
                    server._next_id = max(server._next_id, member.id + 1)
                else:
                    member.id = server.get_next_id()


@contextlib.contextmanager
def log_handlers_restored() -> Iterator[None]:
    """Each Process adds a handler to the root logger, each compiler one to its own.

    One thread after another: what a second one has added meanwhile would stay.
    """
    with LOCK:
        before = {logger: list(logger.handlers) for logger in _loggers()}
        try:
            yield
        finally:
            for logger in _loggers():
                logger.handlers[:] = before.get(logger, [])


def _loggers() -> list[logging.Logger]:
    """The root logger and Lava's."""
    known = logging.root.manager.loggerDict.items()
    found = [logger for name, logger in known if name.split(".")[0] == "lava"]
    return [logging.root, *(x for x in found if isinstance(x, logging.Logger))]
