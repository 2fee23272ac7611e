# SPDX-License-Identifier: BSD-3-Clause
# pyright: reportAssignmentType=false
# (Lava writes the type of an instance's attribute as the value of the class's)
"""Models of `Readout`."""

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_sparse_rnn.proc.neurons.group_model import FixedPt, FloatingPt, GroupModel
from lava_sparse_rnn.proc.neurons.microcode_model import Microcode
from lava_sparse_rnn.proc.readout.process import Readout


class AbstractPyReadoutModel(GroupModel):
    neurons = Readout
    instructions_readout: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=64)
    overflow_z: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=64)


class IntegerPorts:
    a_c_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=32)
    a_d_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=32)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)


class RealPorts:
    a_c_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    a_d_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)


@implements(proc=Readout, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyReadoutModelFixed(IntegerPorts, FixedPt, AbstractPyReadoutModel):
    """The integer contract."""


@implements(proc=Readout, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyReadoutModelFloat(RealPorts, FloatingPt, AbstractPyReadoutModel):
    """The same equation in real numbers."""


@implements(proc=Readout, protocol=LoihiProtocol)
@requires(CPU)
@tag("microcode")
class PyReadoutModelMicrocode(IntegerPorts, Microcode, AbstractPyReadoutModel):
    """The integer contract, by the group's program."""
