# SPDX-License-Identifier: BSD-3-Clause
"""Neurons that hold the complex state of a linear recurrence."""

from __future__ import annotations

from typing import Any, ClassVar

from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.variable import Var

from lava_sparse_rnn.proc._process import NeuronGroup
from lava_sparse_rnn.spec import Recipe
from lava_sparse_rnn.spec import S5Block as BlockSpec
from lava_sparse_rnn.spec.groups import RecurrenceGroup


class Recurrence(NeuronGroup):
    """``x' = a x + drive``, diagonal and complex, one state per neuron.

    ``drive = shift(acc + bias, k_B)`` of the accumulators ``B_re u`` and ``B_im u``;
    ``s_re_out, s_im_out = nonlinearity(saturate(shift(x', k_x)))``.

    Parameters
    ----------
    group : RecurrenceGroup of n neurons
    recipe, depth, weight_exp, num_tokens
        See `NeuronGroup`. Until time step ``depth`` the state stays at zero, so that
        a bias does not drive it before the first token is here.

    Attributes
    ----------
    a_re_in, a_im_in : InPort, shape (n,)
    s_re_out, s_im_out : OutPort, shape (n,)
    x_re, x_im : Var, shape (n,)
        The state, after the update of the step.
    overflow_x_re, overflow_x_im, overflow_s_re, overflow_s_im : Var, shape (1,)
    """

    tensors: ClassVar[tuple[str, ...]] = ("x_re", "x_im", "s_re", "s_im")
    group_type: ClassVar[type] = RecurrenceGroup

    def __init__(self, *, group: RecurrenceGroup, **kwargs: Any) -> None:
        super().__init__(group=group, **kwargs)
        shape = group.a_re.shape
        self.a_re_in = InPort(shape=shape)
        self.a_im_in = InPort(shape=shape)
        self.s_re_out = OutPort(shape=shape)
        self.s_im_out = OutPort(shape=shape)
        self.x_re = Var(shape=shape, init=0)
        self.x_im = Var(shape=shape, init=0)

    @classmethod
    def of(cls, block: BlockSpec, recipe: Recipe, **kwargs: Any) -> Recurrence:
        """The recurrence of a block of a description."""
        return cls(group=RecurrenceGroup.of(block, recipe), recipe=recipe, **kwargs)
