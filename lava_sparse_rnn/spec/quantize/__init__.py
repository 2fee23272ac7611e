# SPDX-License-Identifier: BSD-3-Clause
"""Real values become integers: formats that satisfy the load-time proof.

Nothing here needs Lava. The rule, for every neuron or row on its own:

1. What a neuron holds or sends has the largest frac with which its peak fits. Peaks
   come from calibration data, with one bit of headroom, or are worst cases of a
   range of inputs, with none.
2. A row of weights has the largest frac with which its values fit (`largest_frac`),
   lowered until the worst case of its accumulator stays below 2**30.
3. The frac of what a sum is shifted to is lowered until the sum stays below 2**30
   before it saturates, and no shift exceeds 31.
"""

from lava_sparse_rnn.spec.quantize.block import RealBlock, quantize_block
from lava_sparse_rnn.spec.quantize.groups import (
    quantize_affine,
    quantize_gate,
    quantize_readout,
)
from lava_sparse_rnn.spec.quantize.peaks import peaks_of
from lava_sparse_rnn.spec.quantize.recurrence import quantize_recurrence
from lava_sparse_rnn.spec.quantize.s4d import RealS4D, S4DSpec, quantize_s4d

__all__ = [
    "RealBlock",
    "RealS4D",
    "S4DSpec",
    "peaks_of",
    "quantize_affine",
    "quantize_block",
    "quantize_gate",
    "quantize_readout",
    "quantize_recurrence",
    "quantize_s4d",
]
