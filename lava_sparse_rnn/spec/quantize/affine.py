# SPDX-License-Identifier: BSD-3-Clause
"""An affine layer of real weights, and the description that it becomes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lava_sparse_rnn.fixed_point import Brief, SpecError
from lava_sparse_rnn.spec._tensors import Bias, Weights, Wire
from lava_sparse_rnn.spec.layers import Affine
from lava_sparse_rnn.spec.quantize.formats import (
    RealArray,
    sum_frac,
    weight_rows,
    wire,
)
from lava_sparse_rnn.spec.quantize.peaks import (
    HEADROOM,
    Peaks,
    peak_frac,
    peak_wire,
    real,
)
from lava_sparse_rnn.spec.recipe import Recipe


@dataclass(frozen=True, eq=False)
class RealAffine(Brief):
    """``out = W u + bias`` in real numbers, with a ReLU if ``relu``.

    Parameters
    ----------
    weights : array, shape (d_out, d_in)
    bias : array, shape (d_out,)
    relu : bool

    Raises
    ------
    SpecError
        When a shape does not fit or a value is not finite.
    """

    weights: RealArray
    bias: RealArray
    relu: bool

    def __post_init__(self) -> None:
        if np.ndim(self.weights) != 2:
            raise SpecError(f"weights: {np.ndim(self.weights)} axes, must have two")
        weights = real("weights", self.weights, np.shape(self.weights))
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "bias", real("bias", self.bias, (len(weights),)))

    @property
    def d_in(self) -> int:
        """Number of inputs."""
        return self.weights.shape[1]

    def worst(self, u: RealArray) -> Peaks:
        """Bounds of all magnitudes for inputs within ``u``, shape (d_in,)."""
        return {"u": u, "out": abs(self.weights) @ u + abs(self.bias)}


def quantize_affine(
    layer: RealAffine,
    peaks: Peaks,
    recipe: Recipe,
    inp: Wire | None = None,
    headroom: int = HEADROOM,
) -> Affine:
    """The description of an affine layer.

    Parameters
    ----------
    layer : RealAffine
    peaks : dict of array
        Largest magnitude, in real units, of every neuron of ``out``, shape (d_out,),
        and of ``u``, shape (d_in,), unless ``inp`` is given.
    recipe : Recipe
    inp : Wire, optional
        Where the tokens' format is given already.
    headroom : int
        Bits above the peaks: `HEADROOM` for peaks of data, 0 for worst cases.

    Raises
    ------
    SpecError
        When no format satisfies the load-time proof.
    """
    W, bias, bits = layer.weights, layer.bias, recipe.weight_bits
    inp = inp or peak_wire(peaks, "u", recipe, headroom)
    out_frac = peak_frac(peaks, "out", recipe.wire_bits, headroom)
    rows, worst = weight_rows(W, inp, recipe, bias, out_frac, "weights")
    out_frac = sum_frac(out_frac, [(worst, rows + inp.ref)], "out")
    return Affine(
        inp,
        Weights.quantize(W, inp, rows, bits),
        Bias.quantize(bias, rows + inp.ref, recipe.bias_bits),
        wire(out_frac, recipe.wire_bits),
        layer.relu,
    )
