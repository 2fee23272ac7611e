# SPDX-License-Identifier: BSD-3-Clause
"""Real values become integers: formats that satisfy the load-time proof.

The one quantiser, for networks that were trained (`nn.quantize`), for Lava Processes
from real values (`from_float`) and for whoever has real matrices. `quantize_network`
takes a chain of real layers, `quantize_affine`, `quantize_block` and `quantize_s4d`
one, `affine_group` and its like the constants of a neuron group on its own.

The rule, for every neuron or row on its own:

1. What a neuron holds or sends has the largest frac with which its peak fits. Peaks
   come from calibration data, with one bit of headroom, or are worst cases of a
   range of inputs, with none.
2. A row of weights has the largest frac with which its values fit (`largest_frac`),
   lowered until the worst case of its accumulator stays below 2**30.
3. The frac of what a sum is shifted to is lowered until the sum stays below 2**30
   before it saturates, and no shift exceeds 31.
"""

from lava_sparse_rnn.spec.quantize.affine import RealAffine, quantize_affine
from lava_sparse_rnn.spec.quantize.block import RealBlock, quantize_block
from lava_sparse_rnn.spec.quantize.formats import range_frac, wire
from lava_sparse_rnn.spec.quantize.groups import (
    affine_group,
    gate_group,
    readout_group,
    recurrence_group,
)
from lava_sparse_rnn.spec.quantize.network import (
    quantize_layer,
    quantize_network,
    worst_case,
)
from lava_sparse_rnn.spec.quantize.peaks import HEADROOM, peaks_of
from lava_sparse_rnn.spec.quantize.recipes import (
    RECIPES,
    as_recipe,
    recipe,
    recipe_of_one,
    sigmoid_table,
)
from lava_sparse_rnn.spec.quantize.s4d import RealS4D, quantize_s4d

__all__ = [
    "HEADROOM",
    "RECIPES",
    "RealAffine",
    "RealBlock",
    "RealS4D",
    "affine_group",
    "as_recipe",
    "gate_group",
    "peaks_of",
    "quantize_affine",
    "quantize_block",
    "quantize_layer",
    "quantize_network",
    "quantize_s4d",
    "range_frac",
    "readout_group",
    "recipe",
    "recipe_of_one",
    "recurrence_group",
    "sigmoid_table",
    "wire",
    "worst_case",
]
