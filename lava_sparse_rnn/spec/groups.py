# SPDX-License-Identifier: BSD-3-Clause
"""The four neuron groups: their constants and their equations.

A group sees accumulators (what synapses add up) and answers with wire values. Each
is a frozen dataclass of plain integers, what a neuron core would hold, and the
method ``step`` is its equation, written once for integers and for real numbers
(the arithmetic decides what a shift and a fit are). A shift ``k_*`` is kept as plain
integers and, for the equation, prepared once as ``by["k_*"]``.

Arrays have shape (..., n): any leading axes, except for the recurrence, whose
state goes from one call to the next. `Group.answer` is the same for all of them: what
an executor needs that knows a layer only as a graph of groups.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import SIGMOID_FRAC, Arithmetic, Shift, SigmoidLines
from lava_sparse_rnn.spec._group import Group, Held
from lava_sparse_rnn.spec.layers import S4D, Affine, S5Block
from lava_sparse_rnn.spec.recipe import Recipe

IntArray = NDArray[np.int64]


def relu(v: NDArray) -> NDArray:
    """``max(v, 0)``."""
    return np.maximum(v, 0)


def fit(v: NDArray, bits: int, arithmetic: Arithmetic, name: str) -> NDArray:
    """Bring ``v`` into ``bits`` bits and count what did not fit."""
    fitted = arithmetic.fit(v, bits)
    arithmetic.count(name, v, fitted)
    return fitted


@dataclass(frozen=True, eq=False)
class AffineGroup(Group):
    """Neurons of an encoder or decoder.

    Parameters
    ----------
    bias : array of int, shape (n,)
        In units of the accumulator.
    k : array of int, shape (n,)
        Shift from the accumulator to the wire.
    bits : int
        Width of the wire.
    relu : bool
    """

    kind: ClassVar[str] = "affine"

    bias: IntArray
    k: IntArray
    bits: int
    relu: bool

    @classmethod
    def of(cls, layer: Affine, recipe: Recipe) -> AffineGroup:
        """The group of an affine layer."""
        k = layer.acc_frac - layer.out.frac
        return cls(layer.bias.value, k, layer.out.bits, layer.relu)

    @classmethod
    def of_channels(cls, layer: S4D) -> AffineGroup:
        """The neurons that sum a channel's states; the shift doubles the sum."""
        k = layer.C_re.frac + layer.s.ref - 1 - layer.out.frac
        return cls(np.zeros(len(k), dtype=np.int64), k, layer.out.bits, relu=False)

    def step(self, acc: NDArray, arithmetic: Arithmetic, prefix: str = "") -> NDArray:
        """Wire values of the accumulators ``acc``, shape (..., n)."""
        v = arithmetic.shift(acc + self.bias, self.by["k"])
        if self.relu:
            v = relu(v)
        return fit(v, self.bits, arithmetic, prefix + "out")

    def answer(
        self, acc: Sequence[NDArray], state: Held, arithmetic: Any, prefix: str = ""
    ) -> tuple[dict[str, NDArray], Held]:
        """See `Group`."""
        (summed,) = acc
        return {"out": self.step(summed, arithmetic, prefix)}, ()


def _real_gate(re: NDArray, im: NDArray) -> tuple[NDArray, NDArray]:
    """The complex number passes whole: lexicographic comparison with 0."""
    passes = (re > 0) | ((re == 0) & (im > 0))
    return passes, passes


def _split(re: NDArray, im: NDArray) -> tuple[NDArray, NDArray]:
    return re > 0, im > 0


def _none(re: NDArray, im: NDArray) -> tuple[NDArray, NDArray]:
    everything = np.ones(re.shape, dtype=bool)
    return everything, everything


StateGate = Callable[[NDArray, NDArray], tuple[NDArray, NDArray]]
STATE_GATES: dict[str, StateGate] = {
    "real_gate": _real_gate,
    "split": _split,
    "none": _none,
}


