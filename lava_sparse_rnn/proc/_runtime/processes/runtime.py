# SPDX-License-Identifier: BSD-3-Clause
"""A Lava runtime that always ends, and ends clean.

Lava's own `run` waits for ever when a model raises, its `stop` when one has died, and
the interpreter at its end when a network was not stopped; to run a network that was
stopped writes to memory that is gone. Here whatever happens is noticed (`watch`), and
the actors and their shared memory are gone afterwards.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from multiprocessing import util
from typing import Any

from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.run_conditions import AbstractRunCondition, RunSteps
from lava.magma.runtime.mgmt_token_enums import (
    MGMT_COMMAND,
    MGMT_RESPONSE,
    enum_equal,
)

from lava_sparse_rnn import inline
from lava_sparse_rnn.inline import variables
from lava_sparse_rnn.inline.registers import LOCK, unregister
from lava_sparse_rnn.proc._runtime.processes.fork import BOND, interrupts_blocked
from lava_sparse_rnn.proc._runtime.processes.watch import (
    UnansweredError,
    await_answer,
    raise_ended,
    raise_failure,
    raise_late,
)
from lava_sparse_rnn.proc._runtime.restore import STOPPED

STOP_SECONDS = 60.0
"""For the answer to a stop. Services give it after the time step in which they are,
which takes milliseconds; a step of a minute is taken for one that has no end."""

MUTE = (
    "Lava does not report the end of runs after a pause(): use blocking=False and "
    "pause() again, or runs of a number of steps, which leave the network paused"
)


def launch(process: AbstractProcess, executable: Any) -> Any:
    """Start everything connected to ``process``, which is compiled; its runtime.

    Raises
    ------
    Exception
        Whatever starting processes or building a model raises; nothing is left then.
    """
    try:
        with interrupts_blocked(), BOND.tied(), inline.runtime(inline.PROCESSES):
            process.create_runtime(executable=executable)
    except BaseException:
        if process.runtime is not None:
            terminate(process.runtime)
        raise
    runtime: Any = process.runtime
    reference = weakref.ref(runtime)
    runtime.set_var = functools.partial(_set_var, reference)
    # Python waits for children at its end, and they would wait for a message.
    at_exit = (reference,)
    runtime.at_exit = util.Finalize(None, _terminate_at_exit, at_exit, exitpriority=1)
    return runtime


def _set_var(reference: weakref.ref, var_id: int, value: Any, idx: Any = None) -> None:
    """Set a Var as Lava does, unless it is of integers and cannot hold a value.

    A model that fails half-way through its values leaves Lava's service waiting.

    Raises
    ------
    SpecError
    """
    runtime: Any = reference()
    if not runtime._is_running:  # Lava sets nothing then, and says so
        variables.check(runtime._executable, var_id, value, idx)
    type(runtime).set_var(runtime, var_id, value, idx)


def run(runtime: Any, condition: AbstractRunCondition) -> None:
    """Run as Lava does, and notice what has died.

    Raises
    ------
    RuntimeError
        When the run would have no end: Lava reports none after `pause`.
    Exception
        What ended one of Lava's processes.
    """
    if condition.blocking and is_mute(runtime):
        raise RuntimeError(MUTE)
    with ended_on_error(runtime):
        if isinstance(condition, RunSteps) and condition.blocking:
            run_steps(runtime, condition.num_steps, look=raise_ended)
        else:
            runtime.start(condition)


def wait(runtime: Any) -> None:
    """Wait for the end of a run that does not block.

    Raises
    ------
    RuntimeError
        When the run has no end that Lava reports.
    Exception
        What ended one of Lava's processes.
    """
    if runtime._is_running:
        if is_mute(runtime):
            raise RuntimeError(MUTE)
        with ended_on_error(runtime), stop_named(runtime):
            await_answer(runtime, raise_ended)
            runtime.wait()


def run_steps(
    runtime: Any,
    num_steps: int,
    progress: Callable[[], None] | None = None,
    look: Callable[[Any], None] = raise_failure,
) -> None:
    """Run ``num_steps`` time steps; ``progress`` is called now and then.

    Raises
    ------
    Exception
        What a model raised, with a `RemoteError` as its cause; with
        ``look=raise_ended`` only what ended a process.
    ActorDiedError
        When a process of the runtime was killed.
    RuntimeError
        When the runtime was stopped.
    """
    in_use = vars(runtime).setdefault("in_use", threading.RLock())
    # Lava would answer one thread's run with the end of another's.
    with in_use, stop_named(runtime):
        with _ports(runtime):
            raise_ended(runtime)
            runtime.start(RunSteps(num_steps=num_steps, blocking=False))
        await_answer(runtime, look, progress)
        with _ports(runtime):
            raise_ended(runtime)
            runtime.wait()


def _ports(runtime: Any) -> threading.RLock:
    """Held while a thread sends or receives: no stop takes the memory away then."""
    return vars(runtime).setdefault("ports_in_use", threading.RLock())


def has_ended(runtime: Any) -> bool:
    """Whether a runtime's shared memory is gone, and with it all that it was."""
    memory = getattr(runtime._messaging_infrastructure, "smm", None)
    return memory is None or memory._manager is None


