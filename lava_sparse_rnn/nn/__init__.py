# SPDX-License-Identifier: BSD-3-Clause
"""Sparse S5 networks in torch: the float model, sparsification, quantisation."""

from . import quantize, sparsify
from ._scan import gated_scan
from .network import SparseRNN
from .s5 import S5Block

__all__ = ["S5Block", "SparseRNN", "gated_scan", "quantize", "sparsify"]
