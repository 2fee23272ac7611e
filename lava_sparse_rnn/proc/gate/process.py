# SPDX-License-Identifier: BSD-3-Clause
"""Neurons that gate a block's answer and add its input."""

from __future__ import annotations

from typing import Any, ClassVar

from lava.magma.core.process.ports.ports import InPort, OutPort

from lava_sparse_rnn.proc._process import NeuronGroup
from lava_sparse_rnn.spec import Recipe
from lava_sparse_rnn.spec import S5Block as BlockSpec
from lava_sparse_rnn.spec.groups import GateGroup


class Gate(NeuronGroup):
    """``s_out = saturate(relu(shift(z sigmoid(g), k_h) + shift(u, k_u)))``.

    With ``g = saturate(shift(a_in + bias, k_g))`` of the accumulator ``W z``.

    Parameters
    ----------
    group : GateGroup of n neurons
    recipe, weight_exp, depth, period, num_tokens
        See `NeuronGroup`; ``weight_exp`` is that of all three connections.

    Attributes
    ----------
    a_in : InPort, shape (n,)
        Accumulators ``W z``.
    z_in : InPort, shape (n,)
        ``z`` of the same token, through a connection of weight 1.
    u_in : InPort, shape (n,)
        The block's input of the same token, through a delayed one.
    s_out : OutPort, shape (n,)
    overflow_g, overflow_out : Var, shape (1,)
    """

    tensors: ClassVar[tuple[str, ...]] = ("g", "out")
    group_type: ClassVar[type] = GateGroup

    def __init__(self, *, group: GateGroup, **kwargs: Any) -> None:
        super().__init__(group=group, **kwargs)
        shape = group.bias.shape
        self.a_in = InPort(shape=shape)
        self.z_in = InPort(shape=shape)
        self.u_in = InPort(shape=shape)
        self.s_out = OutPort(shape=shape)

    @classmethod
    def of(cls, block: BlockSpec, recipe: Recipe, **kwargs: Any) -> Gate:
        """The gate of a block of a description."""
        return cls(group=GateGroup.of(block, recipe), recipe=recipe, **kwargs)
