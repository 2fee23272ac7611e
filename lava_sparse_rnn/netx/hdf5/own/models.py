# SPDX-License-Identifier: BSD-3-Clause
"""Models of `OwnNetwork`: those of `SparseRNN`."""

from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_sparse_rnn.netx.hdf5.own.process import OwnNetwork
from lava_sparse_rnn.proc.sparse_rnn.network_models import (
    FixedNetworkModel,
    FloatNetworkModel,
    SubNetworkModel,
)


@implements(proc=OwnNetwork, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyNetworkModelFixed(FixedNetworkModel):
    """The network in one process: the integer contract."""


@implements(proc=OwnNetwork, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyNetworkModelFloat(FloatNetworkModel):
    """The network in one process: the same equations in real numbers."""


@implements(proc=OwnNetwork, protocol=LoihiProtocol)
class SubNetworkFileModel(SubNetworkModel):
    """A Process per layer, joined by Lava's connections."""
