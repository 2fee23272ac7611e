# SPDX-License-Identifier: BSD-3-Clause
"""A Lava runtime that always ends, and ends clean.

Lava's own `run` waits for ever when a model raises, and its `stop` when one has died
or Ctrl-C came in between. Here a run is started without waiting, and the pipes over
which Lava's actors report exceptions are watched; whatever happens, the actors and
their shared memory are gone afterwards.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import time
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker
from typing import Any

from lava.magma.compiler.compiler_graphs import find_processes
from lava.magma.core.process.process import AbstractProcess, ProcessServer
from lava.magma.core.process.variable import VarServer
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import RunConfig
from lava.magma.runtime.mgmt_token_enums import MGMT_RESPONSE, enum_equal

POLL_SECONDS = (0.001, 0.02)  # first and longest wait between two looks
GRACE_SECONDS = 2.0  # for a report of an error that the runtime knows of already


class RemoteError(RuntimeError):
    """The cause of an exception that came out of a model: where it was raised."""


class ActorDiedError(RuntimeError):
    """An operating-system process of the runtime ended without saying why."""


@contextlib.contextmanager
def running(process: AbstractProcess, run_cfg: RunConfig) -> Iterator[Any]:
    """Compile and start everything connected to ``process``, and end it for sure.

    Raises
    ------
    Exception
        Whatever compiling or building a model raises.
    """
    executable = process.compile(run_cfg)
    runtime: Any = None
    try:
        try:
            with _interrupts_blocked():
                process.create_runtime(executable=executable)
        finally:
            runtime = process.runtime
        yield runtime
        runtime._is_started = True  # one that ran no step has to be stopped too
        runtime.stop()
    except BaseException:
        if runtime is not None:
            with _interrupts_blocked():
                _terminate(runtime)
        raise
    finally:
        for other in executable.proc_builders:
            other.runtime = None
        process.runtime = None


def run_steps(
    runtime: Any, num_steps: int, progress: Callable[[], None] | None = None
) -> None:
    """Run ``num_steps`` time steps; ``progress`` is called now and then.

    Raises
    ------
    Exception
        What a model raised, with a `RemoteError` as its cause.
    ActorDiedError
        When a process of the runtime was killed.
    """
    runtime.start(RunSteps(num_steps=num_steps, blocking=False))
    wait, longest = POLL_SECONDS
    while not all(port.probe() for port in runtime.service_to_runtime):
        time.sleep(wait)
        wait = min(1.5 * wait, longest)
        raise_failure(runtime)
        if progress is not None:
            progress()
    raise_failure(runtime)
    answers = [port.peek() for port in runtime.service_to_runtime]
    if not all(enum_equal(answer, MGMT_RESPONSE.DONE) for answer in answers):
        deadline = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < deadline:
            raise_failure(runtime)
            time.sleep(wait)
        raise ActorDiedError("Lava's runtime reports an error that no model reported")
    runtime.wait()


def raise_failure(runtime: Any) -> None:
    """Raise what an actor has reported, if one has."""
    actors = runtime._messaging_infrastructure.actors
    names = [
        f"{p.name} ({type(p).__name__})" for p in runtime._executable.proc_builders
    ]
    names += ["runtime service"] * (len(actors) - len(names))
    for name, actor in zip(names, actors, strict=True):
        report = actor.exception
        if report is not None:
            error, trace = report
            raise error from RemoteError(f"in {name}:\n{trace}")
    for name, actor in zip(names, actors, strict=True):
        if actor.exitcode is not None:
            text = f"{name}: its process ended with exit code {actor.exitcode}"
            raise ActorDiedError(text)


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Fork children that leave Ctrl-C to their parent, which ends them."""
    # Starting Python's tracker of shared memory ends with all interrupts let in.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _terminate(runtime: Any) -> None:
    """End a runtime whose processes may be waiting for each other."""
    infrastructure = runtime._messaging_infrastructure
    runtime._is_running = runtime._is_started = False
    if infrastructure is None:
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
    infrastructure.smm.shutdown()
    runtime._watchdog_manager.stop()


@contextlib.contextmanager
def graph_restored(process: AbstractProcess) -> Iterator[None]:
    """Undo connections and what compiling changes, so that Processes can run again."""
    graph: list[Any] = list(set(find_processes(process)))
    ports = [port for p in graph for port in p.in_ports.members + p.out_ports.members]
    links = [(list(p.in_connections), list(p.out_connections)) for p in ports]
    try:
        yield
    finally:
        for port, (inputs, outputs) in zip(ports, links, strict=True):
            port.in_connections, port.out_connections = inputs, outputs
        for p in graph:
            p._is_compiled = False
            p.procs._members.clear()
            for var in p.vars.members:
                var.aliased_var = None


@contextlib.contextmanager
def registers_restored() -> Iterator[None]:
    """Take what is made inside off Lava's global lists, which keep it for ever."""
    processes, variables = ProcessServer().processes, VarServer().vars
    counts = len(processes), len(variables)
    handlers = list(logging.root.handlers)
    try:
        yield
    finally:
        del processes[counts[0] :], variables[counts[1] :]
        logging.root.handlers[:] = handlers  # each Process adds one
