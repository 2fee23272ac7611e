# SPDX-License-Identifier: BSD-3-Clause
"""Any program as a model: ports and Vars come from what it declares."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from numpy.typing import NDArray

from lava_sparse_rnn.microcode import Interpreter, Kind, Program
from lava_sparse_rnn.proc.neurons.counts import OverflowTally
from lava_sparse_rnn.proc.neurons.group_model import FixedPt
from lava_sparse_rnn.proc.neurons.guard import GuardedModel
from lava_sparse_rnn.proc.neurons.microcode_model import StatesInVars
from lava_sparse_rnn.proc.neurons.timing import TokenSchedule

PORT_TYPES = (
    (
        re.compile(r"a_(\w+_)?in"),
        LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=32),
    ),
    (
        re.compile(r"s_(\w+_)?out"),
        LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=32),
    ),
)
VAR_TYPE = LavaPyType(np.ndarray, np.int64)


def in_ports(program: Program) -> dict[str, str]:
    """A program's accumulators by the names of their ports."""
    return _ports(program, Kind.ACCUMULATOR, "a", "in")


def out_ports(program: Program) -> dict[str, str]:
    """A program's outputs by the names of their ports."""
    return _ports(program, Kind.OUTPUT, "s", "out")


def _ports(program: Program, kind: Kind, first: str, last: str) -> dict[str, str]:
    names = [d.name for d in program.of_kind(kind)]
    if len(names) == 1:
        return {f"{first}_{last}": names[0]}
    return {f"{first}_{name}_{last}": name for name in names}


def probed(program: Program) -> list[str]:
    """Names that a program shows, each once."""
    shown = (i.operands[0] for i in program.instructions if i.opcode == "PROBE")
    return [str(name) for name in dict.fromkeys(shown)]


def counted(program: Program) -> list[str]:
    """Names under which values are counted that do not fit."""
    return [d.name for d in program.declarations if d.counted]


class ProgramTypes(type(PyLoihiProcessModel)):
    """Metaclass of models of programs: a Lava type for every port and Var.

    Lava asks a model's class for these by name, and a class body cannot list the
    names of all programs.
    """

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{cls.__name__} has no attribute {name!r}")
        types = (t for pattern, t in PORT_TYPES if pattern.fullmatch(name))
        return next(types, VAR_TYPE)


class ProgramModel(GuardedModel, metaclass=ProgramTypes):
    """Executes the program of a `MicrocodeNeurons` once in every time step."""

    instructions: NDArray

    def __init__(self, proc_params: Any = None) -> None:
        super().__init__(proc_params)
        self.shape: tuple[int, ...] = proc_params["shape"]
        self.schedule = TokenSchedule(proc_params["timing"], proc_params["clock"])
        self.interpreter = Interpreter(**proc_params["machine"])
        program = self.interpreter.program
        self.states = [d.name for d in program.of_kind(Kind.STATE)]
        self.memory = StatesInVars(self, self.interpreter, self.states)
        self.accumulators = in_ports(program)
        self.inputs, self.outputs = tuple(self.accumulators), tuple(out_ports(program))
        self.probed, self.counted = probed(program), counted(program)
        self.tally = OverflowTally(self.interpreter)

    def step(self, *received: NDArray) -> Sequence[NDArray]:
        token = self._token()
        self.tally.begin(token)
        before = self.interpreter.executed_total
        names = self.accumulators.values()
        arrived = (FixedPt.accumulator(r, 0).ravel() for r in received)
        sent = self.memory.step(dict(zip(names, arrived, strict=True)))
        if token is not None:
            self.instructions[0] += self.interpreter.executed_total - before
        self.tally.show(self, self.counted)
        for name in self.probed:
            shown = self.interpreter.probes.get(name, np.zeros(1))
            getattr(self, f"probe_{name}").flat[:] = shown
        return [payload.reshape(self.shape) for payload in sent]

    def _token(self) -> int | None:
        """The token of this step; resets come before it."""
        step = self.step_index
        if self.schedule.update(step) and self.schedule.origin == step:
            self.interpreter.reset()  # what accumulators keep; states are Vars
        token = self.schedule.token(step)
        if token is not None and self.schedule.resets(token):
            self.interpreter.reset()
            for name in self.states:
                setattr(self, name, np.zeros(self.shape, dtype=np.int64))
        return token
