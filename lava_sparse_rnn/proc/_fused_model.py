# SPDX-License-Identifier: BSD-3-Clause
"""A block or a whole network in one operating-system process."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import OverflowCounters
from lava_sparse_rnn.proc._fill import Fill
from lava_sparse_rnn.proc._group_model import OverflowTally
from lava_sparse_rnn.proc._guard import GuardedModel
from lava_sparse_rnn.proc._layer_vars import STATES, layer_vars
from lava_sparse_rnn.proc._timing import Schedule
from lava_sparse_rnn.spec import Network
from lava_sparse_rnn.spec.reference import Reference


@dataclass(frozen=True)
class Answer:
    """What a token's equations gave.

    Parameters
    ----------
    out : array, shape (d_out,)
    states : list of pairs of arrays
        Of every block, real and imaginary part; empty in a step without a token.
    counts : OverflowCounters
    token : int, optional
        The token that is answered.
    """

    out: NDArray
    states: list[tuple[NDArray, NDArray]]
    counts: OverflowCounters
    token: int | None = None


class FusedModel(GuardedModel):
    """Behaves at its ports, at every step, as the layered model does.

    The answer that leaves in a step belongs to the token that came ``latency`` steps
    before: inputs wait that long, and a whole token is computed at once. State Vars
    are those of the token that has left last. What was received in a step without a
    token passes through all groups but the recurrences, which send zeros.

    A token is computed between two steps, while Lava's runtime collects messages
    and sends the next ones, which takes as long.
    """

    outputs: ClassVar[tuple[str, ...]] = ("out",)
    inp: Any
    var_format: ClassVar[str] = "layer{i}_{name}"

    def __init__(self, proc_params: Any = None) -> None:
        super().__init__(proc_params)
        self.network = self.network_of(proc_params)
        recipe = self.network.recipe
        self.schedule = Schedule(proc_params["timing"], proc_params["clock"])
        self.executor = Reference(self.network, self.make_arithmetic(recipe))
        self.tally = OverflowTally(self.executor.arithmetic)
        self.fill = Fill(self.network, self.make_arithmetic(recipe))
        self.waiting: deque[NDArray] = deque()
        self.ahead: Answer | None = None
        self._state_vars, self._overflow_vars = self._var_names()
        nothing = np.zeros((self.network.latency, self.network.d_in))
        before = np.arange(-self.network.latency, 0)
        self._fill_answers = self.fill.run(nothing, before)
        self._idle_answer = self.fill.run(nothing[:1], np.zeros(1, dtype=np.int64))[0]

    @staticmethod
    def make_arithmetic(recipe: Any) -> Any:
        """From `FixedPt` or `FloatingPt`."""
        raise NotImplementedError

    @staticmethod
    def network_of(proc_params: Any) -> Network:
        """The network that the Process stands for."""
        return proc_params["network"]

    def _var_names(self) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """State Vars of every block; overflow Vars with the tensor that each counts."""
        states, overflows = [], []
        for i, layer in enumerate(self.network.layers):
            names = {n: self.var_format.format(i=i, name=n) for n in layer_vars(layer)}
            if STATES[0] in names:
                states.append((names[STATES[0]], names[STATES[1]]))
            for name, var in names.items():
                if name not in STATES:
                    tensor = name.removeprefix("overflow_")
                    overflows.append((var, f"layer{i}_{tensor}"))
        return states, overflows

    def run_spk(self) -> None:
        # What is sent does not depend on what arrives in the same step. Sending
        # first lets the neighbours work meanwhile, and allows loops.
        self.send(self.attempt(self.leave))
        self.waiting.append(self.inp.recv())

    def _spike(self) -> None:
        super()._spike()  # reports the step as done
        self.ahead = self.attempt(self.compute, self.step_index + 1)

    def leave(self) -> tuple[NDArray]:
        """The answer that leaves in this step; Vars then show its token."""
        step = self.step_index
        if self.schedule.update(step):
            self._restart(step)
        answer = self.ahead or self.compute(step)
        if step - self.network.latency >= self.schedule.origin:
            self.waiting.popleft()
        for names, parts in zip(self._state_vars, answer.states, strict=False):
            for name, part in zip(names, parts, strict=True):
                setattr(self, name, part)
        self.tally.add(answer.token, answer.counts)
        for var, tensor in self._overflow_vars:
            getattr(self, var)[0] = self.tally.total[tensor]
        return (answer.out,)

    def compute(self, step: int) -> Answer:
        """The answer that leaves in time step ``step``."""
        arrival, counts = step - self.network.latency, self.tally.begin()
        if (since := arrival - self.schedule.origin) < 0:
            return Answer(self._fill_answers[since], [], counts)
        u, token = self.waiting[0], self.schedule.token(arrival)
        if token is None:
            return Answer(self._between(u), [], counts)
        if self.schedule.resets(token):
            self.executor.reset()
        out = self.executor.step(u)
        return Answer(out, self.executor.state, counts, token)

    def _between(self, u: NDArray) -> NDArray:
        """The answer to what was received in a step without a token."""
        if not u.any():
            return self._idle_answer
        return self.fill.run(u[None], np.zeros(1, dtype=np.int64))[0]

    def _restart(self, step: int) -> None:
        """Begin a new segment of tokens, perhaps with an empty pipeline."""
        self.on_var_update()
        if self.schedule.origin == step:
            self.waiting.clear()

    def on_var_update(self) -> None:
        """Go on from states that were set from outside."""
        self.executor.state = [
            (getattr(self, re), getattr(self, im)) for re, im in self._state_vars
        ]
        self.ahead = None  # was computed from the states before
