# SPDX-License-Identifier: BSD-3-Clause
"""What the models of the four neuron groups have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import IntegerArithmetic, RealArithmetic
from lava_sparse_rnn.proc.neurons.counts import OverflowTally
from lava_sparse_rnn.proc.neurons.guard import GuardedModel, whole
from lava_sparse_rnn.proc.neurons.process import NeuronGroup
from lava_sparse_rnn.proc.neurons.timing import TokenSchedule
from lava_sparse_rnn.spec import Recipe


class FixedPt:
    """Models tagged ``fixed_pt``: the integer contract."""

    @staticmethod
    def make_arithmetic(recipe: Recipe) -> IntegerArithmetic:
        return recipe.arithmetic()

    @staticmethod
    def accumulator(received: NDArray, weight_exp: int, name: str = "input") -> NDArray:
        if received.dtype.kind != "i":
            whole(received, name)
        return received.astype(np.int64)


class FloatingPt:
    """Models tagged ``floating_pt``: the same units, nothing rounded or clamped."""

    @staticmethod
    def make_arithmetic(recipe: Recipe) -> RealArithmetic:
        return RealArithmetic()

    @staticmethod
    def accumulator(received: NDArray, weight_exp: int, name: str = "input") -> NDArray:
        return received * 2.0**weight_exp


class GroupModel(GuardedModel):
    """A model of a `NeuronGroup`: its equation, once in each time step.

    Attributes
    ----------
    neurons : type of NeuronGroup
        The Process.
    token : int or None
        The token that is here in this time step, if there is one.
    """

    neurons: ClassVar[type[NeuronGroup]]

    def __init__(self, proc_params: Any = None) -> None:
        super().__init__(proc_params)
        self.group: Any = proc_params["group"]
        ports = self.neurons.inputs, self.neurons.outputs
        self.inputs = tuple(ports[0][name] for name in self.group.accumulators)
        self.outputs = tuple(ports[1][name] for name in self.group.outputs)
        self.schedule = TokenSchedule(proc_params["timing"], proc_params["clock"])
        self.token: int | None = None
        self.weight_exp: int = proc_params["weight_exp"]
        self.arithmetic = self.make_arithmetic(proc_params["recipe"])
        self.tally = OverflowTally(self.arithmetic)

    @staticmethod
    def make_arithmetic(recipe: Recipe) -> Any:
        """From `FixedPt` or `FloatingPt`."""
        raise NotImplementedError

    @staticmethod
    def accumulator(received: NDArray, weight_exp: int, name: str = "input") -> NDArray:
        """From `FixedPt` or `FloatingPt`: what a port received, in its units."""
        raise NotImplementedError

    def step(self, *received: NDArray) -> Sequence[NDArray]:
        step = self.step_index
        self.schedule.update(step)
        # Past Lava's __setattr__, which looks for ports and takes a microsecond.
        self.__dict__["token"] = token = self.schedule.token(step)
        self.tally.begin(token)
        named = zip(received, self.inputs, strict=True)
        sent = self.compute(
            *[self.accumulator(r, self.weight_exp, n) for r, n in named]
        )
        self.tally.show(self, self.group.tensors)
        return sent

    def compute(self, *acc: NDArray) -> Sequence[NDArray]:
        """What is sent; a group with a state rests in steps without a token."""
        group = self.group
        state = tuple(getattr(self, name) for name in group.states)
        if state and self.token is None:
            return [np.zeros_like(state[0]) for _ in group.outputs]
        if state and self.schedule.resets(self.token or 0):
            state = tuple(np.zeros_like(part) for part in state)
        values, state = group.answer(acc, state, self.arithmetic)
        self.__dict__.update(zip(group.states, state, strict=True))
        return [values[name] for name in group.outputs]
