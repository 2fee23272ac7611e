# SPDX-License-Identifier: BSD-3-Clause
"""The integer model of `Summing`."""

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_sparse_rnn.proc.neurons.group_model import FixedPt, GroupModel
from summing_neurons.process import Summing


@implements(proc=Summing, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PySummingModel(FixedPt, GroupModel):
    neurons = Summing
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    total: np.ndarray = LavaPyType(np.ndarray, np.int64)
    overflow_out: np.ndarray = LavaPyType(np.ndarray, np.int64)
    instructions_summing: np.ndarray = LavaPyType(np.ndarray, np.int64)
