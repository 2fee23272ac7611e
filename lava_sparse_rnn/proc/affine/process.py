# SPDX-License-Identifier: BSD-3-Clause
"""Encoder and decoder neurons."""

from __future__ import annotations

from typing import Any, ClassVar

from lava.magma.core.process.ports.ports import InPort, OutPort

from lava_sparse_rnn.proc._process import NeuronGroup
from lava_sparse_rnn.spec import Affine as AffineLayer
from lava_sparse_rnn.spec import Recipe
from lava_sparse_rnn.spec.groups import AffineGroup


class Affine(NeuronGroup):
    """``s_out = saturate(relu(shift(a_in + bias, k)))``; the ReLU where asked for.

    Parameters
    ----------
    group : AffineGroup of n neurons
    recipe, weight_exp, depth, period, num_tokens
        See `NeuronGroup`.

    Attributes
    ----------
    a_in : InPort, shape (n,)
        Accumulators ``W s``.
    s_out : OutPort, shape (n,)
        Graded spikes.
    overflow_out : Var, shape (1,)
    """

    tensors: ClassVar[tuple[str, ...]] = ("out",)
    group_type: ClassVar[type] = AffineGroup

    def __init__(self, *, group: AffineGroup, **kwargs: Any) -> None:
        super().__init__(group=group, **kwargs)
        shape = group.bias.shape
        self.a_in = InPort(shape=shape)
        self.s_out = OutPort(shape=shape)

    @classmethod
    def of(cls, layer: AffineLayer, recipe: Recipe, **kwargs: Any) -> Affine:
        """The neurons of a layer of a description."""
        return cls(group=AffineGroup.of(layer, recipe), recipe=recipe, **kwargs)
