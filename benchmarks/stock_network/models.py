# SPDX-License-Identifier: BSD-3-Clause
# pyright: reportAssignmentType=false
"""Models in numpy."""

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from scipy.special import expit

from stock_network.process import Identity, Rectifier, SigmoidGate, States


class AbstractPyIdentityModel(PyLoihiProcessModel):
    def run_spk(self):
        self.s_out.send(self.a_in.recv())


@implements(proc=Identity, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyIdentityModelFixed(AbstractPyIdentityModel):
    """Integers."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)


@implements(proc=Identity, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyIdentityModelFloat(AbstractPyIdentityModel):
    """Real numbers."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)


@implements(proc=Rectifier, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyRectifierModel(PyLoihiProcessModel):
    """Encoder, readout and decoder."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    bias: np.ndarray = LavaPyType(np.ndarray, float)

    def run_spk(self):
        v = self.a_in.recv() + self.bias
        self.s_out.send(np.maximum(v, 0) if self.proc_params["relu"] else v)


@implements(proc=States, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyStatesModel(PyLoihiProcessModel):
    """A linear recurrence."""

    a_re_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    a_im_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    s_re_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    s_im_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self.a, self.bias = proc_params["a"], proc_params["bias"]
        self.first = proc_params["first"]
        self.x = np.zeros_like(self.a)

    def run_spk(self):
        drive = self.a_re_in.recv() + 1j * self.a_im_in.recv()
        if self.time_step > self.first:
            self.x = self.a * self.x + drive + self.bias
        s = self.x * (self.x.real > 0)
        self.s_re_out.send(s.real)
        self.s_im_out.send(s.imag)


@implements(proc=SigmoidGate, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PySigmoidGateModel(PyLoihiProcessModel):
    """The end of a block."""

    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    z_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    u_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)

    def run_spk(self):
        g = self.a_in.recv() + self.proc_params["bias"]
        z, u = self.z_in.recv(), self.u_in.recv()
        self.s_out.send(np.maximum(z * expit(g) + u, 0))
