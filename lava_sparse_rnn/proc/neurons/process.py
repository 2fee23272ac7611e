# SPDX-License-Identifier: BSD-3-Clause
"""What the Processes of this library have in common."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var
from lava.magma.core.run_conditions import AbstractRunCondition
from lava.magma.core.run_configs import RunConfig

from lava_sparse_rnn.fixed_point import Brief, SpecError
from lava_sparse_rnn.inline.registers import LOCK
from lava_sparse_rnn.proc._runtime.reset import reset_parts
from lava_sparse_rnn.proc._runtime.restore import (
    is_part_compiled,
    log_handlers_restored,
    renumber,
)
from lava_sparse_rnn.proc._runtime.runtime import (
    end,
    has_ended,
    launch,
    pause,
    run,
    wait,
)
from lava_sparse_rnn.proc.neurons.counts import INSTRUCTIONS, OVERFLOW
from lava_sparse_rnn.proc.neurons.signature import signature_of
from lava_sparse_rnn.proc.neurons.timing import Clock, Timing
from lava_sparse_rnn.spec import Recipe, Wire
from lava_sparse_rnn.spec.groups import Group
from lava_sparse_rnn.spec.quantize import as_recipe

_COMPILED = "is part of what is compiled"  # in the state of a pickled Process


class Process(Brief, AbstractProcess):
    """A Lava Process that may refuse its arguments, and whose runs always end.

    `run`, `wait`, `pause` and `stop` are Lava's, but the network runs in this process
    (`lava_sparse_rnn.inline`), and a model's exception is raised as itself. With
    ``runtime="processes"`` Lava's own runtime takes its place, and nothing waits for
    processes that have died: what ended one is raised, and the whole network is ended,
    as it is on Ctrl-C. (An exception in a model of this library ends no process: the
    model prints it and sends zeros from then on.)
    """

    __signature__: ClassVar[inspect.Signature]
    given: ClassVar[tuple[str, ...]] = ()  # parameters of bases that a class sets

    # Lava's __del__ looks for it, also where __init__ has raised before it was set.
    _runtime: Any = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.__signature__ = signature_of(cls, cls.given)

    def __init__(self, **kwargs: Any) -> None:
        with log_handlers_restored():
            super().__init__(**kwargs)

    def _about(self) -> str:
        ports = [*getattr(self, "in_ports", ()), *getattr(self, "out_ports", ())]
        shapes = (f"{port.name} {port.shape}" for port in ports)
        return ", ".join([repr(getattr(self, "name", None)), *shapes])

    def __copy__(self) -> Process:
        # Two Processes cannot share ports and Vars.
        return copy.deepcopy(self)

    def __getstate__(self) -> dict[str, Any]:
        if self._runtime is not None and not has_ended(self._runtime):
            raise RuntimeError(
                f"{self.name}: cannot be copied or pickled while its network runs in "
                "Lava; stop it before"
            )
        return {**self.__dict__, "_runtime": None, _COMPILED: is_part_compiled(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        compiled = state.pop(_COMPILED)
        self.__dict__.update(state)
        renumber(self, compiled)

    def run(
        self,
        condition: AbstractRunCondition,
        run_cfg: RunConfig | None = None,
        compile_config: dict[str, Any] | None = None,
    ) -> None:
        """Run this Process and all that are connected to it; see `AbstractProcess`.

        Raises
        ------
        ValueError
            At the first run without a ``run_cfg``.
        RuntimeError
            When the network was stopped, or the run would have no end: Lava's own
            runtime reports none after `pause`.
        Exception
            What a model raises; what ended one of Lava's processes.
        """
        with LOCK:
            if self._runtime is None:
                if run_cfg is None:
                    raise ValueError(f"{self.name}: the first run needs a run_cfg")
                launch(self, run_cfg, compile_config)
            runtime: Any = self._runtime
        run(runtime, condition)

    def wait(self) -> None:
        """Wait until a run that was started with ``blocking=False`` has ended."""
        if self._runtime is not None:
            wait(self._runtime)

    def pause(self) -> None:
        """Pause a run that was started with ``blocking=False``."""
        if self._runtime is not None:
            pause(self._runtime)

    def stop(self) -> None:
        """End the network; a second call does nothing."""
        if self._runtime is not None:
            end(self._runtime)


class TimedProcess(Process):
    """A Process that knows in which time steps it has a token.

    A recurrence advances, and overflow is counted, in these steps only.

    Parameters
    ----------
    depth : int
        Time step (0 is the first) in which the first token arrives: the number of
        hops from the network's input.
    period : int
        Steps from one token to the next.
    reset_interval : int, optional
        Steps from one reset of the states to the next, as in lava-dl's netx; a
        multiple of `period`. The first one is with the first token. None for no
        resets.
    reset_offset : int
        Steps by which all resets are later; a multiple of `period`.
    num_tokens : int, optional
        How many tokens arrive; the steps after them have none. No end by default.
    clock : Clock, optional
        Of the network that the Process is a part of.
    **kwargs
        Kept as parameters of the models.

    Attributes
    ----------
    state_names : sequence of tuple of str
        The Vars that are states, a tuple for each group of neurons that has some: what
        `reset` sets to zero, and a `Session` reads and sets.

    Raises
    ------
    SpecError
    """

    state_names: Sequence[tuple[str, ...]] = ()

    def __init__(
        self,
        *,
        depth: int = 0,
        period: int = 1,
        reset_interval: int | None = None,
        reset_offset: int = 0,
        num_tokens: int | None = None,
        clock: Clock | None = None,
        **kwargs: Any,
    ) -> None:
        timing = Timing(depth, period, reset_interval, reset_offset)
        clock = clock or Clock(num_tokens)
        super().__init__(timing=timing, clock=clock, **timing.arguments(), **kwargs)
        self.timing, self.clock = timing, clock

    @property
    def period(self) -> int:
        """Time steps from one token to the next."""
        return self.timing.period

    def reset(self) -> None:
        """Set states, delay lines and what waits in connections to zero.

        For use while the network is paused, between two sequences. Tokens in flight
        are dropped, and ``depth`` is counted from the next step on. It reaches this
        Process and all inside it; `lava_sparse_rnn.proc.reset` those connected to
        it too. Overflow counts stay.

        Raises
        ------
        RuntimeError
            While the network is running.
        """
        reset_parts([self])


Self = TypeVar("Self", bound="NeuronGroup")


class NeuronGroup(TimedProcess):
    """Neurons that all run one equation of `lava_sparse_rnn.spec.groups`.

    Parameters
    ----------
    group : AffineGroup, RecurrenceGroup, ReadoutGroup or GateGroup
        The neurons' constants and their equation.
    recipe : Recipe, optional
        Rounding and overflow; the default recipe where it is left out.
    weight_exp : int
        Of the connections that feed the group. Lava's own `floating_pt` connections
        do not apply theirs, so the group's `floating_pt` model does; the integer
        model ignores it.
    depth, period, reset_interval, reset_offset, num_tokens
        See `TimedProcess`; ``depth`` counts to ``a_in``.
    **kwargs
        ``name`` and ``log_config``, see `AbstractProcess`.

    Attributes
    ----------
    group_type : type
        Of `lava_sparse_rnn.spec.groups`.
    inputs, outputs : dict of str to str
        The port of each of its accumulators and outputs, shape (n,).
    <state> : Var, shape (n,)
    overflow_<tensor> : Var of int, shape (1,)
        How often a value of the tensor did not fit its format, in tokens.
    instructions_<kind> : Var of int, shape (1,)
        What the neurons have executed for tokens, all together; 0 but for models
        tagged ``microcode``.
    out_wire : Wire or None
        Where `from_float` made it: ``out_wire.format`` reads what is sent as real
        values.
    """

    group_type: ClassVar[type[Group]]
    inputs: ClassVar[dict[str, str]]
    outputs: ClassVar[dict[str, str]] = {"out": "s_out"}

    def __init__(
        self,
        *,
        group: Any,
        recipe: Recipe | str | None = None,
        weight_exp: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            group=check_type(group, self.group_type, f"{type(self).__name__}: group"),
            recipe=as_recipe(recipe),
            weight_exp=weight_exp,
            **kwargs,
        )
        self.group: Any = group
        self.out_wire: Wire | None = None
        shape = (group.size,)
        for port in self.inputs.values():
            setattr(self, port, InPort(shape=shape))
        for port in self.outputs.values():
            setattr(self, port, OutPort(shape=shape))
        for state in group.states:
            setattr(self, state, Var(shape=shape, init=0))
        for tensor in group.tensors:
            setattr(self, OVERFLOW + tensor, Var(shape=(1,), init=0))
        setattr(self, INSTRUCTIONS + group.kind, Var(shape=(1,), init=0))
        self.state_names = (group.states,) if group.states else ()

    @classmethod
    def of(cls: type[Self], layer: Any, recipe: Recipe, **kwargs: Any) -> Self:
        """The neurons of a layer of a description."""
        group_type: Any = cls.group_type
        return cls(group=group_type.of(layer, recipe), recipe=recipe, **kwargs)

    @classmethod
    def of_group(
        cls: type[Self], group: Group, out_wire: Wire, recipe: Recipe, **kwargs: Any
    ) -> Self:
        """Neurons that a quantiser has made, with the format of what they send."""
        process = cls(group=group, recipe=recipe, **kwargs)
        process.out_wire = out_wire
        return process


def check_type(value: Any, cls: Any, name: str) -> Any:
    """``value`` if it is an instance of ``cls``, or an error that names it."""
    if not isinstance(value, cls):
        expected = getattr(cls, "__name__", str(cls))
        raise SpecError(f"{name} is a {type(value).__name__}, must be a {expected}")
    return value
