# SPDX-License-Identifier: BSD-3-Clause
"""Models whose errors end a run instead of hanging it."""

from __future__ import annotations

import multiprocessing
import pickle
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from lava.magma.core.model.py.model import PyLoihiProcessModel
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import SpecError


class GuardedModel(PyLoihiProcessModel):
    """A model that survives its own exceptions in Lava's own runtime.

    An exception that leaves `run_spk` makes that runtime wait for ever: processes
    downstream wait for a message, and the runtime for them. Here it is caught,
    printed, kept as `failure` and reported to the parent over the pipe that Lava
    reads its actors' exceptions from. From then on the model receives as before and
    sends zeros, so that a stock `run` ends; `lava_sparse_rnn.proc.run` raises the
    exception at once.
    """

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()

    def __init__(self, proc_params: Any = None) -> None:
        super().__init__(proc_params)
        self.failure: str | None = None

    @property
    def step_index(self) -> int:
        """The running time step, counted from 0."""
        return self.time_step - 1

    def step(self, *received: NDArray) -> Sequence[NDArray]:
        """What goes out of `outputs`, given what came in by `inputs`."""
        raise NotImplementedError

    def run_spk(self) -> None:
        received = [getattr(self, name).recv() for name in self.inputs]
        self.send(self.attempt(self.step, *received))

    def attempt(self, function: Callable[..., Any], *args: Any) -> Any:
        """``function(*args)``, or None once something has failed."""
        if self.failure is None:
            try:
                return function(*args)
            except Exception as error:
                self._fail(error)
                if self.failure is None:
                    raise
        return None

    def send(self, values: Sequence[NDArray] | None) -> None:
        """Send one array through each port of `outputs`; zeros instead of None."""
        ports = [getattr(self, name) for name in self.outputs]
        shapes = [port._shape for port in ports]
        if values is not None and [v.shape for v in values] != shapes:
            found = [v.shape for v in values]
            error = ValueError(f"answers have shapes {found}, ports {shapes}")
            self._fail(error)
            if self.failure is None:
                raise error
            values = None
        if values is None:
            values = [np.zeros(shape, dtype=np.int32) for shape in shapes]
        for port, value in zip(ports, values, strict=True):
            port.send(value)

    def _fail(self, error: Exception) -> None:
        """In a process of Lava's, report an error; elsewhere it is raised."""
        # Lava forks every model into a SystemProcess and reads this end's pipe.
        pipe = getattr(multiprocessing.current_process(), "_cconn", None)
        if pipe is None:
            return
        self.failure = "".join(traceback.format_exception(error))
        where = f"{type(self).__name__}, time step {self.step_index}"
        print(f"{where}: sends zeros from here on\n{self.failure}", file=sys.stderr)
        pipe.send((_portable(error), self.failure))


def whole(values: NDArray, name: str) -> None:
    """Refuse numbers that are no integers: an integer model would cut them.

    Raises
    ------
    SpecError
        With the port's or argument's ``name`` and the first such value.
    """
    if values.dtype.kind in "biu":
        return
    if values.dtype.kind != "f":
        raise SpecError(f"{name}: is of type {values.dtype}, must be numbers")
    if (bad := np.flatnonzero(values % 1 != 0)).size:  # also NaN and infinity
        where, value = int(bad[0]), values.flat[bad[0]]
        text = "the integer models need whole numbers"
        raise SpecError(f"{name}: value {value} at {where}, {text}")


def within_int32(values: NDArray, name: str) -> None:
    """Refuse integers that Lava's messages cannot hold.

    Raises
    ------
    SpecError
    """
    if (bad := np.flatnonzero((values < -(2**31)) | (values >= 2**31))).size:
        where, value = int(bad[0]), values.flat[bad[0]]
        raise SpecError(f"{name}: value {value} at {where}, must fit 32 bits")


def _portable(error: Exception) -> Exception:
    """The error if it can travel through a pipe, else one that says the same."""
    try:
        if type(pickle.loads(pickle.dumps(error))) is type(error):
            return error
    except Exception:  # whatever a foreign class does when pickled: it cannot travel
        pass
    return RuntimeError(f"{type(error).__name__}: {error}")
