# SPDX-License-Identifier: BSD-3-Clause
"""Models that execute neuron programs inside Lava."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lava.magma.core.process.process import AbstractProcess
from numpy.typing import NDArray

from lava_sparse_rnn.microcode import Interpreter, Timing, interpreter_for
from lava_sparse_rnn.proc.neurons.counts import INSTRUCTIONS, OverflowTally
from lava_sparse_rnn.proc.neurons.group_model import FixedPt, GroupModel


class StatesInVars:
    """An interpreter whose states are Vars of a model.

    Before a step it takes the Vars over, as whoever paused the network has left
    them, and afterwards it shows its states there.

    Parameters
    ----------
    model : object
        Has an attribute of the neurons' shape for every state in ``states``.
    interpreter : Interpreter
    states : sequence of str
    """

    def __init__(
        self, model: Any, interpreter: Interpreter, states: Sequence[str]
    ) -> None:
        self.model, self.interpreter, self.states = model, interpreter, states

    def step(self, accumulators: dict[str, NDArray]) -> list[NDArray]:
        """Execute the program once; what leaves by each output."""
        for name in self.states:
            self.interpreter.write(name, getattr(self.model, name).ravel())
        sent = self.interpreter.step(accumulators)
        for name in self.states:
            shape = getattr(self.model, name).shape
            setattr(self.model, name, self.interpreter.read(name).reshape(shape))
        return list(sent.values())


class Microcode(FixedPt, GroupModel):
    """Models tagged ``microcode``: a group's program, executed in every time step.

    The host counts overflow and instructions in steps that have a token. All else is
    the program's: it sees accumulators and knows nothing of tokens.

    Attributes
    ----------
    interpreter : Interpreter
    """

    def __init__(self, proc_params: Any = None) -> None:
        super().__init__(proc_params)
        recipe = proc_params["recipe"]
        self.interpreter = interpreter_for(
            self.group, recipe.rounding, recipe.overflow, self.program_timing()
        )
        self.memory = StatesInVars(self, self.interpreter, self.group.states)
        self.tally = OverflowTally(self.interpreter)

    def program_timing(self) -> Timing | None:
        """What the program needs to know of time steps: nothing."""
        return None

    def step(self, *received: NDArray) -> Sequence[NDArray]:
        before = self.interpreter.executed_total
        sent = super().step(*received)
        if self.token is not None:
            executed = self.interpreter.executed_total - before
            getattr(self, INSTRUCTIONS + self.group.kind)[0] += executed
        return sent

    def compute(self, *acc: NDArray) -> Sequence[NDArray]:
        return self.memory.step(dict(zip(self.group.accumulators, acc, strict=True)))


def instructions(process: AbstractProcess) -> dict[str, int]:
    """Instructions executed so far by a Process whose runtime is alive, by group.

    All neurons of a group together, in time steps that have a token; 0 where other
    models run than those tagged ``microcode``.

    Parameters
    ----------
    process : Process
        Paused.

    Returns
    -------
    dict of str to int
        Under ``layer<i>_<group>`` for a network, as in `microcode.InstructionCount`;
        ``<group>`` for a block or a neuron group.
    """
    variables: list[Any] = process.vars.members
    return {
        var.name.replace(INSTRUCTIONS, "", 1): int(var.get()[0])
        for var in variables
        if INSTRUCTIONS in var.name
    }
