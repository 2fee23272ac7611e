# SPDX-License-Identifier: BSD-3-Clause
"""Models that run a test's code."""

import numpy as np
from lava.magma.core.decorator import implements, requires
from lava.magma.core.model.py.model import PyAsyncProcessModel, PyLoihiProcessModel
from lava.magma.core.model.py.ports import PyInPort, PyOutPort, PyRefPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.async_protocol import AsyncProtocol
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from scipy.sparse import csr_matrix

from inline_networks.process import Async, Scripted, Typed


@implements(proc=Scripted, protocol=LoihiProtocol)
@requires(CPU)
class ScriptedModel(PyLoihiProcessModel):
    inp: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    ref: PyRefPort = LavaPyType(PyRefPort.VEC_DENSE, np.int32)
    state: np.ndarray = LavaPyType(np.ndarray, np.int32)

    def __init__(self, proc_params):
        super().__init__(proc_params)
        self._do("init")

    def _do(self, phase):
        script = self.proc_params["script"]
        if phase in script:
            script[phase](self)

    def _guard(self, phase):
        script = self.proc_params["script"]
        return phase in script and script.get(f"{phase}_guard", bool)(self)

    def run_spk(self):
        self._do("spk")

    def pre_guard(self):
        return self._guard("pre")

    def run_pre_mgmt(self):
        self._do("pre")

    def lrn_guard(self):
        return self._guard("lrn")

    def run_lrn(self):
        self._do("lrn")

    def post_guard(self):
        return self._guard("post")

    def run_post_mgmt(self):
        self._do("post")


@implements(proc=Async, protocol=AsyncProtocol)
@requires(CPU)
class AsyncScriptedModel(PyAsyncProcessModel):
    inp: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32)
    out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32)
    ref: PyRefPort = LavaPyType(PyRefPort.VEC_DENSE, np.int32)
    state: np.ndarray = LavaPyType(np.ndarray, np.int32)

    def run_async(self):
        self.proc_params["script"](self)


@implements(proc=Typed, protocol=LoihiProtocol)
@requires(CPU)
class TypedModel(PyLoihiProcessModel):
    whole: int = LavaPyType(int, int)
    matrix: np.ndarray = LavaPyType(np.ndarray, np.int32)
    real: np.ndarray = LavaPyType(np.ndarray, float)
    text: str = LavaPyType(str, str)
    sparse: csr_matrix = LavaPyType(csr_matrix, int)
