# SPDX-License-Identifier: BSD-3-Clause
"""A block of real matrices, and the description that it becomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import (
    MAX_SHIFT,
    SIGMOID_FRAC,
    Brief,
    QFormat,
    SpecError,
)
from lava_sparse_rnn.spec._tensors import Bias, Diagonal, Weights, Wire
from lava_sparse_rnn.spec._validate import shifted_bound
from lava_sparse_rnn.spec.groups import STATE_GATES
from lava_sparse_rnn.spec.layers import S5Block
from lava_sparse_rnn.spec.quantize.formats import (
    IntArray,
    RealArray,
    lower,
    sum_frac,
    weight_rows,
    wire,
    within_shift,
)
from lava_sparse_rnn.spec.quantize.peaks import (
    HEADROOM,
    Peaks,
    gated,
    largest_part,
    peak_frac,
    peak_wire,
    real,
    recur,
    stable,
)
from lava_sparse_rnn.spec.quantize.states import (
    quantize_answer,
    quantize_states,
)
from lava_sparse_rnn.spec.recipe import Recipe

COMPLEX = ("a_bar", "B_bar", "C", "bias_x")


@dataclass(frozen=True, eq=False)
class RealBlock(Brief):
    """The equations of a block in real numbers; see `spec.S5Block`.

    Parameters
    ----------
    a_bar : array of complex, shape (n,)
    B_bar : array of complex, shape (n, d)
    C : array of complex, shape (d, n)
    D : array, shape (d,)
    W : array, shape (d, d)
    bias_x : array of complex, shape (n,)
    bias_z, bias_g : array, shape (d,)
    nonlinearity : {"real_gate", "split", "none"}

    Raises
    ------
    SpecError
        When a shape does not fit or a value is not finite.
    """

    a_bar: NDArray[np.complex128]
    B_bar: NDArray[np.complex128]
    C: NDArray[np.complex128]
    D: RealArray
    W: RealArray
    bias_x: NDArray[np.complex128]
    bias_z: RealArray
    bias_g: RealArray
    nonlinearity: str

    def __post_init__(self) -> None:
        n, d = np.size(self.a_bar), np.size(self.D)
        shapes: dict[str, tuple[int, ...]] = {"a_bar": (n,), "B_bar": (n, d)}
        shapes |= {"C": (d, n), "D": (d,), "W": (d, d)}
        shapes |= {"bias_x": (n,), "bias_z": (d,), "bias_g": (d,)}
        for name, shape in shapes.items():
            dtype = np.complex128 if name in COMPLEX else np.float64
            value = real(name, getattr(self, name), shape, dtype)
            object.__setattr__(self, name, value)

    @classmethod
    def of(cls, recipe: Recipe, a_bar: Any, B_bar: Any, **arrays: Any) -> RealBlock:
        """A block whose states decay; biases that are None are zero.

        Raises
        ------
        SpecError
        """
        a = stable(a_bar)
        d = np.shape(B_bar)[-1] if np.ndim(B_bar) else 0
        for name, n in (("bias_x", len(a)), ("bias_z", d), ("bias_g", d)):
            if arrays[name] is None:
                arrays[name] = np.zeros(n)
        nonlinearity = recipe.state_nonlinearity
        return cls(a, B_bar, **arrays, nonlinearity=nonlinearity)

    def trace(self, u: RealArray) -> dict[str, NDArray]:
        """Magnitudes of everything over the tokens ``u``, shape (T, d)."""
        x = recur(self.a_bar, u @ self.B_bar.T + self.bias_x)
        pass_re, pass_im = STATE_GATES[self.nonlinearity](x.real, x.imag)
        s = x.real * pass_re + 1j * (x.imag * pass_im)
        z = np.maximum(2 * (s @ self.C.T).real + self.D * u + self.bias_z, 0)
        g = z @ self.W.T + self.bias_g
        parts = {"x": largest_part(x), "s": largest_part(s)}
        return {"u": u, **parts, "z": z, "g": g, "out": gated(g, z, u)}

    @property
    def d_in(self) -> int:
        """Number of inputs, d."""
        return len(self.D)

    def worst(self, u: RealArray) -> dict[str, NDArray]:
        """Bounds of all magnitudes for inputs within ``u``, shape (d,)."""
        drive = abs(self.B_bar) @ u + abs(self.bias_x)
        x = drive / (1 - abs(stable(self.a_bar)))
        # |Re(c s)| is at most |c| |s|, and a part passes or not.
        z = 2 * abs(self.C) @ x + abs(self.D) * u + abs(self.bias_z)
        g = abs(self.W) @ z + abs(self.bias_g)
        return {"u": u, "x": x, "s": x, "z": z, "g": g, "out": z + u}


def quantize_block(
    block: RealBlock,
    peaks: Peaks,
    recipe: Recipe,
    inp: Wire | None = None,
    headroom: int = HEADROOM,
) -> S5Block:
    """The description of a block.

    Parameters
    ----------
    block : RealBlock
    peaks : dict of array
        Largest magnitude, in real units, of every neuron: ``x`` and ``s``, the states
        and what is sent of them, shape (n,), the larger one of both parts; ``z``,
        ``g`` and ``out``, shape (d,); and ``u``, shape (d,), unless ``inp`` is given.
    recipe : Recipe
        Its state nonlinearity should be the block's.
    inp : Wire, optional
        Where the tokens' format is given already.
    headroom : int
        Bits above the peaks: `HEADROOM` for peaks of data, 0 for worst cases.

    Raises
    ------
    SpecError
        When no format satisfies the load-time proof.
    """
    widths = {"x": recipe.state_bits, "s": recipe.wire_bits, "z": recipe.wire_bits}
    widths |= {"g": recipe.gate_bits, "out": recipe.wire_bits}
    inp = inp or peak_wire(peaks, "u", recipe, headroom)
    frac = {n: peak_frac(peaks, n, bits, headroom) for n, bits in widths.items()}
    # A state that the nonlinearity stops may be larger than all that pass; where it
    # would wrap, its sign could change and it would pass.
    if recipe.overflow == "wrap":
        frac["s"] = peak_frac(peaks, "x", recipe.wire_bits, headroom)
    recurrence = quantize_states(
        block.a_bar, block.B_bar, block.bias_x, frac, inp, recipe
    )
    readout = _readout(block, frac, inp, recurrence["s"], recipe)
    gate = _gate(block, frac, inp, readout["z"], recipe)
    return S5Block(inp=inp, **recurrence, **readout, **gate)


def _readout(
    block: RealBlock, frac: Any, inp: Wire, s: Wire, recipe: Recipe
) -> dict[str, Any]:
    """C, D, bias and the wire z."""
    weights, answer = quantize_answer(block.C, s, frac["z"], recipe)
    unit = Wire(2, np.zeros(1, dtype=np.int64), 0)
    D_frac = Weights.largest_frac(block.D[:, None], unit, recipe.weight_bits)
    D_frac = within_shift(D_frac, inp.frac - frac["z"])
    D = QFormat(recipe.weight_bits, D_frac).quantize(block.D)
    direct = abs(D) * inp.magnitude, D_frac + inp.frac
    z_frac = sum_frac(frac["z"], [answer, direct], "z", bias=block.bias_z)
    z = wire(z_frac, recipe.wire_bits)
    return weights | {
        "D": Diagonal(D, D_frac, recipe.weight_bits),
        "bias_z": Bias.quantize(block.bias_z, z.frac, recipe.bias_bits),
        "z": z,
    }


def _gate(
    block: RealBlock, frac: Any, inp: Wire, z: Wire, recipe: Recipe
) -> dict[str, Any]:
    """W, its bias, the argument's format and the output wire."""
    W, bias = block.W, block.bias_g
    g_frac = shiftable(frac["g"], recipe)
    rows, worst = weight_rows(W, z, recipe, bias, g_frac, "W")
    g_frac = argument_frac(g_frac, worst, rows + z.ref, recipe)
    out_frac = gated_frac(frac["out"], (z.magnitude, z.frac), (inp.magnitude, inp.frac))
    return {
        "W": Weights.quantize(W, z, rows, recipe.weight_bits),
        "bias_g": Bias.quantize(bias, rows + z.ref, recipe.bias_bits),
        "g": QFormat(recipe.gate_bits, g_frac),
        "out": wire(out_frac, recipe.wire_bits),
    }


