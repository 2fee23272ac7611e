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

from lava_sparse_rnn.proc._neurons.group_model import FixedPt, FloatingPt, GroupModel
from lava_sparse_rnn.proc._neurons.microcode_model import Microcode
from lava_sparse_rnn.proc.gate.process import Gate


class AbstractPyGateModel(GroupModel):
    inputs = ("a_in", "z_in", "u_in")
    outputs = ("s_out",)
    tensors = Gate.tensors
    kind = Gate.kind
    instructions_gate: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=64)
    overflow_g: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=64)
    overflow_out: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=64)

    def compute(self, acc, z, u):
        g = self.group.argument(acc, self.arithmetic)
        return (self.group.combine(z, g, u, self.arithmetic),)


@implements(proc=Gate, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyGateModelFixed(FixedPt, AbstractPyGateModel):
    """The integer contract."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=32)
    z_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    u_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)


@implements(proc=Gate, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyGateModelFloat(FloatingPt, AbstractPyGateModel):
    """The same equation in real numbers."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    z_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    u_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)


@implements(proc=Gate, protocol=LoihiProtocol)
@requires(CPU)
@tag("microcode")
class PyGateModelMicrocode(Microcode, AbstractPyGateModel):
    """The integer contract, by the group's program."""

    accumulators = ("W", "z", "u")
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=32)
    z_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    u_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)
