# SPDX-License-Identifier: BSD-3-Clause
"""Sparse S5 networks in torch: the float model, sparsification, quantisation."""

from . import blocks, heads, quantize, sparsify
from ._scan import gated_scan
from .activations import TopK
from .network import SparseRNN
from .options import S5Options
from .parameters import parameter_groups
from .relufication import relufy
from .s5 import S5Block

__all__ = [
    "S5Block",
    "S5Options",
    "SparseRNN",
    "TopK",
    "blocks",
    "gated_scan",
    "heads",
    "parameter_groups",
    "quantize",
    "relufy",
    "sparsify",
]
