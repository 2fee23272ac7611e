# SPDX-License-Identifier: BSD-3-Clause
"""From a trained float network to integers: fold, calibrate, quantise, fine-tune.

``quantize(fold(model), calibrate(fold(model), features))`` is post-training
quantisation to a network description; `QuantizedRNN` of the same goes on training it.
`error_report` tells what it costs.
"""

from ..folded import FoldedAffine, FoldedBlock, FoldedNetwork
from ._build import quantize
from ._calibrate import Ranges, calibrate, with_silence
from ._export import export_hdf5
from ._fold import fold
from ._unfold import unfold
from .module import QuantizedRNN
from .recipes import RECIPES, recipe, sigmoid_table
from .report import Report, TensorError, error_report

__all__ = [
    "RECIPES",
    "FoldedAffine",
    "FoldedBlock",
    "FoldedNetwork",
    "QuantizedRNN",
    "Ranges",
    "Report",
    "TensorError",
    "calibrate",
    "error_report",
    "export_hdf5",
    "fold",
    "quantize",
    "recipe",
    "sigmoid_table",
    "unfold",
    "with_silence",
]