@contextlib.contextmanager
def stop_named(runtime: Any) -> Iterator[None]:
    """Say that another thread's stop ended what is within, whatever it ran into.

    The stop takes ports and memory away, also from under a message that is just sent.
    """
    try:
        yield
    except Exception as error:
        if getattr(runtime, "ended_by", None) in (None, threading.get_ident()):
            raise
        raise RuntimeError(STOPPED) from error


@contextlib.contextmanager
def ended_on_error(runtime: Any) -> Iterator[None]:
    """End a runtime without waiting when something is raised, Ctrl-C included."""
    try:
        yield
    except BaseException:
        terminate(runtime)
        raise


def end(runtime: Any) -> None:
    """Stop a runtime, also one whose processes have died; a second call is nothing.

    Raises
    ------
    UnansweredError
        When processes had to be killed, as they did not answer in `STOP_SECONDS`.
    """
    if has_ended(runtime) or _is_foreign(runtime):
        return
    with LOCK:
        if has_ended(runtime):  # by another thread
            return
        runtime.ended_by = threading.get_ident()  # for the threads that run it
        with _ports(runtime):  # whoever sends or receives has done so; nobody will
            pass
        try:
            with ended_on_error(runtime):
                _stop(runtime)
        except UnansweredError:
            raise
        except Exception:
            pass  # of what has died: it was told, or will be, where it was run
        finally:
            _close(runtime)


def _stop(runtime: Any) -> None:
    """Stop what lives as Lava does."""
    raise_ended(runtime)  # what has died cannot answer
    until = time.monotonic() + STOP_SECONDS
    look = functools.partial(raise_late, deadline=until, seconds=STOP_SECONDS)
    _tell(runtime, MGMT_COMMAND.STOP, MGMT_RESPONSE.TERMINATED, look)
    runtime.join()
    runtime._is_running = runtime._is_started = False
    runtime._messaging_infrastructure.stop()
    runtime._watchdog_manager.stop()


def is_mute(runtime: Any) -> bool:
    """Whether Lava's service does not report the end of runs, as after a pause."""
    return getattr(runtime, "is_mute", False)


def pause(runtime: Any) -> None:
    """Pause a run in flight.

    Raises
    ------
    Exception
        What ended a process of the runtime.
    """
    if not runtime._is_running:
        return
    with ended_on_error(runtime):
        if not _tell(runtime, MGMT_COMMAND.PAUSE, MGMT_RESPONSE.PAUSED, raise_ended):
            runtime.is_mute = True
        runtime._is_running = False


def _tell(runtime: Any, command: Any, expected: Any, look: Any) -> bool:
    """Send a command and wait for its answer; whether a run had ended before."""
    had_ended = False
    for port in runtime.runtime_to_service:
        port.send(command)
    for port in runtime.service_to_runtime:
        await_answer(runtime, look, ports=[port])
        while not enum_equal(answer := port.recv(), expected):
            had_ended |= enum_equal(answer, MGMT_RESPONSE.DONE)
            await_answer(runtime, look, ports=[port])
    return had_ended


def terminate(runtime: Any) -> None:
    """End a runtime whose processes may be waiting for each other."""
    runtime._is_running = runtime._is_started = False
    if has_ended(runtime) or _is_foreign(runtime):
        return
    infrastructure = runtime._messaging_infrastructure
    with LOCK, interrupts_blocked():
        if has_ended(runtime):  # by another thread
            return
        for actor in infrastructure.actors:
            if not actor._is_done:
                # The actors own nothing that outlives them, and one that waits for a
                # message would not notice a gentler signal's handler.
                with contextlib.suppress(ValueError):  # closed already
                    actor.kill()
        for port in runtime._open_ports:
            with contextlib.suppress(Exception):
                port.join()
        runtime._open_ports.clear()
        with contextlib.suppress(Exception):
            infrastructure.stop()
        memory = infrastructure.smm
        if hasattr(memory._manager, "shutdown"):
            memory.shutdown()
        else:  # it could not be started, and cannot be shut down
            memory._manager = None
        runtime._watchdog_manager.stop()
        _close(runtime)


def _close(runtime: Any) -> None:
    """After the end: no work left for the interpreter's, and none that can be given."""
    unregister(runtime._executable.proc_builders)
    finalizer = getattr(runtime, "at_exit", None)
    if finalizer is not None:
        finalizer.cancel()

    def refuse(*_: Any) -> None:
        raise RuntimeError(STOPPED)

    # Neighbours that are Lava's own Processes hold the same runtime.
    runtime.start = refuse


def _is_foreign(runtime: Any) -> bool:
    """Whether this is a forked child, which has a copy of its parent's runtime."""
    actors = runtime._messaging_infrastructure.actors
    return any(actor._parent_pid != os.getpid() for actor in actors)


def _terminate_at_exit(reference: weakref.ref) -> None:
    runtime = reference()
    if runtime is not None:
        terminate(runtime)
