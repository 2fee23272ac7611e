# SPDX-License-Identifier: BSD-3-Clause
"""Diagonal state-space channels, in integers too."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.variable import Var
from lava.proc.s4d.process import S4d
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.fixed_point import SpecError, choose
from lava_sparse_rnn.proc._fused.layer_vars import layer_vars, state_names
from lava_sparse_rnn.proc.neurons.process import TimedProcess, check_type
from lava_sparse_rnn.proc.neurons.timing import period_of
from lava_sparse_rnn.spec import Network, Recipe, layers
from lava_sparse_rnn.spec.quantize import (
    RealS4D,
    as_recipe,
    peaks_of,
    quantize_s4d,
    recipe_of_one,
)

OUTPUTS = {"real": False, "complex": True}


class S4D(TimedProcess):
    """Channels with several complex states each, and no nonlinearity::

        x' = a x + b u
        y  = 2 (sum of c x over a channel's states)

    What ``lava.proc.s4d.S4d`` computes between two connections that spread and sum
    the states of a channel (as in `SigmaS4dDeltaLayer`), with integer models
    besides. The answer is the real part of ``y``, or both parts.

    It is one model (`fixed_pt`, `floating_pt`) or, with
    ``select_sub_proc_model=True``, a `Recurrence` between Lava's own `Sparse`, and a
    readout; ports and Vars have the same values in each time step.

    Parameters
    ----------
    spec : spec.S4D
    recipe : Recipe, optional
        Rounding and overflow.
    mode : {"pipelined", "fall_through"}
        A new token in every time step, or every ``latency`` steps.
    period : int, optional
        Steps from one token to the next, in place of the mode's.
    depth, reset_interval, reset_offset, num_tokens
        See `TimedProcess`; ``depth`` counts to ``inp``.

    Attributes
    ----------
    inp : InPort, shape (h,)
        Integers of the wire, also with `floating_pt`.
    out : OutPort, shape (h,), or (2 h,) where answers are complex
        Real parts, then imaginary parts.
    x_re, x_im : Var, shape (h * n,)
        State ``i * n + j`` is state ``j`` of channel ``i``.
    overflow_x_re, overflow_x_im, overflow_s_re, overflow_s_im, overflow_out : Var
        How often a value did not fit, shape (1,).
    instructions_recurrence, instructions_affine : Var
        See `NeuronGroup`, shape (1,).
    network : spec.Network
        The channels alone, to be saved, or run by another backend.

    Raises
    ------
    SpecError
        When the description breaks a rule.
    """

    latency: ClassVar[int] = layers.S4D.latency
    tensors: ClassVar[tuple[str, ...]] = ("x_re", "x_im", "s_re", "s_im", "out")

    def __init__(
        self,
        spec: layers.S4D,
        recipe: Recipe | str | None = None,
        *,
        mode: str = "pipelined",
        period: int | None = None,
        **kwargs: Any,
    ) -> None:
        check_type(spec, layers.S4D, "S4D: spec")
        recipe = as_recipe(recipe)
        super().__init__(
            spec=spec,
            network=Network((spec,), recipe),
            mode=mode,
            period=period_of(mode, self.latency) if period is None else period,
            **kwargs,
        )
        self.spec = spec
        self.network: Network = self.proc_params["network"]
        self.inp = InPort(shape=(spec.inp.size,))
        self.out = OutPort(shape=(spec.out.size,))
        (graph,) = self.network.graphs
        for var in layer_vars(graph):
            setattr(self, var.name, Var(shape=var.shape, init=0))
        self.state_names = state_names([graph], "{name}")

    @classmethod
    def from_float(
        cls,
        a: ArrayLike,
        b: ArrayLike,
        c: ArrayLike,
        *,
        calibration: ArrayLike | None = None,
        input_range: ArrayLike | None = None,
        output: str = "real",
        recipe: Recipe | str | None = None,
        **kwargs: Any,
    ) -> S4D:
        """Channels of real values, quantised by the rule of `S5Block.from_float`.

        Parameters
        ----------
        a, b, c : array of complex, shape (h, n)
            Of the discretised system: a row per channel, magnitudes of ``a`` below 1.
        calibration : array of float, shape (T, h)
            A typical sequence of inputs, from a zero state; or else
        input_range : float or array of float, shape (h,)
            The largest magnitude of each input: formats then hold the worst case.
        output : {"real", "complex"}
            Whether ``out`` has the imaginary part of ``y`` too.
        recipe : Recipe, optional
            Widths, rounding and overflow.
        **kwargs
            See `S4D`.

        Raises
        ------
        SpecError
        """
        system = RealS4D.of(a, b, c, choose("S4D: output", output, OUTPUTS))
        peaks, headroom = peaks_of(system, calibration, input_range, len(system.a))
        recipe = recipe_of_one(recipe)
        spec = quantize_s4d(system, peaks, recipe, headroom=headroom)
        return cls(spec, recipe, **kwargs)

    @classmethod
    def from_stock(cls, process: S4d, d_states: int = 1, **kwargs: Any) -> S4D:
        """The integers of a stock `S4d`, whose states come channel by channel.

        Parameters
        ----------
        process : lava.proc.s4d.S4d
            With h * d_states neurons.
        d_states : int
            States of a channel.
        **kwargs
            See `from_float`.
        """
        check_type(process, S4d, "S4D.from_stock: process")
        size = int(np.prod(process.shape))
        if d_states < 1 or size % d_states:
            raise SpecError(f"d_states is {d_states}, must divide the {size} neurons")
        values = (process.proc_params[name] for name in "abc")
        parts = [np.broadcast_to(v, (size,)).reshape(-1, d_states) for v in values]
        return cls.from_float(*parts, **kwargs)

    def to_wire(self, u: ArrayLike) -> NDArray[np.int64]:
        """Real inputs, shape (..., h), as integers of ``inp``."""
        return self.spec.inp.format.quantize(u)

    def from_wire(self, y: ArrayLike) -> NDArray:
        """Integers of ``out``, shape (..., size), as real values.

        Returns
        -------
        array, shape (..., h)
            Complex where the answers are.
        """
        values = self.spec.out.format.dequantize(y)
        if not self.spec.is_complex:
            return values
        re, im = np.split(values, 2, axis=-1)
        return re + 1j * im
