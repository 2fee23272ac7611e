# SPDX-License-Identifier: BSD-3-Clause
"""Diagonal state-space models of one channel each, and their integers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import QFormat, SpecError
from lava_sparse_rnn.spec._tensors import Bias, Part, Weights, Wire
from lava_sparse_rnn.spec._validate import shifted_bound
from lava_sparse_rnn.spec.groups import AffineGroup, RecurrenceGroup
from lava_sparse_rnn.spec.layers import Recipe
from lava_sparse_rnn.spec.quantize.formats import (
    accumulator,
    beside,
    lower,
    weight_frac,
    wire,
    within_shift,
)
from lava_sparse_rnn.spec.quantize.peaks import (
    HEADROOM,
    Peaks,
    largest_part,
    peak_frac,
    real,
    recur,
    stable,
)
from lava_sparse_rnn.spec.quantize.states import quantize_states

ComplexArray = NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class S4DSpec(Part):
    """What `S4D` computes with: integers and formats.

    Parameters
    ----------
    inp : Wire of h channels
    B_re, B_im : Weights, shape (h * n, h)
        One weight per row; state ``i * n + j`` is state ``j`` of channel ``i``.
    a_re, a_im : array of int, shape (h * n,)
    a_format : QFormat
    state : QFormat
    s : Wire of h * n states, for both parts
    C_re, C_imn : Weights, shape (h, h * n)
        ``C_imn`` is the negated imaginary part. Where answers are complex, h more
        rows give the imaginary parts.
    out : Wire of h channels, or of their real and then their imaginary parts
    recipe : Recipe
    """

    inp: Wire
    B_re: Weights
    B_im: Weights
    a_re: NDArray[np.int64]
    a_im: NDArray[np.int64]
    a_format: QFormat
    state: QFormat
    s: Wire
    C_re: Weights
    C_imn: Weights
    out: Wire
    recipe: Recipe

    @property
    def recurrence(self) -> RecurrenceGroup:
        """The neurons that hold the states; no nonlinearity."""
        none = np.zeros(len(self.a_re), dtype=np.int64)
        return RecurrenceGroup(
            bias_re=none,
            bias_im=none,
            k_B=self.B_re.frac + self.inp.ref - self.state.frac,
            a_re=self.a_re,
            a_im=self.a_im,
            a_frac=int(self.a_format.frac),
            state_bits=self.state.bits,
            k_x=self.state.frac - self.s.frac,
            bits=self.s.bits,
            nonlinearity="none",
        )

    @property
    def readout(self) -> AffineGroup:
        """The neurons that sum a channel's states; the shift doubles the sum."""
        k = self.C_re.frac + self.s.ref - 1 - self.out.frac
        bias = Bias.zeros(self.out.size).value
        return AffineGroup(bias, k, self.out.bits, relu=False)

    @property
    def parameters(self) -> tuple[ComplexArray, ComplexArray, ComplexArray]:
        """The real ``a``, ``b``, ``c`` that the integers stand for, shape (h, n)."""
        h = self.inp.size
        a = np.ldexp(self.a_re + 0.0, -self.a_format.frac) + 1j * np.ldexp(
            self.a_im + 0.0, -self.a_format.frac
        )
        row = (-self.B_re.frac)[:, None] + (self.inp.frac - self.inp.ref)[None]
        B = np.ldexp(self.B_re.matrix.toarray() + 0.0, row) + 1j * np.ldexp(
            self.B_im.matrix.toarray() + 0.0, row
        )
        row = (-self.C_re.frac)[:, None] + (self.s.frac - self.s.ref)[None]
        C = np.ldexp(self.C_re.matrix.toarray() + 0.0, row) - 1j * np.ldexp(
            self.C_imn.matrix.toarray() + 0.0, row
        )
        b, c = B.sum(axis=1), C[:h].sum(axis=0)
        return a.reshape(h, -1), b.reshape(h, -1), c.reshape(h, -1)

    @property
    def is_complex(self) -> bool:
        """Whether answers have an imaginary part."""
        return self.out.size > self.inp.size


