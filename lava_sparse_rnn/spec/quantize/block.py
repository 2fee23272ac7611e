# SPDX-License-Identifier: BSD-3-Clause
"""A block of real matrices, and the description that it becomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import SIGMOID_FRAC, QFormat, SpecError
from lava_sparse_rnn.spec import (
    Bias,
    Diagonal,
    Recipe,
    S5Block,
    Weights,
    Wire,
    shifted_bound,
)
from lava_sparse_rnn.spec.formats import beside, lower, range_frac, wire, within_shift
from lava_sparse_rnn.spec.groups import STATE_GATES
from lava_sparse_rnn.spec.quantize.formats import RealArray, accumulator, weight_frac
from lava_sparse_rnn.spec.quantize.peaks import Peaks, largest_part, real, recur, stable
from lava_sparse_rnn.spec.quantize.recurrence import own_bound, quantize_a, state_wire


@dataclass(frozen=True, eq=False)
class RealBlock:
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

    @classmethod
    def of(cls, recipe: Recipe, a_bar: Any, B_bar: Any, **arrays: Any) -> RealBlock:
        """Check shapes; biases that are None are zero.

        Raises
        ------
        SpecError
        """
        a = stable(a_bar)
        n, d = len(a), np.shape(B_bar)[-1] if np.ndim(B_bar) else 0
        shapes = {"C": (d, n), "D": (d,), "W": (d, d)}
        shapes |= {"bias_x": (n,), "bias_z": (d,), "bias_g": (d,)}
        values = {}
        for name, shape in shapes.items():
            dtype = np.complex128 if name in ("C", "bias_x") else np.float64
            value = np.zeros(shape) if arrays[name] is None else arrays[name]
            values[name] = real(name, value, shape, dtype)
        B = real("B_bar", B_bar, (n, d), np.complex128)
        nonlinearity = recipe.state_nonlinearity
        return cls(a_bar=a, B_bar=B, nonlinearity=nonlinearity, **values)

    def trace(self, u: RealArray) -> dict[str, NDArray]:
        """Magnitudes of everything over the tokens ``u``, shape (T, d)."""
        x = recur(self.a_bar, u @ self.B_bar.T + self.bias_x)
        pass_re, pass_im = STATE_GATES[self.nonlinearity](x.real, x.imag)
        s = x.real * pass_re + 1j * (x.imag * pass_im)
        z = np.maximum(2 * (s @ self.C.T).real + self.D * u + self.bias_z, 0)
        g = z @ self.W.T + self.bias_g
        out = np.maximum(z * np.exp(-np.logaddexp(0, -g)) + u, 0)
        parts = {"x": largest_part(x), "s": largest_part(s)}
        return {"u": u, **parts, "z": z, "g": g, "out": out}

    def worst(self, u: RealArray) -> dict[str, NDArray]:
        """Bounds of all magnitudes for inputs within ``u``, shape (d,)."""
        drive = abs(self.B_bar) @ u + abs(self.bias_x)
        x = drive / (1 - abs(self.a_bar))
        # |Re(c s)| is at most |c| |s|, and a part passes or not.
        z = 2 * abs(self.C) @ x + abs(self.D) * u + abs(self.bias_z)
        g = abs(self.W) @ z + abs(self.bias_g)
        return {"u": u, "x": x, "s": x, "z": z, "g": g, "out": z + u}


def quantize_block(
    block: RealBlock, peaks: Peaks, headroom: int, recipe: Recipe, inp: Wire | None
) -> S5Block:
    """The description of a block.

    Parameters
    ----------
    block : RealBlock
    peaks : dict of array
        Of u, x, s, z, g, out.
    headroom : int
        Bits above the peaks.
    recipe : Recipe
    inp : Wire, optional
        Where the tokens' format is given already.

    Raises
    ------
    SpecError
        When no format satisfies the load-time proof.
    """
    frac = {
        name: range_frac(peaks[name], bits, headroom)
        for name, bits in (
            ("u", recipe.wire_bits),
            ("x", recipe.state_bits),
            ("s", recipe.wire_bits),
            ("z", recipe.wire_bits),
            ("g", recipe.gate_bits),
            ("out", recipe.wire_bits),
        )
    }
    if recipe.overflow == "wrap":  # a state that is stopped must not wrap and pass
        frac["s"] = range_frac(peaks["x"], recipe.wire_bits, headroom)
    inp = wire(frac["u"], recipe.wire_bits) if inp is None else inp
    recurrence = quantize_states(
        block.a_bar, block.B_bar, block.bias_x, frac, inp, recipe
    )
    readout = _readout(block, frac, inp, recurrence["s"], recipe)
    gate = _gate(block, frac, inp, readout["z"], recipe)
    return S5Block(inp=inp, **recurrence, **readout, **gate)


def quantize_states(
    a: NDArray, B: NDArray, bias: NDArray, frac: Any, inp: Wire, recipe: Recipe
) -> dict[str, Any]:
    """B, biases, A, the formats of the state and of its wire.

    Parameters
    ----------
    a, bias : array of complex, shape (n,)
    B : array of complex, shape (n, d)
    frac : dict of array
        Of x and s, where only their peaks count.
    inp : Wire
    recipe : Recipe
    """
    bits, parts = recipe.weight_bits, {"re": (B.real, bias.real)}
    parts["im"] = (B.imag, bias.imag)
    a_re, a_im = quantize_a(a, recipe)
    both = np.concatenate([B.real, B.imag], axis=1)
    rows = Weights.largest_frac(both, beside(inp), bits)
    for m, v in parts.values():
        rows = lower(rows, lambda f, m=m, v=v: accumulator(f, m, inp, bits, v), "B")
    rows = within_shift(rows, inp.ref - frac["x"])
    state_frac, own = frac["x"], own_bound(a_re, a_im, recipe)
    for m, v in parts.values():
        worst = accumulator(rows, m, inp, bits, v)
        state_frac = lower(
            state_frac,
            lambda f, w=worst: own + shifted_bound(w, rows + inp.ref - f),
            "x before saturation",
        )
    made: dict[str, Any] = {}
    for name, (m, v) in parts.items():
        made[f"B_{name}"] = Weights.quantize(m, inp, rows, bits)
        made[f"bias_x_{name}"] = Bias.quantize(v, rows + inp.ref, recipe.bias_bits)
    a_format = QFormat(recipe.a_bits, recipe.a_bits - 1)  # type: ignore[arg-type]
    state = QFormat(recipe.state_bits, state_frac)
    made |= {"a_re": a_re, "a_im": a_im, "a_format": a_format, "state": state}
    return made | {"s": state_wire(frac["s"], state_frac, recipe)}


def _readout(
    block: RealBlock, frac: Any, inp: Wire, s: Wire, recipe: Recipe
) -> dict[str, Any]:
    """C, D, bias and the wire z."""
    bits, bias = recipe.weight_bits, block.bias_z
    C = np.concatenate([block.C.real, -block.C.imag], axis=1)
    rows = weight_frac(C, beside(s), recipe, np.zeros(len(C)), "C")
    rows = within_shift(rows, s.ref - 1 - frac["z"])
    unit = Wire(2, np.zeros(1, dtype=np.int64), 0)
    D_frac = Weights.largest_frac(block.D[:, None], unit, bits)
    D_frac = within_shift(D_frac, inp.frac - frac["z"])
    D = QFormat(bits, D_frac).quantize(block.D)
    worst_C = accumulator(rows, C, beside(s), bits, np.zeros(len(C)))
    worst_D = abs(D) * inp.magnitude

    def worst(f: NDArray) -> NDArray:
        return (
            shifted_bound(worst_C, rows + s.ref - 1 - f)
            + shifted_bound(worst_D, D_frac + inp.frac - f)
            + np.ceil(np.ldexp(abs(bias), f)).astype(np.int64)
        )

    z = wire(lower(frac["z"], worst, "z before saturation"), recipe.wire_bits)
    return {
        "C_re": Weights.quantize(block.C.real, s, rows, bits),
        "C_imn": Weights.quantize(-block.C.imag, s, rows, bits),
        "D": Diagonal(D, D_frac, bits),
        "bias_z": Bias.quantize(bias, z.frac, recipe.bias_bits),
        "z": z,
    }


def _gate(
    block: RealBlock, frac: Any, inp: Wire, z: Wire, recipe: Recipe
) -> dict[str, Any]:
    """W, its bias, the argument's format and the output wire."""
    W, bias, lines = block.W, block.bias_g, recipe.sigmoid.shift
    # Every line's shift plus the argument's frac must be a possible shift.
    g_frac = np.clip(frac["g"], -lines.min(), 31 - lines.max())
    rows = weight_frac(W, z, recipe, bias, "W")
    rows = within_shift(rows, z.ref - g_frac)
    worst_g = accumulator(rows, W, z, recipe.weight_bits, bias)
    g_frac = lower(g_frac, lambda f: shifted_bound(worst_g, rows + z.ref - f), "g")
    if (bad := np.flatnonzero(g_frac < -lines.min())).size:
        raise SpecError(
            f"g, row {int(bad[0])}: W z can be so large that the sigmoid's argument, "
            f"with {-lines.min()} fractional bits, leaves an accumulator"
        )
    gated, residual = z.magnitude << SIGMOID_FRAC, inp.magnitude
    out_frac = lower(
        frac["out"],
        lambda f: shifted_bound(gated, z.frac + SIGMOID_FRAC - f)
        + shifted_bound(residual, inp.frac - f),
        "out before saturation",
    )
    return {
        "W": Weights.quantize(W, z, rows, recipe.weight_bits),
        "bias_g": Bias.quantize(bias, rows + z.ref, recipe.bias_bits),
        "g": QFormat(recipe.gate_bits, g_frac),
        "out": wire(out_frac, recipe.wire_bits),
    }
