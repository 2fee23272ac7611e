# SPDX-License-Identifier: BSD-3-Clause
"""Model of `MicrocodeNeurons`."""

from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_sparse_rnn.proc.microcode_neurons.process import MicrocodeNeurons
from lava_sparse_rnn.proc.microcode_neurons.program_model import ProgramModel


@implements(proc=MicrocodeNeurons, protocol=LoihiProtocol)
@requires(CPU)
@tag("microcode", "fixed_pt")
class PyMicrocodeNeuronsModel(ProgramModel):
    """The program: integers, also where a run asks for ``fixed_pt``."""