@dataclass(frozen=True, eq=False)
class RealS4D:
    """``y = 2 sum_n c x``, ``x' = a x + b u``, each channel on its own.

    Parameters
    ----------
    a, b, c : array of complex, shape (h, n)
        Of the discretised system.
    is_complex : bool
        Whether the imaginary part of ``y`` is wanted too.
    """

    a: ComplexArray
    b: ComplexArray
    c: ComplexArray
    is_complex: bool = False

    @classmethod
    def of(cls, a: Any, b: Any, c: Any, is_complex: bool = False) -> RealS4D:
        """Check shapes and that no state grows without end.

        Raises
        ------
        SpecError
        """
        shape = np.shape(a)
        if len(shape) != 2:
            raise SpecError(f"a: shape {shape}, must be (channels, states)")
        stable(np.ravel(a))
        made = (
            real(n, v, shape, np.complex128)
            for n, v in zip("abc", (a, b, c), strict=True)
        )
        return cls(*made, is_complex=is_complex)

    def trace(self, u: NDArray) -> dict[str, NDArray]:
        """Everything over the inputs ``u``, shape (T, h); ``y`` with its sign."""
        drive = (u[:, :, None] * self.b).reshape(len(u), -1)
        x = recur(self.a.ravel(), drive)
        y = 2 * (x.reshape(len(u), *self.a.shape) * self.c).sum(axis=2)
        parts = [y.real, y.imag] if self.is_complex else [y.real]
        return {"u": u, "x": largest_part(x), "out": np.concatenate(parts, axis=1)}

    def worst(self, u: NDArray) -> dict[str, NDArray]:
        """Bounds of all magnitudes for inputs within ``u``, shape (h,)."""
        x = abs(self.b) * u[:, None] / (1 - abs(self.a))
        y = 2 * (abs(self.c) * x).sum(axis=1)
        return {"u": u, "x": x.ravel(), "out": np.tile(y, 1 + self.is_complex)}


def quantize_s4d(
    system: RealS4D, peaks: Peaks, recipe: Recipe, headroom: int = HEADROOM
) -> S4DSpec:
    """Integers of real channels; the rule is the one of blocks.

    Parameters
    ----------
    system : RealS4D
    peaks : dict of array
        Largest magnitudes in real units: ``u``, shape (h,), ``x``, shape (h * n,),
        and ``out``, shape (h,) or (2 h,) where answers are complex.
    recipe : Recipe
        Its state nonlinearity does not count.
    headroom : int
        Bits above the peaks: `HEADROOM` for peaks of data, 0 for worst cases.

    Raises
    ------
    SpecError
        When no format satisfies the load-time proof.
    """
    recipe = replace(recipe, state_nonlinearity="none")
    bits, h = recipe.weight_bits, len(system.a)
    channel = np.repeat(np.eye(h), system.a.shape[1], axis=0)
    inp = wire(peak_frac(peaks, "u", recipe.wire_bits, headroom), recipe.wire_bits)
    frac = {
        "x": peak_frac(peaks, "x", recipe.state_bits, headroom),
        "s": peak_frac(peaks, "x", recipe.wire_bits, headroom),
    }
    B = channel * system.b.reshape(-1, 1)
    bias = np.zeros(len(B), dtype=np.complex128)
    made = quantize_states(system.a.ravel(), B, bias, frac, inp, recipe)
    for part in ("re", "im"):
        made.pop(f"bias_x_{part}")

    C, s = channel.T * system.c.ravel(), made["s"]
    if system.is_complex:  # the imaginary part of y is the real part of -i y
        C = np.concatenate([C, -1j * C])
    both = np.concatenate([C.real, -C.imag], axis=1)
    out_frac = peak_frac(peaks, "out", recipe.wire_bits, headroom)
    rows = weight_frac(both, beside(s), recipe, None, "C")
    rows = within_shift(rows, s.ref - 1 - out_frac)
    worst = accumulator(rows, both, beside(s), bits, None)
    out_frac = lower(
        out_frac,
        lambda f: shifted_bound(worst, rows + s.ref - 1 - f),
        "out before saturation",
    )
    return S4DSpec(
        inp=inp,
        **made,
        C_re=Weights.quantize(C.real, s, rows, bits),
        C_imn=Weights.quantize(-C.imag, s, rows, bits),
        out=wire(out_frac, recipe.wire_bits),
        recipe=recipe,
    )
