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

from lava_sparse_rnn.proc._neurons.group_model import FixedPt, FloatingPt, GroupModel
from lava_sparse_rnn.proc.recurrence.microcode_model import MicrocodeRecurrence
from lava_sparse_rnn.proc.recurrence.process import Recurrence


class AbstractPyRecurrenceModel(GroupModel):
    inputs = ("a_re_in", "a_im_in")
    outputs = ("s_re_out", "s_im_out")
    tensors = Recurrence.tensors
    kind = Recurrence.kind
    instructions_recurrence: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=64)
    overflow_x_re: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=64)
    overflow_x_im: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=64)
    overflow_s_re: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=64)
    overflow_s_im: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=64)

    def compute(self, acc_re, acc_im):
        if self.token is None:
            return np.zeros_like(self.x_re), np.zeros_like(self.x_im)
        state = (self.x_re, self.x_im)
        if self.schedule.resets(self.token):
            state = (np.zeros_like(self.x_re), np.zeros_like(self.x_im))
        drive = self.group.drive(acc_re, acc_im, self.arithmetic)
        self.x_re, self.x_im = self.group.advance(state, drive, self.arithmetic)
        return self.group.emit((self.x_re, self.x_im), self.arithmetic)


@implements(proc=Recurrence, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyRecurrenceModelFixed(FixedPt, AbstractPyRecurrenceModel):
    """The integer contract."""

    a_re_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=32)
    a_im_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=32)
    s_re_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)
    s_im_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)
    x_re: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=24)
    x_im: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=24)


@implements(proc=Recurrence, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyRecurrenceModelFloat(FloatingPt, AbstractPyRecurrenceModel):
    """The same equation in real numbers."""

    a_re_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    a_im_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    s_re_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    s_im_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    x_re: np.ndarray = LavaPyType(np.ndarray, float)
    x_im: np.ndarray = LavaPyType(np.ndarray, float)


@implements(proc=Recurrence, protocol=LoihiProtocol)
@requires(CPU)
@tag("microcode")
class PyRecurrenceModelMicrocode(MicrocodeRecurrence, AbstractPyRecurrenceModel):
    """The integer contract, by the group's program."""

    accumulators = ("B_re", "B_im")
    a_re_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=32)
    a_im_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=32)
    s_re_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)
    s_im_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)
    x_re: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=24)
    x_im: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=24)
