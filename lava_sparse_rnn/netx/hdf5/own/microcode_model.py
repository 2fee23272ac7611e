# SPDX-License-Identifier: BSD-3-Clause
"""Model of `OwnNetwork` that executes neuron programs: that of `SparseRNN`."""

from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_sparse_rnn.netx.hdf5.own.process import OwnNetwork
from lava_sparse_rnn.proc._fused.microcode import MicrocodeNetworkModel


@implements(proc=OwnNetwork, protocol=LoihiProtocol)
@requires(CPU)
@tag("microcode")
class PyNetworkModelMicrocode(MicrocodeNetworkModel):
    """The network in one process: every group's program."""
