# SPDX-License-Identifier: BSD-3-Clause
"""Neurons that hold the complex state of a linear recurrence."""

from __future__ import annotations

from typing import Any, ClassVar

from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.variable import Var
from numpy.typing import ArrayLike

from lava_sparse_rnn.fixed_point import QFormat
from lava_sparse_rnn.proc.neurons.process import NeuronGroup
from lava_sparse_rnn.spec import Recipe, Wire
from lava_sparse_rnn.spec.groups import Group, RecurrenceGroup
from lava_sparse_rnn.spec.quantize import recipe_of_one, recurrence_group


class Recurrence(NeuronGroup):
    """``x' = a x + drive``, diagonal and complex, one state per neuron.

    ``drive = shift(acc + bias, k_B)`` of the accumulators ``B_re u`` and ``B_im u``;
    ``s_re_out, s_im_out = nonlinearity(saturate(shift(x', k_x)))``.

    Parameters
    ----------
    group : RecurrenceGroup of n neurons
    recipe, weight_exp, depth, period, num_tokens, reset_interval, reset_offset
        See `NeuronGroup`. In a step without a token (before the first one, between
        two of them, after the last) the neurons drop what arrives, keep their state
        and send zeros.

    Attributes
    ----------
    a_re_in, a_im_in : InPort, shape (n,)
    s_re_out, s_im_out : OutPort, shape (n,)
    x_re, x_im : Var, shape (n,)
        The state, after the update of the step.
    overflow_x_re, overflow_x_im, overflow_s_re, overflow_s_im : Var, shape (1,)
    state_format : QFormat or None
    s_wire : Wire or None
        Where `from_float` made them.
    """

    group_type: ClassVar[type[Group]] = RecurrenceGroup
    inputs: ClassVar[dict[str, str]] = {"B_re": "a_re_in", "B_im": "a_im_in"}
    outputs: ClassVar[dict[str, str]] = {"s_re": "s_re_out", "s_im": "s_im_out"}

    a_re_in: InPort
    a_im_in: InPort
    s_re_out: OutPort
    s_im_out: OutPort
    x_re: Var
    x_im: Var
    state_format: QFormat | None = None

    @property
    def s_wire(self) -> Wire | None:
        """`out_wire`, of both parts."""
        return self.out_wire

    @classmethod
    def from_float(
        cls,
        a_bar: ArrayLike,
        *,
        acc_frac: ArrayLike,
        bias: ArrayLike | None = None,
        calibration: ArrayLike | None = None,
        input_range: ArrayLike | None = None,
        recipe: Recipe | str | None = None,
        **kwargs: Any,
    ) -> Recurrence:
        """A recurrence of real values: ``x' = a_bar x + drive + bias``.

        Formats follow the rule of `lava_sparse_rnn.spec.quantize`: the largest
        fracs with which peaks fit and no worst case leaves 30 bits.

        Parameters
        ----------
        a_bar : array of complex, shape (n,)
            Of the discretised system, magnitudes below 1.
        acc_frac : int or array of int, shape (n,)
            Of what arrives: integer ``q`` at ``a_re_in`` and ``a_im_in`` is a drive
            of ``q / 2**acc_frac``.
        bias : array of complex, shape (n,), optional
        calibration : array of complex, shape (T, n)
            Typical drives, without the bias; or else
        input_range : float or array of float, shape (n,)
            The largest magnitude of either part of a drive.
        recipe : Recipe, optional
            Widths and policies.
        **kwargs
            See `NeuronGroup`.

        Returns
        -------
        Recurrence
            With ``state_format`` (of ``x_re`` and ``x_im``) and ``s_wire`` (of
            ``s_re_out`` and ``s_im_out``), to read its integers as real values.

        Raises
        ------
        SpecError
        """
        recipe = recipe_of_one(recipe)
        group, state_format, s_wire = recurrence_group(
            a_bar, acc_frac, bias, calibration, input_range, recipe
        )
        process = cls.of_group(group, s_wire, recipe, **kwargs)
        process.state_format = state_format
        return process
