# SPDX-License-Identifier: BSD-3-Clause
"""A block or a whole network in one model."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.proc._fused.executors import make_executor, moved
from lava_sparse_rnn.proc._fused.layer_vars import OF_NETWORK, layer_vars, state_names
from lava_sparse_rnn.proc.neurons.counts import OVERFLOW
from lava_sparse_rnn.proc.neurons.guard import GuardedModel
from lava_sparse_rnn.proc.neurons.timing import TokenSchedule
from lava_sparse_rnn.spec import Network
from lava_sparse_rnn.spec.reference import Reference


@dataclass(frozen=True)
class Answer:
    """What leaves in a time step.

    Parameters
    ----------
    out : array, shape (d_out,)
    is_token : bool
        Whether it is the answer to a token.
    """

    out: NDArray
    is_token: bool = False


class FusedModel(GuardedModel):
    """Behaves at its ports, at every step, as the layered model does.

    The answer that leaves in a step belongs to the token that came ``latency`` steps
    before: inputs wait that long, and a whole token is computed at once. State Vars
    are those of the token that has left last. What was received in a step without a
    token passes through all groups but the recurrences, which send zeros.

    The engine computes a token when its answer leaves. Numpy, which takes as long as
    Lava's runtime does to collect messages and send the next ones, computes it in
    that pause. Vars are filled in when somebody asks for them.
    """

    outputs: ClassVar[tuple[str, ...]] = ("out",)
    inp: Any
    var_format: ClassVar[str] = OF_NETWORK

    def __init__(self, proc_params: Any = None) -> None:
        super().__init__(proc_params)
        self.network = self.network_of(proc_params)
        recipe = self.network.recipe
        self.schedule = TokenSchedule(proc_params["timing"], proc_params["clock"])
        self.executor = make_executor(self.network, self.make_arithmetic(recipe))
        # Its own arithmetic: what it counts is no overflow of a token.
        self.fill = Reference(self.network, self.make_arithmetic(recipe))
        self.waiting: deque[NDArray] = deque()
        self.ahead: Answer | None = None
        graphs = self.network.graphs
        self._state_vars = state_names(graphs, self.var_format)
        self._overflow_vars = [
            (self.var_format.format(i=i, name=var.name), f"layer{i}_{var.of}")
            for i, graph in enumerate(graphs)
            for var in layer_vars(graph)
            if var.name == OVERFLOW + var.of
        ]
        nothing = np.zeros((self.network.latency, self.network.d_in))
        before = np.arange(-self.network.latency, 0)
        _, self._fill_answers = self.fill.idle(nothing, before)
        self._idle_answer = self._idle(nothing[0])

    @staticmethod
    def make_arithmetic(recipe: Any) -> Any:
        """From `FixedPt` or `FloatingPt`."""
        raise NotImplementedError

    @staticmethod
    def network_of(proc_params: Any) -> Network:
        """The network that the Process stands for."""
        return proc_params["network"]

    def run_spk(self) -> None:
        # What is sent does not depend on what arrives in the same step. Sending
        # first lets the neighbours work meanwhile, and allows loops.
        self.send(self.attempt(self.leave))
        self.waiting.append(self.inp.recv())

    def _spike(self) -> None:
        super()._spike()  # reports the step as done
        if self.executor.computes_ahead:
            self.ahead = self.attempt(self.compute, self.step_index + 1)

    def leave(self) -> tuple[NDArray]:
        """The answer that leaves in this step; Vars then show its token."""
        step = self.step_index
        if self.schedule.update(step):
            self._restart(step)
        answer = self.ahead or self.compute(step)
        if step - self.network.latency >= self.schedule.origin:
            self.waiting.popleft()
        if answer.is_token:
            self.executor.show()
        return (answer.out,)

    def compute(self, step: int) -> Answer:
        """The answer that leaves in time step ``step``."""
        arrival = step - self.network.latency
        if (since := arrival - self.schedule.origin) < 0:
            return Answer(self._fill_answers[since])
        u, token = self.waiting[0], self.schedule.token(arrival)
        if token is None:
            return Answer(self._between(u))
        if self.schedule.resets(token):
            self.executor.reset()
        return Answer(self.executor.step(u), is_token=True)

    def _between(self, u: NDArray) -> NDArray:
        """The answer to what was received in a step without a token."""
        if not u.any():
            return self._idle_answer
        return self._idle(u)

    def _idle(self, u: NDArray) -> NDArray:
        _, out = self.fill.idle(u[None], np.zeros(1, dtype=np.int64))
        return out[0]

    def _restart(self, step: int) -> None:
        """Begin a new segment of tokens, perhaps with an empty pipeline."""
        self._go_on(self.executor.state)
        if self.schedule.origin == step:
            self.waiting.clear()

    def _go_on(self, state: Any) -> None:
        """Go on from a state; what was computed from another one is dropped."""
        arithmetic = self.make_arithmetic(self.network.recipe)
        self.executor = moved(self.executor, self.network, arithmetic, state)
        self.ahead = None

    def on_var_update(self) -> None:
        """Go on from states that were set from outside."""
        self._go_on([[getattr(self, n) for n in names] for names in self._state_vars])

    def _show_vars(self) -> None:
        """Fill the Vars in with the token that has left last."""
        for names, parts in zip(self._state_vars, self.executor.state, strict=True):
            for name, part in zip(names, parts, strict=True):
                setattr(self, name, part)
        counters = self.executor.counters
        for var, tensor in self._overflow_vars:
            getattr(self, var)[0] = counters[tensor]

    # Lava's three ways to a Var: `get`, `set`, and the port of a Monitor.

    def _get_var(self) -> None:
        self._show_vars()
        super()._get_var()

    def _set_var(self) -> None:
        self._show_vars()
        super()._set_var()  # one Var, and then `on_var_update` takes them all

    def _handle_var_port(self, var_port: Any) -> None:
        self._show_vars()
        super()._handle_var_port(var_port)
