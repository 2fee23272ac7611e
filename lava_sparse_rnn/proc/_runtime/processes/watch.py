# SPDX-License-Identifier: BSD-3-Clause
"""Waiting for a Lava runtime while looking after its operating-system processes.

Lava's own waiting has no end when a process has died: its runtime waits for a message
that nobody will send. Here the pipes over which the processes report exceptions, and
their exit codes, are looked at in between.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from lava.magma.runtime.mgmt_token_enums import MGMT_RESPONSE, enum_equal

from lava_sparse_rnn.handover import Hint
from lava_sparse_rnn.proc._runtime.restore import STOPPED

POLL_SECONDS = (0.001, 0.02)  # first and longest wait between two looks
GRACE_SECONDS = 2.0  # for a report of an error that the runtime knows of already

Look = Callable[[Any], None]


class RemoteError(RuntimeError):
    """The cause of an exception that came out of a model: where it was raised."""


class ActorDiedError(RuntimeError):
    """An operating-system process of the runtime ended without saying why."""


class UnansweredError(RuntimeError):
    """Processes that live did not end in time when they were told to."""


def await_answer(
    runtime: Any,
    look: Look,
    progress: Callable[[], None] | None = None,
    ports: Sequence[Any] | None = None,
) -> None:
    """Wait until the runtime's services have answered.

    Parameters
    ----------
    runtime : Runtime
        Of a run that was started without waiting.
    look : callable
        `raise_failure` or `raise_ended`: called now and then with the runtime.
    progress : callable, optional
        Called now and then.
    ports : sequence of ports, optional
        Those of some services only.

    Raises
    ------
    Exception
        What ``look`` raises.
    ActorDiedError
        When Lava reports an error that no process has reported.
    """
    ports = list(runtime.service_to_runtime) if ports is None else ports
    answered = Hint()
    wait, longest = POLL_SECONDS
    for port in ports:
        port.observer = answered.give
    try:
        while not all(port.probe() for port in ports):
            answered.wait(wait)
            wait = min(1.5 * wait, longest)
            look(runtime)
            if progress is not None:
                progress()
    finally:
        for port in ports:
            port.observer = None
    look(runtime)
    if any(enum_equal(port.peek(), MGMT_RESPONSE.ERROR) for port in ports):
        deadline = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < deadline:
            look(runtime)
            time.sleep(longest)
        raise ActorDiedError("Lava's runtime reports an error that no model reported")


def raise_failure(runtime: Any) -> None:
    """Raise what an actor has reported, if one has."""
    for name, actor in _actors(runtime):
        _raise_report(name, actor)
    raise_ended(runtime)


def raise_ended(runtime: Any) -> None:
    """Raise what ended an actor, if one has ended.

    Models that are guarded report and go on, so they raise nothing here.

    Raises
    ------
    RuntimeError
        When another thread ends the network: its processes end because of that.
    """
    if getattr(runtime, "ended_by", None) not in (None, threading.get_ident()):
        raise RuntimeError(STOPPED)
    deadline = time.monotonic() + GRACE_SECONDS
    while ended := [(n, a) for n, a in _actors(runtime) if _exit_code(a) is not None]:
        for name, actor in ended:
            _raise_report(name, actor)
        # What ends without an error does so because of another, whose report may be
        # on its way.
        guilty = [(n, a) for n, a in ended if a.exitcode] or ended
        name, actor = guilty[0]
        if actor.exitcode or time.monotonic() > deadline:
            text = f"{name}: its process ended with exit code {actor.exitcode}"
            raise ActorDiedError(text)
        time.sleep(POLL_SECONDS[1])


def _exit_code(actor: Any) -> int | None:
    """Of an actor's process, None while it runs; of a closed one nobody knows it."""
    try:
        return actor.exitcode
    except ValueError:  # Lava closes them where a network is stopped
        raise RuntimeError(STOPPED) from None


def raise_silent(runtime: Any) -> None:
    """Raise when no answer can come from a runtime that was told to stop."""
    codes = [actor.exitcode for _, actor in _actors(runtime)]
    if any(codes):
        raise ActorDiedError(f"processes ended with exit codes {codes}")
    if None not in codes:
        time.sleep(POLL_SECONDS[1])  # for an answer that is on its way
        if not all(port.probe() for port in runtime.service_to_runtime):
            raise ActorDiedError("all processes have ended without an answer")


def raise_late(runtime: Any, deadline: float, seconds: float) -> None:
    """As `raise_silent`, and when no answer has come until a time.

    Parameters
    ----------
    runtime : Runtime
    deadline : float
        Of the monotonic clock.
    seconds : float
        How long that was, for the message.
    """
    raise_silent(runtime)
    if all(port.probe() for port in runtime.service_to_runtime):
        return
    if time.monotonic() > deadline:
        raise UnansweredError(
            f"the network did not end within {seconds:g} s of its stop: a time step "
            "takes longer, or models wait for each other; its processes were killed"
        )


def _raise_report(name: str, actor: Any) -> None:
    report = actor.exception
    if report is not None:
        error, trace = report
        raise error from RemoteError(f"in {name}:\n{trace}")


def _actors(runtime: Any) -> Iterator[tuple[str, Any]]:
    """Lava's operating-system processes with the names of what they run."""
    actors = runtime._messaging_infrastructure.actors
    names = [
        f"{p.name} ({type(p).__name__})" for p in runtime._executable.proc_builders
    ]
    names += ["runtime service"] * (len(actors) - len(names))
    return zip(names, actors, strict=True)
