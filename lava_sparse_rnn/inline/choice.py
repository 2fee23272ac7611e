# SPDX-License-Identifier: BSD-3-Clause
"""Which runtime a Lava Process gets when it is run for the first time."""

from __future__ import annotations

import contextlib
import contextvars
import functools
from collections.abc import Iterator
from typing import Any

from lava.magma.compiler.executable import Executable
from lava.magma.core.process import process as lava_process
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.run_configs import RunConfig
from lava.magma.runtime import runtime as lava_runtime

from lava_sparse_rnn.fixed_point import choose
from lava_sparse_rnn.inline.runtime import Runtime

INLINE = "inline"
"""This room's runtime: all Processes in one process."""
PROCESSES = "processes"
"""Lava's own runtime: a process of the system for each Process."""
RUNTIMES = (INLINE, PROCESSES)
"""Names that ``runtime=`` takes."""

_within: contextvars.ContextVar[str | None] = contextvars.ContextVar(
    "runtime", default=None
)
_default = [PROCESSES]


@contextlib.contextmanager
def runtime(name: str = INLINE) -> Iterator[None]:
    """Networks that are run for the first time inside have this runtime.

    Parameters
    ----------
    name : {"inline", "processes"}
        In this process; or Lava's own, an operating-system process per Lava Process.

    Examples
    --------
    >>> with inline.runtime():  # doctest: +SKIP
    ...     lif.run(RunSteps(100), Loihi2SimCfg())
    """
    token = _within.set(check(name))
    try:
        yield
    finally:
        _within.reset(token)


def install() -> None:
    """All networks that are run for the first time from now on run in this process."""
    _default[0] = INLINE
    lava_process.Runtime = lava_runtime.Runtime = Runtime  # type: ignore[misc]


def uninstall() -> None:
    """Undo `install`; networks that have run already keep their runtime."""
    _default[0] = PROCESSES
    lava_process.Runtime = lava_runtime.Runtime = _LAVA  # type: ignore[misc]


def check(name: str) -> str:
    """``name`` if it is one of `RUNTIMES`.

    Raises
    ------
    SpecError
    """
    return choose("runtime", name, RUNTIMES)


def chosen(run_cfg: RunConfig | None, default: str | None = None) -> str:
    """The runtime of a network that is run for the first time now.

    A run configuration's attribute ``runtime`` comes first, then `runtime`, then
    ``default``, then what `install` says.
    """
    name = getattr(run_cfg, "runtime", None) or _within.get()
    return check(name or default or _default[0])


def start(process: Any, executable: Executable) -> Runtime:
    """Build a compiled network in this process, and give it to its Processes.

    Raises
    ------
    Exception
        Whatever building a model raises; nothing is left then.
    """
    level = process._log_config.level
    process._runtime = made = Runtime(executable, loglevel=level)
    executable.assign_runtime_to_all_processes(made)
    try:
        made.initialize()
    except BaseException:
        for other in [process, *executable.process_list]:
            other._runtime = None
        raise
    return made


_LAVA = lava_runtime.Runtime
_lava_create_runtime = AbstractProcess.create_runtime


@functools.wraps(_lava_create_runtime)
def _create_runtime(
    self: Any,
    run_cfg: RunConfig | None = None,
    executable: Executable | None = None,
    compile_config: dict[str, Any] | None = None,
) -> None:
    if chosen(run_cfg) == PROCESSES:
        _lava_create_runtime(self, run_cfg, executable, compile_config)
        return
    start(self, executable or self.compile(run_cfg, compile_config))


# The one change to Lava: its Processes ask here. Lava's own runtime stays the default.
AbstractProcess.create_runtime = _create_runtime  # type: ignore[method-assign]
