# SPDX-License-Identifier: BSD-3-Clause
# pyright: reportAssignmentType=false
# (Lava writes the type of an instance's attribute as the value of the class's)
"""Models of `Head`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from numpy.typing import NDArray

from lava_sparse_rnn.proc.head.process import Head
from lava_sparse_rnn.proc.neurons.guard import GuardedModel, whole
from lava_sparse_rnn.proc.neurons.timing import TokenSchedule

LOWEST, HIGHEST = -(2**31), 2**31 - 1

# From what is kept and what arrives to what is kept then.
KEEP: dict[str, Callable[[NDArray, NDArray], NDArray]] = {
    "mean": lambda kept, value: kept + value,
    "last": lambda kept, value: value,
}


class AbstractPyHeadModel(GuardedModel):
    inputs = ("a_in",)
    outputs = ("s_out",)
    kept: np.ndarray
    overflow_kept: np.ndarray

    def __init__(self, proc_params: Any = None) -> None:
        super().__init__(proc_params)
        self.keep = KEEP[proc_params["head"]]
        self.says_class = proc_params["output"] == "class"
        self.shift, self.timing = proc_params["shift"], proc_params["timing"]
        # Of 32 bits and shifts of at most 31 products fit 64 bits.
        self.scale = np.int64(1) << proc_params["scale"]
        self.schedule = TokenSchedule(self.timing, proc_params["clock"])
        self.nothing = np.zeros(1 if self.says_class else proc_params["shape"], int)

    def step(self, value: NDArray) -> Sequence[NDArray]:
        self.schedule.update(self.step_index)
        token = self.schedule.token(self.step_index)
        if token is None:
            return (self.nothing,)
        if self.schedule.resets(token):
            self.kept = np.zeros_like(self.kept)
        self.kept = self.fitting(self.keep(self.kept, value.astype(self.kept.dtype)))
        if self.timing.reset_interval and not self.schedule.resets(token + 1):
            return (self.nothing,)
        if self.says_class:
            return (np.array([1 + int((self.kept * self.scale).argmax())]),)
        return (self.shifted(self.kept),)

    def fitting(self, kept: NDArray) -> NDArray:
        return kept

    def shifted(self, kept: NDArray) -> NDArray:
        raise NotImplementedError


class Integers:
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=32)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=32)
    kept: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=32)
    overflow_kept: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=64)


@implements(proc=Head, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyHeadModelFixed(Integers, AbstractPyHeadModel):
    """Sums of 32 bits."""

    def step(self, value: NDArray) -> Sequence[NDArray]:
        whole(value, "Head: a_in")
        return super().step(value)

    def fitting(self, kept: NDArray) -> NDArray:
        limited = np.clip(kept, LOWEST, HIGHEST)
        self.overflow_kept[0] += np.count_nonzero(limited != kept)
        return limited

    def shifted(self, kept: NDArray) -> NDArray:
        return kept >> self.shift


@implements(proc=Head, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyHeadModelFloat(AbstractPyHeadModel):
    """The same in real numbers."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    kept: np.ndarray = LavaPyType(np.ndarray, float)
    overflow_kept: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=64)

    def shifted(self, kept: NDArray) -> NDArray:
        return kept * 2.0**-self.shift
