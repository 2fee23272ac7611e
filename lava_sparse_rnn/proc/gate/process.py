# SPDX-License-Identifier: BSD-3-Clause
"""Neurons that gate a block's answer and add its input."""

from __future__ import annotations

from typing import Any, ClassVar

from lava.magma.core.process.ports.ports import InPort, OutPort
from numpy.typing import ArrayLike

from lava_sparse_rnn.proc._neurons.process import NeuronGroup
from lava_sparse_rnn.spec import Recipe, Wire
from lava_sparse_rnn.spec import S5Block as BlockSpec
from lava_sparse_rnn.spec.groups import GateGroup
from lava_sparse_rnn.spec.quantize import as_recipe, gate_group


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
    out_wire : Wire or None
        Where `from_float` made it: ``out_wire.format`` reads ``s_out`` as real values.
    """

    tensors: ClassVar[tuple[str, ...]] = ("g", "out")
    group_type: ClassVar[type] = GateGroup
    kind: ClassVar[str] = "gate"

    def __init__(self, *, group: GateGroup, **kwargs: Any) -> None:
        super().__init__(group=group, **kwargs)
        shape = group.bias.shape
        self.a_in = InPort(shape=shape)
        self.z_in = InPort(shape=shape)
        self.u_in = InPort(shape=shape)
        self.s_out = OutPort(shape=shape)
        self.out_wire: Wire | None = None

    @classmethod
    def of(cls, block: BlockSpec, recipe: Recipe, **kwargs: Any) -> Gate:
        """The gate of a block of a description."""
        return cls(group=GateGroup.of(block, recipe), recipe=recipe, **kwargs)

    @classmethod
    def from_float(
        cls,
        bias: ArrayLike,
        *,
        acc_frac: ArrayLike,
        z_frac: ArrayLike,
        u_frac: ArrayLike,
        calibration: Any = None,
        input_range: Any = None,
        recipe: Recipe | str | None = None,
        **kwargs: Any,
    ) -> Gate:
        """Neurons of real values: ``relu(z_in sigmoid(a_in + bias) + u_in)``.

        Formats follow the rule of `lava_sparse_rnn.spec.quantize`.

        Parameters
        ----------
        bias : array of float, shape (n,)
        acc_frac, z_frac, u_frac : int or array of int, shape (n,)
            Of what arrives: integer ``q`` at ``a_in`` is ``q / 2**acc_frac``.
        calibration : tuple of three arrays of float, shape (T, n)
            Typical ``W z``, ``z`` and ``u``; or else
        input_range : tuple of three floats or arrays of float, shape (n,)
            Their largest magnitudes.
        recipe : Recipe, optional
            Widths and policies.
        **kwargs
            See `NeuronGroup`.

        Returns
        -------
        Gate
            With ``out_wire``, the format of ``s_out``.

        Raises
        ------
        SpecError
            When an argument does not fit, or a worst case leaves an accumulator.
        """
        recipe = as_recipe(recipe)
        group, out = gate_group(
            bias, acc_frac, z_frac, u_frac, calibration, input_range, recipe
        )
        process = cls(group=group, recipe=recipe, **kwargs)
        process.out_wire = out
        return process
