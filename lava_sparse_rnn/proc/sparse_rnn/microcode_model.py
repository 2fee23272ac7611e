# SPDX-License-Identifier: BSD-3-Clause
"""Model of `SparseRNN` that executes neuron programs."""

from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_sparse_rnn.proc._fused.microcode import MicrocodeNetworkModel
from lava_sparse_rnn.proc.sparse_rnn.process import SparseRNN


@implements(proc=SparseRNN, protocol=LoihiProtocol)
@requires(CPU)
@tag("microcode")
class PySparseRNNModelMicrocode(MicrocodeNetworkModel):
    """The network in one process: every group's program."""
