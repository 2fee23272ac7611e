# SPDX-License-Identifier: BSD-3-Clause
"""Models of `SparseRNN`: fused (three arithmetics), and layered."""

from lava_sparse_rnn.proc.sparse_rnn.network_models import models_of
from lava_sparse_rnn.proc.sparse_rnn.process import SparseRNN

(
    PySparseRNNModelFixed,
    PySparseRNNModelFloat,
    PySparseRNNModelMicrocode,
    SubSparseRNNModel,
) = models_of(SparseRNN, __name__)
