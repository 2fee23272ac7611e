# SPDX-License-Identifier: BSD-3-Clause
# pyright: reportAssignmentType=false
# (Lava writes the type of an instance's attribute as the value of the class's)
"""Models of `Gate`."""

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_sparse_rnn.proc.gate.process import Gate
from lava_sparse_rnn.proc.neurons.group_model import FixedPt, FloatingPt, GroupModel
from lava_sparse_rnn.proc.neurons.microcode_model import Microcode


class AbstractPyGateModel(GroupModel):
    neurons = Gate
    instructions_gate: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=64)
    overflow_g: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=64)
    overflow_out: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=64)


class IntegerPorts:
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=32)
    z_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    u_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)


class RealPorts:
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    z_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    u_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)


@implements(proc=Gate, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyGateModelFixed(IntegerPorts, FixedPt, AbstractPyGateModel):
    """The integer contract."""


@implements(proc=Gate, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyGateModelFloat(RealPorts, FloatingPt, AbstractPyGateModel):
    """The same equation in real numbers."""


@implements(proc=Gate, protocol=LoihiProtocol)
@requires(CPU)
@tag("microcode")
class PyGateModelMicrocode(IntegerPorts, Microcode, AbstractPyGateModel):
    """The integer contract, by the group's program."""
