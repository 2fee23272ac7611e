# SPDX-License-Identifier: BSD-3-Clause
"""What the Processes of this library have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from lava.magma.core.process.process import AbstractProcess
from lava.magma.core.process.variable import Var

from lava_sparse_rnn.fixed_point import SpecError
from lava_sparse_rnn.spec import Recipe


class Process(AbstractProcess):
    """A Lava Process that may refuse its arguments."""

    # Lava's __del__ looks for it, also where __init__ has raised before it was set.
    _runtime = None


class NeuronGroup(Process):
    """Neurons that all run one equation of `lava_sparse_rnn.spec.groups`.

    Parameters
    ----------
    group : AffineGroup, RecurrenceGroup, ReadoutGroup or GateGroup
        The neurons' constants and their equation.
    recipe : Recipe, optional
        Rounding and overflow; the default recipe where it is left out.
    depth : int
        Time step (0 is the first) in which the first token arrives at ``a_in``: the
        number of hops from the network's input. Earlier steps are pipeline fill;
        a recurrence stays at zero through them, and no overflow is counted.
    weight_exp : int
        Of the connections that feed the group. Lava's own `floating_pt` connections
        do not apply theirs, so the group's `floating_pt` model does; the integer
        model ignores it.
    num_tokens : int, optional
        How many tokens are real. Those after them, which only push the last
        answers out, run like all others but count no overflow. All by default.
    **kwargs
        ``name`` and ``log_config``, see `AbstractProcess`.

    Attributes
    ----------
    overflow_<tensor> : Var of int, shape (1,)
        How often a value of the tensor did not fit its format.
    """

    tensors: ClassVar[tuple[str, ...]] = ()
    group_type: ClassVar[type]

    def __init__(
        self,
        *,
        group: Any,
        recipe: Recipe | None = None,
        depth: int = 0,
        weight_exp: int = 0,
        num_tokens: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            group=check_type(group, self.group_type, f"{type(self).__name__}: group"),
            recipe=recipe or Recipe(),
            depth=check_depth(depth),
            weight_exp=weight_exp,
            num_tokens=num_tokens,
            **kwargs,
        )
        for tensor in self.tensors:
            setattr(self, f"overflow_{tensor}", Var(shape=(1,), init=0))


def check_depth(depth: int) -> int:
    """``depth`` as an int, or an error."""
    if int(depth) < 0:
        raise SpecError(f"depth is {depth}, must be 0 or more time steps")
    return int(depth)


def check_type(value: Any, cls: Any, name: str) -> Any:
    """``value`` if it is an instance of ``cls``, or an error that names it."""
    if not isinstance(value, cls):
        expected = getattr(cls, "__name__", str(cls))
        raise SpecError(f"{name} is a {type(value).__name__}, must be a {expected}")
    return value