def shiftable(g_frac: IntArray, recipe: Recipe) -> IntArray:
    """A gate argument's frac with which every line's shift is a possible one."""
    lines = recipe.sigmoid.shift
    return np.clip(g_frac, -lines.min(), MAX_SHIFT - lines.max())


def argument_frac(
    frac: IntArray, worst: IntArray, acc_frac: IntArray, recipe: Recipe
) -> IntArray:
    """``frac`` lowered until a gate's argument never leaves an accumulator.

    Parameters
    ----------
    frac, acc_frac : array of int, shape (n,)
        Of the argument, and of the accumulator that it comes from.
    worst : array of int, shape (n,)
        Worst case of that accumulator.
    recipe : Recipe
    """
    frac = lower(frac, lambda f: shifted_bound(worst, acc_frac - f), "g")
    least = -int(recipe.sigmoid.shift.min())
    if (bad := np.flatnonzero(frac < least)).size:
        raise SpecError(
            f"g, row {int(bad[0])}: W z can be so large that the sigmoid's "
            f"argument, with {least} fractional bits, leaves an accumulator"
        )
    return frac


def gated_frac(
    frac: IntArray, z: tuple[int, IntArray], u: tuple[int, IntArray]
) -> IntArray:
    """``frac`` of a gate's answers, lowered until their sum never overflows.

    Parameters
    ----------
    frac : array of int, shape (n,)
    z, u : tuple of int and array of int, shape (n,)
        Largest magnitude and fracs of the gated values and of the residual.
    """
    product = z[0] << SIGMOID_FRAC, z[1] + SIGMOID_FRAC
    return sum_frac(frac, [product, u], "out")
