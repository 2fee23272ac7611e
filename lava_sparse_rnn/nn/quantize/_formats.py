# SPDX-License-Identifier: BSD-3-Clause
"""Exponents of a calibrated network; the rules are those of `spec.formats`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.spec import Weights, Wire, formats

IntArray = NDArray[np.int64]

HEADROOM_BITS = 1  # one bit above the calibrated maximum: 1 saturation in 80 mixes


def calibrated_frac(peak: NDArray[np.float64], bits: int) -> IntArray:
    """Largest frac with which calibrated peaks and their headroom fit, shape (n,)."""
    return formats.range_frac(peak, bits, HEADROOM_BITS)


def joint_frac(first: NDArray, second: NDArray, inp: Wire, bits: int) -> IntArray:
    """Largest frac per row with which the same row of both matrices fits."""
    both = np.concatenate([first, second], axis=1)
    return Weights.largest_frac(both, formats.beside(inp), bits)