@dataclass(frozen=True, eq=False)
class RecurrenceGroup(Group):
    """Neurons that each hold one complex state.

    Parameters
    ----------
    bias_re, bias_im : array of int, shape (n,)
        In units of the accumulators.
    k_B : array of int, shape (n,)
        Shift from the accumulator to the state.
    a_re, a_im : array of int, shape (n,)
    a_frac : int
    state_bits : int
    k_x : array of int, shape (n,)
        Shift from the state to its wire.
    bits : int
        Width of the wires.
    nonlinearity : {"real_gate", "split", "none"}
    """

    kind: ClassVar[str] = "recurrence"
    accumulators: ClassVar[tuple[str, ...]] = ("B_re", "B_im")
    outputs: ClassVar[tuple[str, ...]] = ("s_re", "s_im")
    states: ClassVar[tuple[str, ...]] = ("x_re", "x_im")
    tensors: ClassVar[tuple[str, ...]] = (*states, *outputs)

    bias_re: IntArray
    bias_im: IntArray
    k_B: IntArray
    a_re: IntArray
    a_im: IntArray
    a_frac: int
    state_bits: int
    k_x: IntArray
    bits: int
    nonlinearity: str

    @property
    def size(self) -> int:
        """Number of neurons, n."""
        return len(self.a_re)

    @classmethod
    def of(cls, block: S5Block, recipe: Recipe) -> RecurrenceGroup:
        """The recurrence of a block."""
        re, im = block.bias_x_re.value, block.bias_x_im.value
        return cls._of(block, re, im, recipe.state_nonlinearity)

    @classmethod
    def of_channels(cls, layer: S4D) -> RecurrenceGroup:
        """The neurons that hold the states of channels: no bias, no nonlinearity."""
        none = np.zeros(layer.d_state, dtype=np.int64)
        return cls._of(layer, none, none, "none")

    @classmethod
    def _of(
        cls, layer: S5Block | S4D, bias_re: IntArray, bias_im: IntArray, rule: str
    ) -> RecurrenceGroup:
        return cls(
            bias_re=bias_re,
            bias_im=bias_im,
            k_B=layer.B_re.frac + layer.inp.ref - layer.state.frac,
            a_re=layer.a_re,
            a_im=layer.a_im,
            a_frac=int(layer.a_format.frac),
            state_bits=layer.state.bits,
            k_x=layer.state.frac - layer.s.frac,
            bits=layer.s.bits,
            nonlinearity=rule,
        )

    def drive(
        self, acc_re: NDArray, acc_im: NDArray, arithmetic: Arithmetic
    ) -> tuple[NDArray, NDArray]:
        """What the input adds to the state, in its units, not saturated."""
        return (
            arithmetic.shift(acc_re + self.bias_re, self.by["k_B"]),
            arithmetic.shift(acc_im + self.bias_im, self.by["k_B"]),
        )

    def advance(
        self,
        x: tuple[NDArray, NDArray],
        drive: tuple[NDArray, NDArray],
        arithmetic: Arithmetic,
        prefix: str = "",
    ) -> tuple[NDArray, NDArray]:
        """The next state ``a x + drive``, each of the four products on its own."""
        x_re, x_im = x
        fa = self.by["a_frac"]
        s = arithmetic.shift
        re = s(self.a_re * x_re, fa) - s(self.a_im * x_im, fa) + drive[0]
        im = s(self.a_re * x_im, fa) + s(self.a_im * x_re, fa) + drive[1]
        return (
            fit(re, self.state_bits, arithmetic, prefix + "x_re"),
            fit(im, self.state_bits, arithmetic, prefix + "x_im"),
        )

    def emit(
        self, x: tuple[NDArray, NDArray], arithmetic: Arithmetic, prefix: str = ""
    ) -> tuple[NDArray, NDArray]:
        """Wire values (re, im) of the states ``x``, shape (..., n) each.

        The nonlinearity looks at the integers that fit the wire; what does not
        fit is counted for neurons that pass.
        """
        v_re, v_im = (arithmetic.shift(part, self.by["k_x"]) for part in x)
        re, im = (arithmetic.fit(v, self.bits) for v in (v_re, v_im))
        pass_re, pass_im = STATE_GATES[self.nonlinearity](re, im)
        arithmetic.count(prefix + "s_re", v_re * pass_re, s_re := re * pass_re)
        arithmetic.count(prefix + "s_im", v_im * pass_im, s_im := im * pass_im)
        return s_re, s_im

    def answer(
        self, acc: Sequence[NDArray], state: Held, arithmetic: Any, prefix: str = ""
    ) -> tuple[dict[str, NDArray], Held]:
        """See `Group`."""
        x_re, x_im = state
        drive = self.drive(acc[0], acc[1], arithmetic)
        if drive[0].ndim == 1:
            x = self.advance((x_re, x_im), drive, arithmetic, prefix)
            s = self.emit(x, arithmetic, prefix)
            return dict(zip(self.tensors, (*x, *s), strict=True)), x
        x = np.empty_like(drive[0]), np.empty_like(drive[1])
        for t, drive_t in enumerate(zip(*drive, strict=True)):
            x_re, x_im = self.advance((x_re, x_im), drive_t, arithmetic, prefix)
            x[0][t], x[1][t] = x_re, x_im
        s = self.emit(x, arithmetic, prefix)
        return dict(zip(self.tensors, (*x, *s), strict=True)), (x_re, x_im)


