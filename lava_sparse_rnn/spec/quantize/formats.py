# SPDX-License-Identifier: BSD-3-Clause
"""Binary points of weights whose accumulators never overflow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.spec import Recipe, Weights, Wire
from lava_sparse_rnn.spec.formats import lower

IntArray = NDArray[np.int64]
RealArray = NDArray[np.float64]


def accumulator(
    frac: IntArray, W: RealArray, inp: Wire, bits: int, bias: RealArray
) -> IntArray:
    """Worst case of every row's accumulator with weights of ``frac``, shape (n,)."""
    total = Weights.quantize(W, inp, frac, bits).row_magnitude * inp.magnitude
    scaled = np.ceil(np.ldexp(abs(bias), frac + inp.ref))
    # A bias with an exponent is rounded to its last place, perhaps upwards.
    return total + np.minimum(scaled * (1 + 2.0**-20) + 1, 2.0**61).astype(np.int64)


def weight_frac(
    W: RealArray, inp: Wire, recipe: Recipe, bias: RealArray, name: str
) -> IntArray:
    """The frac of each row of weights, shape (n,)."""
    bits = recipe.weight_bits
    frac = Weights.largest_frac(W, inp, bits)
    return lower(frac, lambda f: accumulator(f, W, inp, bits, bias), name)
