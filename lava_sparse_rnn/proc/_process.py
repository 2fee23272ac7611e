# SPDX-License-Identifier: BSD-3-Clause
"""What the Processes of this library have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var

from lava_sparse_rnn.fixed_point import SpecError
from lava_sparse_rnn.proc._reset import reset_parts
from lava_sparse_rnn.proc._timing import Clock, Timing
from lava_sparse_rnn.spec import Recipe


class Process(AbstractProcess):
    """A Lava Process that may refuse its arguments."""

    # Lava's __del__ looks for it, also where __init__ has raised before it was set.
    _runtime = None


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

    Raises
    ------
    SpecError
    """

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
    overflow_<tensor> : Var of int, shape (1,)
        How often a value of the tensor did not fit its format, in tokens.
    """

    tensors: ClassVar[tuple[str, ...]] = ()
    group_type: ClassVar[type]

    def __init__(
        self,
        *,
        group: Any,
        recipe: Recipe | None = None,
        weight_exp: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            group=check_type(group, self.group_type, f"{type(self).__name__}: group"),
            recipe=recipe or Recipe(),
            weight_exp=weight_exp,
            **kwargs,
        )
        self.group = group
        for tensor in self.tensors:
            setattr(self, f"overflow_{tensor}", Var(shape=(1,), init=0))


def check_type(value: Any, cls: Any, name: str) -> Any:
    """``value`` if it is an instance of ``cls``, or an error that names it."""
    if not isinstance(value, cls):
        expected = getattr(cls, "__name__", str(cls))
        raise SpecError(f"{name} is a {type(value).__name__}, must be a {expected}")
    return value
