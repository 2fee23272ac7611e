# SPDX-License-Identifier: BSD-3-Clause
"""Networks and their parts as Lava Processes, and a way to run them."""

from lava_sparse_rnn import lava_patches  # noqa: F401  (before all of Lava)
from lava_sparse_rnn.proc._layered.join import PROCESSES
from lava_sparse_rnn.proc._runtime.hardware import NoHardwareError
from lava_sparse_rnn.proc._runtime.processes.watch import ActorDiedError, RemoteError
from lava_sparse_rnn.proc._runtime.reset import STATE_VARS, reset
from lava_sparse_rnn.proc._runtime.restore import Snapshot
from lava_sparse_rnn.proc.affine import Affine
from lava_sparse_rnn.proc.gate import Gate
from lava_sparse_rnn.proc.head import Head
from lava_sparse_rnn.proc.io import Sink, Source
from lava_sparse_rnn.proc.microcode_neurons import MicrocodeNeurons
from lava_sparse_rnn.proc.neurons.microcode_model import instructions
from lava_sparse_rnn.proc.neurons.timing import MODES, Clock, Timing
from lava_sparse_rnn.proc.readout import Readout
from lava_sparse_rnn.proc.recurrence import Recurrence
from lava_sparse_rnn.proc.s4d import S4D
from lava_sparse_rnn.proc.s5_block import S5Block
from lava_sparse_rnn.proc.session.run import run
from lava_sparse_rnn.proc.session.run_config import MicrocodeSimCfg, RunCfg
from lava_sparse_rnn.proc.session.session import Session, overflows
from lava_sparse_rnn.proc.sparse_rnn import SparseRNN

__all__ = [
    "MODES",
    "PROCESSES",
    "S4D",
    "STATE_VARS",
    "ActorDiedError",
    "Affine",
    "Clock",
    "Gate",
    "Head",
    "MicrocodeNeurons",
    "MicrocodeSimCfg",
    "NoHardwareError",
    "Readout",
    "Recurrence",
    "RemoteError",
    "RunCfg",
    "S5Block",
    "Session",
    "Sink",
    "Snapshot",
    "Source",
    "SparseRNN",
    "Timing",
    "instructions",
    "overflows",
    "reset",
    "run",
]
