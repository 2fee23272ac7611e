# SPDX-License-Identifier: BSD-3-Clause
"""Diagonal state-space models of one channel each, and their integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import Brief, SpecError
from lava_sparse_rnn.spec._tensors import Wire
from lava_sparse_rnn.spec.layers import S4D
from lava_sparse_rnn.spec.quantize.formats import (
    ComplexArray,
    sum_frac,
    wire,
)
from lava_sparse_rnn.spec.quantize.peaks import (
    HEADROOM,
    Peaks,
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


@dataclass(frozen=True, eq=False)
class RealS4D(Brief):
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

    @property
    def d_in(self) -> int:
        """Number of channels, h."""
        return len(self.a)

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
    system: RealS4D,
    peaks: Peaks,
    recipe: Recipe,
    inp: Wire | None = None,
    headroom: int = HEADROOM,
) -> S4D:
    """The description of real channels; the rule is the one of blocks.

    Parameters
    ----------
    system : RealS4D
    peaks : dict of array
        Largest magnitudes in real units: ``x``, shape (h * n,), ``out``, shape (h,),
        or (2 h,) where answers are complex, and ``u``, shape (h,), unless ``inp`` is
        given.
    recipe : Recipe
        Its state nonlinearity does not count.
    inp : Wire, optional
        Where the tokens' format is given already.
    headroom : int
        Bits above the peaks: `HEADROOM` for peaks of data, 0 for worst cases.

    Raises
    ------
    SpecError
        When no format satisfies the load-time proof.
    """
    h = len(system.a)
    channel = np.repeat(np.eye(h), system.a.shape[1], axis=0)
    inp = inp or peak_wire(peaks, "u", recipe, headroom)
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
    out_frac = peak_frac(peaks, "out", recipe.wire_bits, headroom)
    weights, answer = quantize_answer(C, s, out_frac, recipe)
    out = wire(sum_frac(out_frac, [answer], "out"), recipe.wire_bits)
    return S4D(inp=inp, **made, **weights, out=out)
