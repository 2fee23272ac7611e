# SPDX-License-Identifier: BSD-3-Clause
"""The layers of a network and the recipe by which they compute, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import (
    OVERFLOWS,
    ROUNDINGS,
    IntegerArithmetic,
    QFormat,
    SigmoidLines,
    choose,
    fit_lines,
    frozen_ints,
)
from lava_sparse_rnn.spec._tensors import Bias, Diagonal, Part, Weights, Wire

NONLINEARITIES = ("real_gate", "split", "none")


@dataclass(frozen=True, eq=False)
class Recipe(Part):
    """How a network computes, and the widths it was quantised for.

    Parameters
    ----------
    rounding : {"floor", "nearest"}
        What every shift does with the bits that it drops.
    overflow : {"saturate", "wrap"}
        What happens to a value that does not fit.
    state_nonlinearity : {"real_gate", "split", "none"}
        Between the recurrence and its wires, see arithmetic in the documentation.
    sigmoid : SigmoidLines
    weight_bits, wire_bits, state_bits, a_bits, gate_bits, bias_bits : int
        What `quantize` uses when it makes a description. Every tensor carries its
        own width too; those are what a network computes with.
    """

    rounding: str = "floor"
    overflow: str = "saturate"
    state_nonlinearity: str = "real_gate"
    sigmoid: SigmoidLines = field(default_factory=fit_lines)
    weight_bits: int = 8
    wire_bits: int = 16
    state_bits: int = 24
    a_bits: int = 16
    gate_bits: int = 16
    bias_bits: int = 24

    def __post_init__(self) -> None:
        choose("rounding", self.rounding, ROUNDINGS)
        choose("overflow", self.overflow, OVERFLOWS)
        names = dict.fromkeys(NONLINEARITIES)
        choose("state_nonlinearity", self.state_nonlinearity, names)

    def arithmetic(self) -> IntegerArithmetic:
        """Integer arithmetic with this recipe's policies and new counters."""
        return IntegerArithmetic(self.rounding, self.overflow)


@dataclass(frozen=True, eq=False)
class Affine(Part):
    """``out = shift(W u + bias, k)``, ReLU where asked: encoder or decoder.

    Parameters
    ----------
    inp : Wire, d_in neurons
    weights : Weights, shape (d_out, d_in)
    bias : Bias, d_out
        In units of the accumulator, ``weights.frac + inp.ref`` fractional bits.
    out : Wire, d_out neurons
    relu : bool
    """

    type: ClassVar[str] = "affine"
    latency: ClassVar[int] = 1

    inp: Wire
    weights: Weights
    bias: Bias
    out: Wire
    relu: bool = True

    @property
    def acc_frac(self) -> NDArray[np.int64]:
        """Fractional bits of the accumulator, shape (d_out,)."""
        return self.weights.frac + self.inp.ref

    @property
    def matrices(self) -> dict[str, Weights]:
        """The sparse matrices by name."""
        return {"weights": self.weights}


@dataclass(frozen=True, eq=False)
class S5Block(Part):
    """One state-space block: recurrence, readout, gate with residual.

    With ``x`` the complex state, ``s`` its wire and ``u`` the block's input::

        x' = a x + B u + bias_x
        z  = relu(2 Re(C s) + D u + bias_z)
        out = relu(z sigmoid(W z + bias_g) + u)

    Parameters
    ----------
    inp : Wire, d_model neurons
    B_re, B_im : Weights, shape (d_state, d_model)
        Of the discretised system; both parts of a row share one frac.
    bias_x_re, bias_x_im : Bias, d_state
        In units of B's accumulator.
    a_re, a_im : array of int, shape (d_state,)
    a_format : QFormat
        Of a; 16 bits, 15 of them fractional, unless the recipe says otherwise.
    state : QFormat
        Of both parts of the state, one frac per state.
    s : Wire, d_state neurons
        Of both parts of the state's messages.
    C_re, C_imn : Weights, shape (d_model, d_state)
        ``C_imn`` is the negated imaginary part; both share their rows' frac.
    D : Diagonal, d_model
    bias_z : Bias, d_model
        In units of ``z``.
    z : Wire, d_model neurons
    W : Weights, shape (d_model, d_model)
    bias_g : Bias, d_model
        In units of W's accumulator.
    g : QFormat
        Of the gate's argument, one frac per neuron.
    out : Wire, d_model neurons
    """

    type: ClassVar[str] = "s5"
    latency: ClassVar[int] = 3

    inp: Wire
    B_re: Weights
    B_im: Weights
    bias_x_re: Bias
    bias_x_im: Bias
    a_re: NDArray[np.int64]
    a_im: NDArray[np.int64]
    a_format: QFormat
    state: QFormat
    s: Wire
    C_re: Weights
    C_imn: Weights
    D: Diagonal
    bias_z: Bias
    z: Wire
    W: Weights
    bias_g: Bias
    g: QFormat
    out: Wire

    def __post_init__(self) -> None:
        for name in ("a_re", "a_im"):
            value = frozen_ints(getattr(self, name), f"S5Block: {name}")
            self._set(**{name: np.atleast_1d(value)})
        for name, n in (("state", self.d_state), ("g", self.z.size)):
            fmt = getattr(self, name)
            if fmt.frac.ndim == 0:  # one binary point for all is allowed
                self._set(**{name: QFormat(fmt.bits, np.full(n, fmt.frac))})

    @property
    def d_model(self) -> int:
        """Width of input and output."""
        return self.inp.size

    @property
    def d_state(self) -> int:
        """Number of complex states that are stored."""
        return len(self.a_re)

    @property
    def matrices(self) -> dict[str, Weights]:
        """The sparse matrices by name."""
        return {n: getattr(self, n) for n in ("B_re", "B_im", "C_re", "C_imn", "W")}


Layer = Affine | S5Block
LAYER_TYPES: dict[str, type[Layer]] = {c.type: c for c in (Affine, S5Block)}
