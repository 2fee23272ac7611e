# SPDX-License-Identifier: BSD-3-Clause
"""Encoder and decoder neurons."""

from __future__ import annotations

from typing import Any, ClassVar

from lava.magma.core.process.ports.ports import InPort, OutPort
from numpy.typing import ArrayLike

from lava_sparse_rnn.proc.neurons.process import NeuronGroup
from lava_sparse_rnn.spec import Recipe
from lava_sparse_rnn.spec.groups import AffineGroup, Group
from lava_sparse_rnn.spec.quantize import affine_group, recipe_of_one


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
    out_wire : Wire or None
        Where `from_float` made it: ``out_wire.format`` reads ``s_out`` as real values.
    """

    group_type: ClassVar[type[Group]] = AffineGroup
    inputs: ClassVar[dict[str, str]] = {"W": "a_in"}

    a_in: InPort
    s_out: OutPort

    @classmethod
    def from_float(
        cls,
        bias: ArrayLike,
        *,
        acc_frac: ArrayLike,
        relu: bool = False,
        calibration: Any = None,
        input_range: Any = None,
        recipe: Recipe | str | None = None,
        **kwargs: Any,
    ) -> Affine:
        """Neurons of real values: ``s_out = relu(a_in + bias)``.

        Formats follow the rule of `lava_sparse_rnn.spec.quantize`.

        Parameters
        ----------
        bias : array of float, shape (n,)
        acc_frac : int or array of int, shape (n,)
            Of what arrives: integer ``q`` at ``a_in`` is a sum of ``q / 2**acc_frac``.
        relu : bool
            Whether negative sums become zero.
        calibration : array of float, shape (T, n)
            Typical sums, without the bias; or else
        input_range : float or array of float, shape (n,)
            The largest magnitude of a sum.
        recipe : Recipe, optional
            Widths and policies.
        **kwargs
            See `NeuronGroup`.

        Returns
        -------
        Affine
            With ``out_wire``, the format of ``s_out``.

        Raises
        ------
        SpecError
            When an argument does not fit, or a worst case leaves an accumulator.
        """
        recipe = recipe_of_one(recipe)
        group, out = affine_group(
            bias, acc_frac, relu, calibration, input_range, recipe
        )
        return cls.of_group(group, out, recipe, **kwargs)
