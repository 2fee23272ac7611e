# SPDX-License-Identifier: BSD-3-Clause
"""Models of `S5Block`, those of a network of one layer: fused, and layered."""

from lava_sparse_rnn.proc._fused.layer_vars import OF_LAYER
from lava_sparse_rnn.proc.s5_block.process import S5Block
from lava_sparse_rnn.proc.sparse_rnn.network_models import models_of

(
    PyS5BlockModelFixed,
    PyS5BlockModelFloat,
    PyS5BlockModelMicrocode,
    SubS5BlockModel,
) = models_of(S5Block, __name__, OF_LAYER)
