# SPDX-License-Identifier: BSD-3-Clause
"""Neurons that read the state."""

from __future__ import annotations

from typing import Any, ClassVar

from lava.magma.core.process.ports.ports import InPort, OutPort
from numpy.typing import ArrayLike

from lava_sparse_rnn.proc.neurons.process import NeuronGroup
from lava_sparse_rnn.spec import Recipe
from lava_sparse_rnn.spec.groups import Group, ReadoutGroup
from lava_sparse_rnn.spec.quantize import readout_group, recipe_of_one


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
    out_wire : Wire or None
        Where `from_float` made it: ``out_wire.format`` reads ``s_out`` as real values.
    """

    group_type: ClassVar[type[Group]] = ReadoutGroup
    inputs: ClassVar[dict[str, str]] = {"C": "a_c_in", "D": "a_d_in"}
    outputs: ClassVar[dict[str, str]] = {"z": "s_out"}

    a_c_in: InPort
    a_d_in: InPort
    s_out: OutPort

    @classmethod
    def from_float(
        cls,
        bias: ArrayLike,
        *,
        acc_c_frac: ArrayLike,
        acc_d_frac: ArrayLike,
        calibration: Any = None,
        input_range: Any = None,
        recipe: Recipe | str | None = None,
        **kwargs: Any,
    ) -> Readout:
        """Neurons of real values: ``z = relu(2 a_c_in + a_d_in + bias)``.

        Formats follow the rule of `lava_sparse_rnn.spec.quantize`.

        Parameters
        ----------
        bias : array of float, shape (n,)
        acc_c_frac, acc_d_frac : int or array of int, shape (n,)
            Of what arrives: integer ``q`` at ``a_c_in`` is ``q / 2**acc_c_frac``.
        calibration : tuple of two arrays of float, shape (T, n)
            Typical ``Re(C s)`` and ``D u``; or else
        input_range : tuple of two floats or arrays of float, shape (n,)
            Their largest magnitudes.
        recipe : Recipe, optional
            Widths and policies.
        **kwargs
            See `NeuronGroup`.

        Returns
        -------
        Readout
            With ``out_wire``, the format of ``s_out``.

        Raises
        ------
        SpecError
            When an argument does not fit, or a worst case leaves an accumulator.
        """
        recipe = recipe_of_one(recipe)
        group, out = readout_group(
            bias, acc_c_frac, acc_d_frac, calibration, input_range, recipe
        )
        return cls.of_group(group, out, recipe, **kwargs)
