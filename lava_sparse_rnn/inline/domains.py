# SPDX-License-Identifier: BSD-3-Clause
"""What Lava's runtime services do, by calls: the phases of a time step.

A domain is a group of models that follow one protocol. In Lava each has a service
that sends its models a message per phase and waits for as many answers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.runtime.mgmt_token_enums import MGMT_COMMAND

from lava_sparse_rnn.inline.hub import Hub, Job, Phase

DONE, PAUSE, STOP = "done", "pause", "stop"
LEARNING_TRIALS = 8  # steps in which a better order of the models is looked for

Base = PyLoihiProcessModel


class Servant:
    """The VarPorts of a model: they answer between its own calls, in some phases."""

    def __init__(self, model: Any) -> None:
        self.model, self.is_open = model, False
        self.ports = [port for port in model.var_ports if port.csp_ports]
        for port in self.ports:
            port._csp_send_port.channel.serve = self.serve

    def serve(self) -> bool:
        """Answer what waits, if the phase allows it; whether anything has waited."""
        served = False
        while self.is_open and (waiting := self._waiting()):
            for port in waiting:
                self.model._handle_var_port(port)
            served = True
        return served

    def _waiting(self) -> list[Any]:
        return [port for port in self.ports if port._csp_recv_port.can_go_on()]


class LoihiDomain:
    """Models of the Loihi protocol: spikes, management, learning, management.

    A phase other than the first one takes place in a step when any model wants it,
    and then for all of them. What a model wants after each phase is Lava's rule.

    Parameters
    ----------
    hub : Hub
    models : sequence of PyLoihiProcessModel
    sources : dict, optional
        The models that each model receives from, in both of which others may be.
    """

    def __init__(
        self,
        hub: Hub,
        models: Sequence[Any],
        sources: dict[Any, list[Any]] | None = None,
    ) -> None:
        self._hub, self.models = hub, list(models)
        self._phase = Phase(hub)
        self._servants = {m: Servant(m) for m in models if m.var_ports}
        self._order = _downstream(models, sources or {})
        self._trials, self._fewest = LEARNING_TRIALS, -1
        self._wants: set[str] = set()
        self._states = [
            (m.__dict__, m if _has(m, "lrn_guard", "post_guard") else None)
            for m in models
        ]
        self._advancing = [m for m in models if _advances(m)]
        self._spiking = False

    def run(self, num_steps: int) -> str:
        """Go through time steps; DONE, or PAUSE or STOP when that was wanted."""
        hub, wants, step = self._hub, self._wants, 0
        jobs = self._spike_jobs()
        while True:
            if not wants:
                if step == num_steps:
                    outcome = DONE
                    break
                step += 1
                jobs = self._spike(jobs)
            elif not self._manage_next():
                outcome = PAUSE if PAUSE in wants else STOP
                wants.discard(outcome)
                break
            if hub.command is not None:
                wants.add(hub.command)
        self._enter(Base.Phase.HOST)
        self._serve_all()
        return outcome

    # -- spikes

    def _spike_jobs(self) -> list[Job]:
        return [(model, model.run_spk) for model in self._order]

    def _spike(self, jobs: list[Job]) -> list[Job]:
        if not self._spiking:
            self._enter(Base.Phase.SPK)
        for state, _ in self._states:
            state["time_step"] += 1
        if self._trials:
            jobs = self._try_order(jobs)
        else:
            self._phase.run(jobs)
        guarded = self._hub.guarded
        for model in self._advancing:
            guarded(model, model.advance_to_time_step, model.time_step + 1)
        for state, model in self._states:
            if state["_req_pause"] or state["_req_stop"]:
                self._wants.add(_request(state))
            elif model is not None:
                self._wants.update(guarded(model, _wish_after_spikes, model))
        return jobs

    def _try_order(self, jobs: list[Job]) -> list[Job]:
        """Run the phase, and next time in the order in which models have ended.

        Where one waits for another it comes after it then. Of the orders that were
        tried, the one in which the fewest models wait stays.
        """
        before, done = self._hub.parks, []
        self._phase.run(jobs, done)
        parks = self._hub.parks - before
        self._trials -= 1
        if self._fewest < 0 or parks < self._fewest:
            self._fewest, self._order = parks, [model for model, _ in jobs]
        if not parks or not self._trials:
            self._trials = 0
            return self._spike_jobs()
        return [(model, model.run_spk) for model in done]

    # -- the other phases

    def _manage_next(self) -> bool:
        """Go through the next phase that is wanted, if one is."""
        for want, phase, guard, call, then in PHASES:
            if want in self._wants:
                self._wants.remove(want)
                self._manage(phase, guard, call, then)
                return True
        return False

    def _manage(self, phase: Any, guard: str, call: str, then: Callable) -> None:
        self._enter(phase)
        serves = phase is not Base.Phase.LRN
        jobs = []
        for model in self.models:
            servant = self._servants.get(model) if serves else None
            if servant is not None or _has(model, guard):
                jobs.append((model, _management(model, guard, call, servant)))
        self._phase.run(jobs)
        if serves:
            self._serve_all()
        for model in self.models:
            if model._req_pause or model._req_stop:
                self._wants.add(_request(model.__dict__))
            else:
                self._wants.update(self._hub.guarded(model, then, model))

    def _enter(self, phase: Any) -> None:
        self._spiking = phase is Base.Phase.SPK
        host = phase is Base.Phase.HOST
        for model in self.models:
            model.__dict__["phase"] = phase
        for servant in self._servants.values():
            servant.is_open = host

    def _serve_all(self) -> None:
        for model, servant in self._servants.items():
            servant.is_open = True
            self._hub.guarded(model, servant.serve)


def _downstream(models: Sequence[Any], sources: dict[Any, list[Any]]) -> list[Any]:
    """Each model after those that it receives from, but for circles."""
    order: dict[Any, None] = {}
    seen, own = set(), set(models)
    for last in models:
        stack = [(last, False)]
        while stack:
            model, done = stack.pop()
            if done:
                order[model] = None
            elif model not in seen:
                seen.add(model)
                before = [s for s in sources.get(model, ()) if s in own]
                stack += [(model, True), *((s, False) for s in before)]
    return list(order)


def _management(model: Any, guard: str, call: str, servant: Servant | None) -> Callable:
    def job() -> None:
        if getattr(model, guard)():
            getattr(model, call)()
        if servant is not None:
            servant.is_open = True
            servant.serve()

    return job


def _wish_after_spikes(model: Any) -> tuple[str, ...]:
    if model.lrn_guard():
        return ("pre",) if model.pre_guard() else ("lrn",)
    return ("post",) if model.post_guard() else ()


def _wish_after_pre(_: Any) -> tuple[str, ...]:
    return ("lrn",)


def _wish_after_learning(model: Any) -> tuple[str, ...]:
    return ("post",) if model.post_guard() else ()


def _wish_after_post(_: Any) -> tuple[str, ...]:
    return ()


# What is wanted, in the order in which it is done; the phase; its guard and call; and
# what each model wants afterwards.
PHASES = (
    ("pre", Base.Phase.PRE_MGMT, "pre_guard", "run_pre_mgmt", _wish_after_pre),
    ("lrn", Base.Phase.LRN, "lrn_guard", "run_lrn", _wish_after_learning),
    ("post", Base.Phase.POST_MGMT, "post_guard", "run_post_mgmt", _wish_after_post),
)


def _request(state: dict[str, Any]) -> str:
    """What a model has asked for; both are asked for one after the other."""
    request = PAUSE if state["_req_pause"] else STOP
    state[f"_req_{request}"] = False
    return request


def _has(model: Any, *names: str) -> bool:
    """Whether a model has methods of its own in place of those that do nothing."""
    return any(
        name in model.__dict__ or getattr(type(model), name) is not getattr(Base, name)
        for name in names
    )


def _advances(model: Any) -> bool:
    """Whether the end of a step means anything to a model or its ports."""
    ports = [end for port in model.py_ports for end in port.csp_ports]
    return _has(model, "advance_to_time_step") or any(
        hasattr(end, "advance_to_time_step") for end in ports
    )


class Command:
    """What a model sees in place of the port from its service."""

    name = "service_to_process"

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self.messages: deque[Any] = deque()  # for handlers of a model's own

    def recv(self) -> Any:
        """The next message for a handler."""
        return self.messages.popleft()

    def probe(self) -> bool:
        """Whether the run was asked to pause or stop; lets others go on if not."""
        if self._hub.command is None:
            self._hub.give_way()
        return self._hub.command is not None

    def peek(self) -> Any:
        """The command, as a message of Lava's."""
        stop = self._hub.command == STOP
        return MGMT_COMMAND.STOP if stop else MGMT_COMMAND.PAUSE

    def start(self) -> None:
        """Nothing to start."""

    def join(self) -> None:
        """Nothing to end."""


class Answer:
    """What a model sees in place of its port to the service: nobody listens."""

    name = "process_to_service"

    def send(self, data: Any) -> None:
        """The runtime knows from the call's return."""

    def start(self) -> None:
        """Nothing to start."""

    def join(self) -> None:
        """Nothing to end."""


class AsyncModel:
    """A model that runs at its own pace: a domain of one."""

    def __init__(self, hub: Hub, model: Any) -> None:
        self._hub, self.models = hub, [model]

    def run(self, num_steps: int) -> str:
        """Call the model's `run_async`; DONE, or what the model has asked for."""
        model = self.models[0]
        model.num_steps = num_steps
        self._hub.guarded(model, model.run_async)
        return _request(model.__dict__) if model._req_pause or model._req_stop else DONE
