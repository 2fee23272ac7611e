# SPDX-License-Identifier: BSD-3-Clause
"""Models of `SparseRNN`: fused, and layered."""

from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_sparse_rnn.proc.sparse_rnn.network_models import (
    FixedNetworkModel,
    FloatNetworkModel,
    SubNetworkModel,
)
from lava_sparse_rnn.proc.sparse_rnn.process import SparseRNN


@implements(proc=SparseRNN, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PySparseRNNModelFixed(FixedNetworkModel):
    """The network in one process: the integer contract."""


@implements(proc=SparseRNN, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PySparseRNNModelFloat(FloatNetworkModel):
    """The network in one process: the same equations in real numbers."""


@implements(proc=SparseRNN, protocol=LoihiProtocol)
class SubSparseRNNModel(SubNetworkModel):
    """A Process per layer, joined by Lava's connections."""
