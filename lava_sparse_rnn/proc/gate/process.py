# SPDX-License-Identifier: BSD-3-Clause
"""Neurons that gate a block's answer and add its input."""

from __future__ import annotations

from typing import Any, ClassVar

from lava.magma.core.process.ports.ports import InPort, OutPort
from numpy.typing import ArrayLike

from lava_sparse_rnn.proc.neurons.process import NeuronGroup
from lava_sparse_rnn.spec import Recipe
from lava_sparse_rnn.spec.groups import GateGroup, Group
from lava_sparse_rnn.spec.quantize import gate_group, recipe_of_one


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

    group_type: ClassVar[type[Group]] = GateGroup
    inputs: ClassVar[dict[str, str]] = {"W": "a_in", "z": "z_in", "u": "u_in"}

    a_in: InPort
    z_in: InPort
    u_in: InPort
    s_out: OutPort

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
        recipe = recipe_of_one(recipe)
        group, out = gate_group(
            bias, acc_frac, z_frac, u_frac, calibration, input_range, recipe
        )
        return cls.of_group(group, out, recipe, **kwargs)
