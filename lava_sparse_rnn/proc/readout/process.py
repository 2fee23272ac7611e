# SPDX-License-Identifier: BSD-3-Clause
"""Neurons that read the state."""

from __future__ import annotations

from typing import Any, ClassVar

from lava.magma.core.process.ports.ports import InPort, OutPort

from lava_sparse_rnn.proc._process import NeuronGroup
from lava_sparse_rnn.spec import Recipe
from lava_sparse_rnn.spec import S5Block as BlockSpec
from lava_sparse_rnn.spec.groups import ReadoutGroup


class Readout(NeuronGroup):
    """``z = saturate(relu(shift(a_c_in, k_C) + shift(a_d_in, k_D) + bias))``.

    Parameters
    ----------
    group : ReadoutGroup of n neurons
    recipe, weight_exp, depth, period, num_tokens
        See `NeuronGroup`.

    Attributes
    ----------
    a_c_in : InPort, shape (n,)
        Accumulators ``C_re s_re + C_imn s_im``: connect both matrices here.
    a_d_in : InPort, shape (n,)
        ``D u``, with its own shift.
    s_out : OutPort, shape (n,)
        ``z``.
    overflow_z : Var, shape (1,)
    """

    tensors: ClassVar[tuple[str, ...]] = ("z",)
    group_type: ClassVar[type] = ReadoutGroup

    def __init__(self, *, group: ReadoutGroup, **kwargs: Any) -> None:
        super().__init__(group=group, **kwargs)
        shape = group.bias.shape
        self.a_c_in = InPort(shape=shape)
        self.a_d_in = InPort(shape=shape)
        self.s_out = OutPort(shape=shape)

    @classmethod
    def of(cls, block: BlockSpec, recipe: Recipe, **kwargs: Any) -> Readout:
        """The readout of a block of a description."""
        return cls(group=ReadoutGroup.of(block, recipe), recipe=recipe, **kwargs)
