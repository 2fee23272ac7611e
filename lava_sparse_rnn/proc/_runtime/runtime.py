# SPDX-License-Identifier: BSD-3-Clause
"""A network's runtime, whichever it is: in this process, or Lava's own, contained."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.run_conditions import AbstractRunCondition, RunSteps
from lava.magma.core.run_configs import RunConfig

from lava_sparse_rnn import inline
from lava_sparse_rnn.inline.registers import LOCK
from lava_sparse_rnn.proc._runtime.hardware import check_hardware
from lava_sparse_rnn.proc._runtime.processes import runtime as processes
from lava_sparse_rnn.proc._runtime.restore import STOPPED, log_handlers_restored

REPORT_SECONDS = 0.1  # from one report of progress to the next


def launch(
    process: AbstractProcess, run_cfg: RunConfig | None, compile_config: Any = None
) -> Any:
    """Compile and start everything connected to ``process``; its runtime.

    It is the one that the configuration or `inline.runtime` asks for, else the one in
    this process.

    Raises
    ------
    Exception
        Whatever compiling, starting or building a model raises; nothing is left then.
    """
    check_hardware(run_cfg)
    own = inline.chosen(run_cfg, inline.INLINE) == inline.INLINE
    with LOCK:
        with log_handlers_restored():
            executable: Any = process.compile(run_cfg, compile_config)  # type: ignore[arg-type]
        try:
            start = inline.start if own else processes.launch
            return start(process, executable)
        except BaseException:
            _forget(executable, process)
            raise


@contextlib.contextmanager
def running(process: AbstractProcess, run_cfg: RunConfig) -> Iterator[Any]:
    """Compile and start everything connected to ``process``, and end it for sure.

    Raises
    ------
    Exception
        Whatever compiling or building a model raises.
    """
    runtime = launch(process, run_cfg)
    # Models answer questions about Vars from now on; Lava asks only after a first run.
    runtime._is_started = True
    try:
        with ended_on_error(runtime):
            yield runtime
        end(runtime)
    finally:
        _forget(runtime._executable, process)


def _forget(executable: Any, process: AbstractProcess) -> None:
    for other in executable.proc_builders:
        other.runtime = None
    process.runtime = None


def _is_inline(runtime: Any) -> bool:
    return isinstance(runtime, inline.Runtime)


def run(runtime: Any, condition: AbstractRunCondition) -> None:
    """Run as `AbstractProcess.run` does.

    Raises
    ------
    RuntimeError
        When the network was stopped.
    Exception
        What a model raises in this process; what ended one of Lava's processes.
    """
    if has_ended(runtime):
        raise RuntimeError(STOPPED)
    if _is_inline(runtime):
        runtime.start(condition)
    else:
        processes.run(runtime, condition)


def run_steps(
    runtime: Any, num_steps: int, progress: Callable[[], None] | None = None
) -> None:
    """Run ``num_steps`` time steps; ``progress`` is called now and then.

    Raises
    ------
    Exception
        What a model has raised; from another process with a `RemoteError` as its cause.
    ActorDiedError
        When a process of Lava's runtime was killed.
    RuntimeError
        When the runtime was stopped.
    """
    if not _is_inline(runtime):
        processes.run_steps(runtime, num_steps, progress)
        return
    left, at_once = num_steps, num_steps if progress is None else 1
    while left > 0:
        steps, began = min(left, at_once), time.perf_counter()
        runtime.start(RunSteps(num_steps=steps))
        left -= steps
        if progress is not None:
            progress()
            if time.perf_counter() - began < REPORT_SECONDS:
                at_once *= 2


def wait(runtime: Any) -> None:
    """Wait for the end of a run that does not block."""
    runtime.wait() if _is_inline(runtime) else processes.wait(runtime)


def pause(runtime: Any) -> None:
    """Pause a run in flight."""
    runtime.pause() if _is_inline(runtime) else processes.pause(runtime)


def has_ended(runtime: Any) -> bool:
    """Whether a network was stopped or has failed."""
    return runtime.has_ended if _is_inline(runtime) else processes.has_ended(runtime)


@contextlib.contextmanager
def ended_on_error(runtime: Any) -> Iterator[None]:
    """End a network when something is raised, Ctrl-C included."""
    try:
        yield
    except BaseException:
        if _is_inline(runtime):
            with contextlib.suppress(Exception):  # of a model: this one is raised
                runtime.stop()
        else:
            processes.terminate(runtime)
        raise


def end(runtime: Any) -> None:
    """End a network; a second call does nothing."""
    runtime.stop() if _is_inline(runtime) else processes.end(runtime)
