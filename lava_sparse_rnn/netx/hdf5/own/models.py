# SPDX-License-Identifier: BSD-3-Clause
"""Models of `OwnNetwork`: those of every Process that stands for a network."""

from lava_sparse_rnn.netx.hdf5.own.process import OwnNetwork
from lava_sparse_rnn.proc.sparse_rnn.network_models import models_of

(
    PyOwnNetworkModelFixed,
    PyOwnNetworkModelFloat,
    PyOwnNetworkModelMicrocode,
    SubOwnNetworkModel,
) = models_of(OwnNetwork, __name__)
