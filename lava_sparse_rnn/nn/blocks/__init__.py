# SPDX-License-Identifier: BSD-3-Clause
"""Layers for lava-dl's lists of blocks: (batch, channels, time), one file for all.

They stand between blocks of `lava.lib.dl.slayer` (which this module never imports)
or between themselves, train with them, and write their part of a netx file::

    blocks = nn.ModuleList([
        slayer.block.cuba.Dense(neuron, 40, 64, delay_shift=False),
        nn.blocks.S5(64, 64, input_frac=0),
        nn.blocks.Affine(64, 10, relu=False),
    ])
    ...                                      # train: for block in blocks: x = block(x)
    nn.blocks.calibrate(model, batches)      # ranges, on typical input
    nn.blocks.quantize(blocks)               # from here on the integers of the file
    nn.blocks.export_hdf5(blocks, "mixed.net")
"""

from lava_sparse_rnn.nn.blocks._affine import Affine
from lava_sparse_rnn.nn.blocks._base import Block
from lava_sparse_rnn.nn.blocks._convert import (
    calibrate,
    export_hdf5,
    prunable,
    quantize,
)
from lava_sparse_rnn.nn.blocks._s5 import S5

__all__ = [
    "S5",
    "Affine",
    "Block",
    "calibrate",
    "export_hdf5",
    "prunable",
    "quantize",
]
