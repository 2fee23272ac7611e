# SPDX-License-Identifier: BSD-3-Clause
"""From a trained float network to integers: fold, calibrate, quantise, fine-tune.

``quantize(fold(model), calibrate(fold(model), features))`` is post-training
quantisation to a network description.
"""

from ._build import quantize
from ._calibrate import Ranges, calibrate
from ._export import export_hdf5
from ._fold import FoldedAffine, FoldedBlock, FoldedNetwork, fold
from ._unfold import unfold
from .module import QuantizedRNN

__all__ = [
    "FoldedAffine",
    "FoldedBlock",
    "FoldedNetwork",
    "QuantizedRNN",
    "Ranges",
    "calibrate",
    "export_hdf5",
    "fold",
    "quantize",
    "unfold",
]