@dataclass(frozen=True, eq=False)
class ReadoutGroup(Group):
    """Neurons that read the state: ``z = relu(2 Re(C s) + D u + bias)``.

    Parameters
    ----------
    k_C, k_D : array of int, shape (n,)
        Shifts from the two accumulators to ``z``; the factor 2 of conjugate
        symmetry is inside ``k_C``.
    bias : array of int, shape (n,)
        In units of ``z``: added after the shifts.
    bits : int
    """

    kind: ClassVar[str] = "readout"
    accumulators: ClassVar[tuple[str, ...]] = ("C", "D")
    outputs: ClassVar[tuple[str, ...]] = ("z",)
    tensors: ClassVar[tuple[str, ...]] = outputs

    k_C: IntArray
    k_D: IntArray
    bias: IntArray
    bits: int

    @classmethod
    def of(cls, block: S5Block, recipe: Recipe) -> ReadoutGroup:
        """The readout of a block."""
        return cls(
            k_C=block.C_re.frac + block.s.ref - 1 - block.z.frac,
            k_D=block.D.frac + block.inp.frac - block.z.frac,
            bias=block.bias_z.value,
            bits=block.z.bits,
        )

    def step(
        self, acc_C: NDArray, acc_D: NDArray, arithmetic: Arithmetic, prefix: str = ""
    ) -> NDArray:
        """``z`` of the accumulators of ``C s`` and ``D u``, shape (..., n)."""
        y = arithmetic.shift(acc_C, self.by["k_C"]) + arithmetic.shift(
            acc_D, self.by["k_D"]
        )
        return fit(relu(y + self.bias), self.bits, arithmetic, prefix + "z")

    def answer(
        self, acc: Sequence[NDArray], state: Held, arithmetic: Any, prefix: str = ""
    ) -> tuple[dict[str, NDArray], Held]:
        """See `Group`."""
        acc_C, acc_D = acc
        return {"z": self.step(acc_C, acc_D, arithmetic, prefix)}, ()


@dataclass(frozen=True, eq=False)
class GateGroup(Group):
    """Neurons that gate ``z`` by its own sigmoid and add the block's input.

    Parameters
    ----------
    bias : array of int, shape (n,)
        In units of W's accumulator.
    k_g : array of int, shape (n,)
        Shift from the accumulator to the gate's argument.
    g_bits : int
    g_frac : array of int, shape (n,)
    sigmoid : SigmoidLines
    k_h, k_u : array of int, shape (n,)
        Shifts of the gated value and of the input to the output wire.
    bits : int
    """

    kind: ClassVar[str] = "gate"
    accumulators: ClassVar[tuple[str, ...]] = ("W", "z", "u")
    tensors: ClassVar[tuple[str, ...]] = ("g", "out")

    bias: IntArray
    k_g: IntArray
    g_bits: int
    g_frac: IntArray
    sigmoid: SigmoidLines
    k_h: IntArray
    k_u: IntArray
    bits: int
    line_shifts: IntArray = field(init=False)

    def __post_init__(self) -> None:
        self._set(line_shifts=self.sigmoid.shifts_for(self.g_frac))

    @cached_property
    def by_lines(self) -> tuple[Shift, ...]:
        """`line_shifts`, prepared."""
        return tuple(Shift(s) for s in self.line_shifts)

    @classmethod
    def of(cls, block: S5Block, recipe: Recipe) -> GateGroup:
        """The gate of a block."""
        return cls(
            bias=block.bias_g.value,
            k_g=block.W.frac + block.z.ref - block.g.frac,
            g_bits=block.g.bits,
            g_frac=block.g.frac,
            sigmoid=recipe.sigmoid,
            k_h=block.z.frac + SIGMOID_FRAC - block.out.frac,
            k_u=block.inp.frac - block.out.frac,
            bits=block.out.bits,
        )

    def argument(
        self, acc: NDArray, arithmetic: Arithmetic, prefix: str = ""
    ) -> NDArray:
        """``g``, the sigmoid's argument, of W's accumulator, shape (..., n)."""
        v = arithmetic.shift(acc + self.bias, self.by["k_g"])
        return fit(v, self.g_bits, arithmetic, prefix + "g")

    def combine(
        self,
        z: NDArray,
        g: NDArray,
        u: NDArray,
        arithmetic: Arithmetic,
        prefix: str = "",
    ) -> NDArray:
        """The block's output, shape (..., n)."""
        gated = z * self.sigmoid.evaluate(g, self.by_lines, arithmetic)
        v = arithmetic.shift(gated, self.by["k_h"]) + arithmetic.shift(
            u, self.by["k_u"]
        )
        return fit(relu(v), self.bits, arithmetic, prefix + "out")

    def answer(
        self, acc: Sequence[NDArray], state: Held, arithmetic: Any, prefix: str = ""
    ) -> tuple[dict[str, NDArray], Held]:
        """See `Group`."""
        weighted, z, u = acc
        g = self.argument(weighted, arithmetic, prefix)
        return {"g": g, "out": self.combine(z, g, u, arithmetic, prefix)}, ()
