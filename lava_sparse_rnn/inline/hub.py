# SPDX-License-Identifier: BSD-3-Clause
"""Models that wait for each other take turns in one thread.

A model is called like any function. Where it has to wait for a message its stack is
set aside (a greenlet), and another one goes on: a waiting one whose message has come,
or one that has not begun. Where every model comes after those it hears from nothing
ever waits, and a time step is a loop over calls.
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from greenlet import GreenletExit, getcurrent, greenlet

Job = tuple[Any, Callable[[], Any]]
Coordinator = Callable[[], Any]

_running = threading.local()  # the hub that runs in this thread, if one does


class DeadlockError(RuntimeError):
    """Every process of a network waits for another one."""


class End(Protocol):
    """What a model can wait for: one end of a channel."""

    outside: bool  # whether it is for another thread to end the wait

    def can_go_on(self) -> bool: ...
    def describe(self) -> str: ...


def current() -> Hub | None:
    """The hub in whose run this thread is."""
    return getattr(_running, "hub", None)


class Hub:
    """Whose turn it is.

    Attributes
    ----------
    command : object or None
        What a run in flight was asked to do; models and coordinators look at it.
    parks : int
        How often anything has had to wait.
    changed : threading.Condition
        Other threads that feed the network, or stop it, notify it.
    """

    def __init__(self, note: Callable[[BaseException, Any], None]) -> None:
        self.note = note
        self._ready: deque[Any] = deque()
        self._parked: dict[Any, End] = {}
        self._idle: list[Any] = []
        self._phases: list[Phase] = []
        self._main: Any = None
        self._thread: int | None = None
        self._failure: BaseException | None = None
        self._cancelled = False
        self.changed = threading.Condition()
        self.command: Any = None
        self.parks = 0

    # -- the run

    def run(self, coordinators: Sequence[Coordinator]) -> list[Any]:
        """Call coordinators side by side in this thread, until all have returned.

        Returns
        -------
        list
            What each has returned.

        Raises
        ------
        BaseException
            What one of them, or a model, has raised; the others have been unwound.
        """
        self._main, self._thread = getcurrent(), threading.get_ident()
        self._failure, self._cancelled = None, False
        _running.hub = self
        try:
            with contextlib.suppress(GreenletExit):  # _failure says why
                if len(coordinators) == 1:
                    return [coordinators[0]()]
                return self._side_by_side(coordinators)
            failure = self._failure
        finally:
            try:
                self._unwind()
            finally:
                _running.hub = self._main = self._thread = self._failure = None
        try:
            raise failure or RuntimeError("a model has ended its greenlet")
        finally:
            failure = None  # its traceback holds this frame

    def _side_by_side(self, coordinators: Sequence[Coordinator]) -> list[Any]:
        results: list[Any] = [None] * len(coordinators)
        phase = Phase(self)

        def begin(index: int, coordinator: Coordinator) -> None:
            def call() -> None:
                try:
                    results[index] = coordinator()
                except GreenletExit:
                    raise
                except BaseException as error:
                    self._fail(error)
                phase.finished()  # and the main one has its turn

            self._ready.append(self._greenlet(call))

        phase.expect(len(coordinators))
        for index, coordinator in enumerate(coordinators):
            begin(index, coordinator)
        phase.wait()
        return results

    def _unwind(self) -> None:
        """End what still waits: its ``finally`` clauses run, and its stack goes."""
        self._cancelled = True
        stacks = [*self._parked, *self._ready, *self._idle]
        self._ready.clear()
        self._idle.clear()
        for stack in stacks:
            if stack is not self._main and not stack.dead:
                stack.throw(GreenletExit)
        self._parked.clear()
        self._ready.clear()
        for phase in self._phases:
            phase.clear()
        self._phases.clear()

    def _greenlet(self, call: Callable[[], None]) -> Any:
        made = greenlet(call, self._main)
        made.gr_context = contextvars.copy_context()
        return made

    # -- waiting

    def park(self, end: End) -> None:
        """Let others go on until `wake`, or until ``end`` can go on."""
        me = getcurrent()
        if threading.get_ident() != self._thread:
            raise RuntimeError(
                f"{end.describe()}, in a thread that is not the network's: only "
                "external pipes may be used from other threads"
            )
        if self._cancelled:
            raise GreenletExit
        self.parks += 1
        self._parked[me] = end
        try:
            other = self._next()
            if other is not me:
                other.switch()
        finally:
            self._parked.pop(me, None)
        if self._failure is not None and me is self._main:
            raise GreenletExit

    def wake(self, stack: Any) -> None:
        """Let one that is parked go on when its turn comes."""
        self._ready.append(stack)

    def others_can_go_on(self) -> bool:
        """Whether anything else could run now."""
        return bool(self._ready) or any(phase.fresh for phase in self._phases)

    def give_way(self) -> None:
        """Let all others that can go on have a turn."""
        if self._thread == threading.get_ident() and self.others_can_go_on():
            me = getcurrent()
            self._ready.append(me)
            other = self._next()
            if other is not me:
                other.switch()
            if self._failure is not None and me is self._main:
                raise GreenletExit

    def _next(self) -> Any:
        """Whose turn it is now; the main stack when nothing can go on any more."""
        while self._failure is None:
            self._look_outside()
            if self._ready:
                return self._ready.popleft()
            if any(phase.fresh for phase in self._phases):
                return self._idle.pop() if self._idle else self._greenlet(self._help)
            outside = [end for end in self._parked.values() if end.outside]
            if not outside or self.command == "stop":
                self._failure = self._stuck()
                break
            with self.changed:
                waits = self.command != "stop"
                if waits and not any(end.can_go_on() for end in outside):
                    self.changed.wait()
        return self._main

    def _look_outside(self) -> None:
        """Wake those whose wait another thread has ended."""
        for stack, end in list(self._parked.items()):
            if end.outside and end.can_go_on():
                del self._parked[stack]
                self._ready.append(stack)

    def _stuck(self) -> BaseException:
        if self.command == "stop":
            return Stopped()
        waits = [end.describe() for end in self._parked.values()]
        lines = "\n  ".join(sorted(w for w in waits if w))
        return DeadlockError(f"every process waits, none can go on:\n  {lines}")

    def _help(self) -> None:
        """What a greenlet does: take up what has not begun, and rest."""
        try:
            while True:
                for phase in self._phases:
                    phase.help()
                self._idle.append(getcurrent())
                self._next().switch()
        except GreenletExit:
            raise
        except BaseException as error:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """End the run with an error, from any greenlet but the main one."""
        if self._failure is None:
            self._failure = error
        self._idle.append(getcurrent())
        self._main.switch()

    def guarded(self, model: Any, call: Callable[..., Any], *args: Any) -> Any:
        """``call(*args)``; what it raises is told where it came from."""
        try:
            return call(*args)
        except GreenletExit:
            raise
        except BaseException as error:
            self.note(error, model)
            raise


class Stopped(GreenletExit):
    """A run was told to stop while all of it waited for other threads."""


class Phase:
    """Calls that all have to return before their coordinator goes on."""

    outside = False

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._left = 0
        self._owner: Any = None
        self._waits = False
        self._done: list[Any] | None = None
        self.fresh: deque[Job] = deque()

    def run(self, jobs: Sequence[Job], done: list[Any] | None = None) -> None:
        """Call every job's function, in this order as far as none has to wait.

        Parameters
        ----------
        jobs : sequence of (model, function)
        done : list, optional
            Is given the models in the order in which they have returned.
        """
        phases = self._hub._phases
        if self not in phases:
            phases.append(self)
        self.expect(len(jobs))
        self._done = done
        fresh = self.fresh
        fresh.extend(jobs)
        model = None
        try:
            while fresh:
                model, call = fresh.popleft()
                call()
                self._left -= 1
                if done is not None:
                    done.append(model)
        except GreenletExit:
            raise
        except BaseException as error:
            self._hub.note(error, model)
            raise
        self.wait()

    def expect(self, count: int) -> None:
        self._left, self._owner = count, getcurrent()

    def finished(self) -> None:
        """Count one that has returned in another greenlet than the owner's."""
        self._left -= 1
        if not self._left and self._waits:
            self._waits = False
            self._hub.wake(self._owner)

    def wait(self) -> None:
        while self._left:
            self._waits = True
            self._hub.park(self)

    def help(self) -> None:
        """Call what has not begun, in a greenlet that has nothing else to do."""
        model = None
        try:
            while self.fresh:
                model, call = self.fresh.popleft()
                call()
                if self._done is not None:
                    self._done.append(model)
                self.finished()
        except GreenletExit:
            raise
        except BaseException as error:
            self._hub.note(error, model)
            raise

    def clear(self) -> None:
        self.fresh.clear()
        self._left, self._owner, self._waits, self._done = 0, None, False, None

    def can_go_on(self) -> bool:
        return not self._left

    def describe(self) -> str:
        return ""
