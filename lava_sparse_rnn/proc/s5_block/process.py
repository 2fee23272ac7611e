# SPDX-License-Identifier: BSD-3-Clause
"""One state-space block."""

from __future__ import annotations

from typing import Any

from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.variable import Var
from numpy.typing import ArrayLike

from lava_sparse_rnn.proc._fused.layer_vars import layer_vars, state_names
from lava_sparse_rnn.proc.neurons.process import TimedProcess, check_type
from lava_sparse_rnn.proc.neurons.timing import period_of
from lava_sparse_rnn.spec import Network, Recipe, Wire
from lava_sparse_rnn.spec import S5Block as BlockSpec
from lava_sparse_rnn.spec.quantize import (
    RealBlock,
    as_recipe,
    peaks_of,
    quantize_block,
    recipe_of_one,
)


class S5Block(TimedProcess):
    """Recurrence, readout and gate with residual::

        x'  = a x + B u + bias_x
        z   = relu(2 Re(C s) + D u + bias_z)
        out = relu(z sigmoid(W z + bias_g) + u)

    It is one model (`fixed_pt`, `floating_pt`, `microcode`) or a
    network of neuron groups and Lava's connections
    (``select_sub_proc_model=True``), with the same values at the ports in each step.

    Parameters
    ----------
    block : spec.S5Block
    recipe : Recipe, optional
    mode : {"pipelined", "fall_through"}
        A new token in every time step, or every ``latency`` steps.
    depth, reset_interval, reset_offset, num_tokens
        See `TimedProcess`; ``depth`` counts to ``inp``.
    period : int, optional
        Steps from one token to the next, in place of the mode's: for a block in a
        longer fall-through network.

    Attributes
    ----------
    inp, out : InPort, OutPort, shape (d_model,)
    x_re, x_im : Var, shape (d_state,)
    overflow_<tensor> : Var, shape (1,)
        For x_re, x_im, s_re, s_im, z, g, out: how often a value did not fit.
    network : spec.Network
        The block alone; its `to_wire` and `from_wire` convert real values.

    Raises
    ------
    SpecError
        When the block breaks a rule of descriptions.
    """

    def __init__(
        self,
        block: BlockSpec,
        recipe: Recipe | str | None = None,
        *,
        mode: str = "pipelined",
        period: int | None = None,
        **kwargs: Any,
    ) -> None:
        check_type(block, BlockSpec, "S5Block: block")
        recipe = as_recipe(recipe)
        super().__init__(
            block=block,
            recipe=recipe,
            network=Network((block,), recipe),
            mode=mode,
            period=period_of(mode, block.latency) if period is None else period,
            **kwargs,
        )
        self.block = block
        self.network: Network = self.proc_params["network"]
        self.inp = InPort(shape=(block.d_model,))
        self.out = OutPort(shape=(block.d_model,))
        (graph,) = self.network.graphs
        for var in layer_vars(graph):
            setattr(self, var.name, Var(shape=var.shape, init=0))
        self.state_names = state_names([graph], "{name}")

    @property
    def latency(self) -> int:
        """Time steps from a token's arrival to its answer."""
        return self.block.latency

    @classmethod
    def from_float(
        cls,
        a_bar: ArrayLike,
        B_bar: ArrayLike,
        C: ArrayLike,
        D: ArrayLike,
        W: ArrayLike,
        *,
        bias_x: ArrayLike | None = None,
        bias_z: ArrayLike | None = None,
        bias_g: ArrayLike | None = None,
        calibration: ArrayLike | None = None,
        input_range: ArrayLike | None = None,
        inp: Wire | None = None,
        recipe: Recipe | str | None = None,
        **kwargs: Any,
    ) -> S5Block:
        """A block of real values, quantised on the way.

        Formats follow the rule of `lava_sparse_rnn.spec.quantize`: the largest
        fracs with which peaks and weights fit and no worst case leaves 30 bits.
        ``block.network.to_wire`` and ``from_wire`` convert its inputs and answers.

        Parameters
        ----------
        a_bar : array of complex, shape (n,)
            Of the discretised system, magnitudes below 1.
        B_bar : array of complex, shape (n, d)
            Of the discretised system.
        C : array of complex, shape (d, n)
            The readout is ``2 Re(C s)``, of one of each conjugate pair of states.
        D : array, shape (d,)
        W : array, shape (d, d)
        bias_x : array of complex, shape (n,), optional
        bias_z, bias_g : array, shape (d,), optional
        calibration : array of float, shape (T, d)
            A typical sequence of inputs, from a zero state; or else
        input_range : float or array of float, shape (d,)
            The largest magnitude of each input: formats then hold the worst case,
            which real inputs stay far below.
        inp : Wire, optional
            Format of the inputs, where another layer's wire gives it.
        recipe : Recipe, optional
            Widths and policies.
        **kwargs
            See `S5Block`.

        Raises
        ------
        SpecError
            When an argument does not fit, or no format keeps the worst case.
        """
        recipe = recipe_of_one(recipe)
        biases = {"bias_x": bias_x, "bias_z": bias_z, "bias_g": bias_g}
        real = RealBlock.of(recipe, a_bar, B_bar, C=C, D=D, W=W, **biases)
        peaks, headroom = peaks_of(real, calibration, input_range, len(real.D))
        return cls(quantize_block(real, peaks, recipe, inp, headroom), recipe, **kwargs)
