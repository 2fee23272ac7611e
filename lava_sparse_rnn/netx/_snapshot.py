# SPDX-License-Identifier: BSD-3-Clause
"""Processes that outlive a compiled network, as they were before it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lava.magma.core.process.ports.ports import ImplicitVarPort
from lava.magma.core.process.process import AbstractProcess


class Snapshot:
    """Connections of some Processes, to be restored before each compilation.

    Lava makes the parts of a hierarchical Process anew whenever it is compiled. Those
    of a file exist before, so that users can reach them and ports get their shapes;
    without a restoration they would be connected twice.

    Parameters
    ----------
    processes : iterable of Process
        Connected among themselves as they shall be.
    """

    def __init__(self, processes: Iterable[AbstractProcess]) -> None:
        self._processes: list[Any] = list(processes)
        self._links = [
            (port, list(port.in_connections), list(port.out_connections))
            for process in self._processes
            for port in process.in_ports.members + process.out_ports.members
        ]

    def restore(self) -> None:
        """Undo what compiling has done to the Processes."""
        for port, inputs, outputs in self._links:
            port.in_connections, port.out_connections = list(inputs), list(outputs)
        for process in self._processes:
            process._is_compiled = False
            process.procs._members.clear()
            for var in process.vars.members:
                var.aliased_var = None
            self._remove_probes(process)

    @staticmethod
    def _remove_probes(process: Any) -> None:
        """Lava leaves a port on each Var inside that was probed from outside."""
        for port in list(process.var_ports.members):
            if isinstance(port, ImplicitVarPort):
                del process.var_ports._members[port.name]
                delattr(process, port.name)
