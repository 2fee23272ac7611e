# SPDX-License-Identifier: BSD-3-Clause
# pyright: reportAssignmentType=false
# (Lava writes the type of an instance's attribute as the value of the class's)
"""Models of `Recurrence`."""

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_sparse_rnn.proc.neurons.group_model import FixedPt, FloatingPt, GroupModel
from lava_sparse_rnn.proc.recurrence.microcode_model import MicrocodeRecurrence
from lava_sparse_rnn.proc.recurrence.process import Recurrence


class AbstractPyRecurrenceModel(GroupModel):
    neurons = Recurrence
    instructions_recurrence: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=64)
    overflow_x_re: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=64)
    overflow_x_im: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=64)
    overflow_s_re: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=64)
    overflow_s_im: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=64)


class IntegerPorts:
    a_re_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=32)
    a_im_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=32)
    s_re_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)
    s_im_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)
    x_re: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=24)
    x_im: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=24)


class RealPorts:
    a_re_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    a_im_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    s_re_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    s_im_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    x_re: np.ndarray = LavaPyType(np.ndarray, float)
    x_im: np.ndarray = LavaPyType(np.ndarray, float)


@implements(proc=Recurrence, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyRecurrenceModelFixed(IntegerPorts, FixedPt, AbstractPyRecurrenceModel):
    """The integer contract."""


@implements(proc=Recurrence, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyRecurrenceModelFloat(RealPorts, FloatingPt, AbstractPyRecurrenceModel):
    """The same equation in real numbers."""


@implements(proc=Recurrence, protocol=LoihiProtocol)
@requires(CPU)
@tag("microcode")
class PyRecurrenceModelMicrocode(
    IntegerPorts, MicrocodeRecurrence, AbstractPyRecurrenceModel
):
    """The integer contract, by the group's program."""
