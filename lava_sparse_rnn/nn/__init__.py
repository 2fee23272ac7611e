# SPDX-License-Identifier: BSD-3-Clause
"""Sparse S5 networks in torch: the float model, sparsification, quantisation."""

from lava_sparse_rnn import messages

messages.require("nn", "train", "torch")

from lava_sparse_rnn.nn import blocks, heads, quantize, sparsify
from lava_sparse_rnn.nn._scan import gated_scan
from lava_sparse_rnn.nn.activations import TopK
from lava_sparse_rnn.nn.network import SparseRNN
from lava_sparse_rnn.nn.options import S5Options
from lava_sparse_rnn.nn.parameters import parameter_groups
from lava_sparse_rnn.nn.relufication import relufy
from lava_sparse_rnn.nn.s5 import S5Block
from lava_sparse_rnn.nn.s5_checkpoints import load_s5

__all__ = [
    "S5Block",
    "S5Options",
    "SparseRNN",
    "TopK",
    "blocks",
    "gated_scan",
    "heads",
    "load_s5",
    "parameter_groups",
    "quantize",
    "relufy",
    "sparsify",
]
