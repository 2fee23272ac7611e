# SPDX-License-Identifier: BSD-3-Clause
"""From a trained float network to integers: fold, calibrate, quantise, fine-tune.

``quantize(fold(model), calibrate(fold(model), features))`` is post-training
quantisation to a network description; `QuantizedRNN` of the same goes on training it.
`error_report` tells what it costs.
"""

from lava_sparse_rnn.nn.folded import FoldedAffine, FoldedBlock, FoldedNetwork
from lava_sparse_rnn.nn.quantize._build import quantize, worst_case
from lava_sparse_rnn.nn.quantize._calibrate import Ranges, calibrate, with_silence
from lava_sparse_rnn.nn.quantize._centre import centred
from lava_sparse_rnn.nn.quantize._export import export_hdf5
from lava_sparse_rnn.nn.quantize._fold import fold
from lava_sparse_rnn.nn.quantize._unfold import unfold
from lava_sparse_rnn.nn.quantize.module import QuantizedRNN
from lava_sparse_rnn.nn.quantize.report import Report, TensorError, error_report
from lava_sparse_rnn.spec.quantize import RECIPES, recipe, sigmoid_table

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
    "centred",
    "error_report",
    "export_hdf5",
    "fold",
    "quantize",
    "recipe",
    "sigmoid_table",
    "unfold",
    "with_silence",
    "worst_case",
]
