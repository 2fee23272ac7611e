# SPDX-License-Identifier: BSD-3-Clause
# pyright: reportAssignmentType=false
# (Lava writes the type of an instance's attribute as the value of the class's)
"""Model of `S5Block` that executes neuron programs."""

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_sparse_rnn.proc._fused.microcode import FusedMicrocode
from lava_sparse_rnn.proc.s5_block.models import AbstractPyS5BlockModel
from lava_sparse_rnn.proc.s5_block.process import S5Block


@implements(proc=S5Block, protocol=LoihiProtocol)
@requires(CPU)
@tag("microcode")
class PyS5BlockModelMicrocode(FusedMicrocode, AbstractPyS5BlockModel):
    """The block in one process: the programs of its three groups."""

    inp: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)
    x_re: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=24)
    x_im: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=24)
