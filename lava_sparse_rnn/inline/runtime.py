# SPDX-License-Identifier: BSD-3-Clause
"""A Lava runtime without operating-system processes."""

from __future__ import annotations

import atexit
import logging
import sys
import threading
import weakref
from typing import Any

from lava.magma.compiler.executable import Executable
from lava.magma.core.process.message_interface_enum import ActorType
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.run_conditions import (
    AbstractRunCondition,
    RunContinuous,
    RunSteps,
)
from lava.magma.runtime.runtime import Runtime as LavaRuntime
from numpy.typing import NDArray

from lava_sparse_rnn.inline import variables
from lava_sparse_rnn.inline.domains import DONE, PAUSE, STOP, AsyncModel
from lava_sparse_rnn.inline.hub import Stopped, current
from lava_sparse_rnn.inline.network import Models
from lava_sparse_rnn.inline.registers import unregister

STOPPED = (
    "the network was stopped or has failed, and cannot run again: make its processes "
    "anew"
)
NESTED = (
    "a model has called run of {} network, while its own is in a time step: run the "
    "other network before or after this run, or in a thread of its own"
)
BUSY = "the network is running already: wait() for its end, or pause() it, first"


class Runtime(LavaRuntime):
    """Runs a compiled network in the thread that calls `run`.

    It has the attributes and methods of Lava's runtime. Runs that do not block have a
    thread of their own while they last.

    Parameters
    ----------
    exe : Executable
    message_infrastructure_type : ActorType, optional
        As in Lava's runtime; there is nothing to choose here.
    loglevel : int

    Attributes
    ----------
    models : dict
        The model of each Process, from `initialize` to `stop`.
    """

    # Lava's __del__ looks at it, also where __init__ has raised.
    _is_started = False

    def __init__(
        self,
        exe: Executable,
        message_infrastructure_type: ActorType | None = None,
        loglevel: int = logging.WARNING,
    ) -> None:
        self.log = logging.getLogger(__name__)
        self.log.setLevel(loglevel)
        self._executable = exe
        self._models: Models | None = None
        self._is_initialized = self._is_running = self._is_started = False
        self._ended = self._stopping = False
        self.num_steps = 0
        self._lock = threading.RLock()
        self._turn = threading.RLock()  # of the threads that start runs
        self._thread: threading.Thread | None = None
        self._outcome: str = DONE
        self._failure: BaseException | None = None
        self._over = threading.Event()  # of a run that blocks, for other threads

    def __repr__(self) -> str:
        state = "ended" if self._ended else f"{len(self.models)} models"
        return f"inline.Runtime({state}, {self.num_steps} steps)"

    def __del__(self) -> None:
        if self._models is not None:
            self.stop()

    @property
    def has_ended(self) -> bool:
        """Whether the network was stopped or has failed, and cannot run again."""
        return self._ended

    @property
    def models(self) -> dict[AbstractProcess, Any]:
        return {} if self._models is None else self._models.of

    def initialize(self, node_cfg_idx: int = 0) -> None:
        """Build all models, and connect them.

        Raises
        ------
        Exception
            Whatever building a model raises; nothing is left then.
        """
        self._models = Models(self._executable)
        self._is_initialized = True
        for process in self._models.of:
            process._runtime = self  # type: ignore[attr-defined]
        _alive.add(self)

    # -- runs

    def start(self, run_condition: AbstractRunCondition) -> None:
        """Run for a number of time steps, or until `pause` or `stop`.

        After the runs of other threads that have an end.

        Raises
        ------
        RuntimeError
            When the network was stopped, or runs without an end, or when a model
            calls it.
        DeadlockError
            When every process waits for another.
        BaseException
            Whatever a model raises; the network is over then.
        """
        if isinstance(run_condition, RunSteps):
            num_steps, blocking = run_condition.num_steps, run_condition.blocking
        elif isinstance(run_condition, RunContinuous):
            num_steps, blocking = sys.maxsize, False
        else:
            name = type(run_condition).__name__
            raise ValueError(f"run: a {name}, must be RunSteps or RunContinuous")
        with self._turn:
            with self._lock:
                self._begin(num_steps)
                if not blocking:
                    self._thread = threading.Thread(
                        target=self._run, name="lava network", daemon=True
                    )
                    self._thread.start()
            if blocking:
                try:
                    self._run()
                    self._settle()
                finally:
                    self._over.set()

    def _begin(self, num_steps: int) -> None:
        hub = current()
        if hub is not None:
            own = self._models is not None and hub is self._models.hub
            raise RuntimeError(NESTED.format("this" if own else "another"))
        if self._thread is not None and self.num_steps < sys.maxsize:
            self.wait()  # Lava does runs one after the other
        elif self._is_running:
            self._settle_if_over()
        models = self._models
        if self._stopping or self._ended:
            raise RuntimeError(STOPPED)
        if models is None:
            raise RuntimeError("not initialized")
        if self._is_running:
            raise RuntimeError(BUSY)
        self.num_steps = num_steps
        models.hub.command = None
        self._outcome, self._failure = DONE, None
        self._over.clear()
        self._is_started = self._is_running = True
        if self._stopping:  # another thread has stopped the network meanwhile
            self._is_running = False
            self._over.set()
            raise RuntimeError(STOPPED)

    def _run(self) -> None:
        """One run, in whatever thread; its outcome is looked at by `_settle`."""
        models = self._models
        assert models is not None
        hub, num_steps = models.hub, self.num_steps

        def coordinator(domain: Any) -> Any:
            def call() -> str:
                outcome = domain.run(num_steps)
                if outcome != DONE and hub.command is None:
                    hub.command = outcome  # for the others
                return outcome

            return call

        try:
            outcomes = hub.run([coordinator(domain) for domain in models.domains])
        except Stopped:
            self._outcome = STOP
        except BaseException as error:
            self._failure = error
        else:
            self._outcome = STOP if STOP in outcomes else DONE

    def _settle(self) -> None:
        """After a run: what it has come to.

        Raises
        ------
        BaseException
            What a model has raised.
        """
        failure, self._failure, self._thread = self._failure, None, None
        if failure is not None:
            self._close()
            try:
                raise failure
            finally:
                failure = None  # its traceback holds this frame
        self._is_running = False
        if self._outcome == STOP or self._stopping:
            self._close()

    def _settle_if_over(self) -> None:
        thread = self._thread
        if thread is not None and not thread.is_alive():
            self._settle()

    def _join(self) -> None:
        """Wait for the run of a thread; Ctrl-C ends the network."""
        thread = self._thread
        try:
            if thread is not None:
                thread.join()
        except BaseException:
            self._command(STOP)
            if thread is not None:
                thread.join()
            self._failure = None
            self._close()
            raise

    def _inside(self) -> bool:
        return self._models is not None and current() is self._models.hub

    def wait(self) -> None:
        """Wait for the end of a run that does not block, or of another thread's.

        Raises
        ------
        BaseException
            What a model has raised, in a run that does not block.
        """
        if self._inside():
            return
        if self._thread is not None:
            self._join()
            with self._lock:
                if self._thread is not None:
                    self._settle()
        elif self._is_running:
            self._over.wait()

    def pause(self) -> None:
        """Let the run in flight end after its time step.

        Raises
        ------
        BaseException
            What a model has raised.
        """
        if self._is_running:
            self._command(PAUSE)
            self.wait()

    def stop(self) -> None:
        """End the network; a second call does nothing.

        Raises
        ------
        BaseException
            What a model has raised in a run that nobody has waited for.
        """
        if self._ended:
            return
        # A run may be past its last look at commands: no other one begins.
        self._stopping = True
        if self._is_running:
            self._command(STOP)
            self.wait()
        if not self._inside() and not self._is_running:
            self._close()

    def _command(self, command: str) -> None:
        if self._models is not None:
            hub = self._models.hub
            with hub.changed:
                hub.command = command
                hub.changed.notify_all()

    def join(self) -> None:
        """Nothing is left to wait for after a run."""

    def _close(self) -> None:
        models, self._models = self._models, None
        self._is_running = self._is_started = False
        self._ended = True
        if models is not None:
            unregister(models.of)
            models.close()

    # -- Vars

    def get_var(self, var_id: int, idx: Any = None) -> NDArray | None:
        """The value of a Var; None while the network runs, as in Lava.

        Raises
        ------
        AssertionError
            When the model of its process has no such variable.
        RuntimeError
            Before the first run, and after `stop`.
        """
        found = self._find(var_id, "get")
        return None if found is None else variables.read(*found, idx)

    def set_var(self, var_id: int, value: NDArray, idx: Any = None) -> None:
        """Set the value of a Var; nothing happens while the network runs.

        Raises
        ------
        AssertionError
            When the model of its process has no such variable.
        RuntimeError
            Before the first run, after `stop`, and for asynchronous models.
        ValueError
            When there are too many values, or one that a Var of integers cannot hold.
        """
        found = self._find(var_id, "set")
        if found is not None:
            if any(found[0] in d.models for d in self._asynchronous()):
                raise RuntimeError("Vars of asynchronous models cannot be set")
            variables.write(*found, value, idx)

    def _asynchronous(self) -> list[Any]:
        models = self._models
        domains = [] if models is None else models.domains
        return [domain for domain in domains if isinstance(domain, AsyncModel)]

    def _find(self, var_id: int, verb: str) -> tuple[Any, Any] | None:
        self._settle_if_over()
        if self._is_running:
            self.log.warning("Cannot %s a Var while the network is running", verb)
            return None
        var_model = self._executable.node_configs[0].var_models.get(var_id)
        if var_model is None:
            self.stop()
            raise AssertionError(
                f"The Var with id <{var_id}> was not associated in the ProcModel: its "
                f"value cannot be {'set' if verb == 'set' else 'received'}"
            )
        if not self._is_started or self._models is None:
            raise RuntimeError("Runtime has not started")
        return self._models.by_id[var_model.proc_id], var_model


_alive: weakref.WeakSet[Runtime] = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    """At the interpreter's end, let threads finish their time step."""
    for runtime in list(_alive):
        runtime._command(STOP)
        thread = runtime._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=5.0)
