# SPDX-License-Identifier: BSD-3-Clause
# pyright: reportAssignmentType=false
# (Lava writes the type of an instance's attribute as the value of the class's)
"""Models of `Source` and `Sink`."""

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_sparse_rnn.proc.io.process import Sink, Source, sink_header, sink_rows
from lava_sparse_rnn.proc.neurons.guard import GuardedModel, whole, within_int32
from lava_sparse_rnn.proc.neurons.timing import TokenSchedule


class AbstractPySourceModel(GuardedModel):
    """Sends row t of the data, shape (n,), in the step of token t, and else zeros.

    Raises
    ------
    EOFError
        After the last row, where ``at_end`` is "error".
    """

    outputs = ("s_out",)
    dtype: type

    def __init__(self, proc_params: Any = None) -> None:
        super().__init__(proc_params)
        self.data = proc_params["data"]
        self.at_end = proc_params["at_end"]
        self.schedule = TokenSchedule(proc_params["timing"], proc_params["clock"])
        self.nothing = np.zeros(self.data.shape[1:], self.dtype)

    def step(self):
        self.schedule.update(self.step_index)
        token = self.schedule.token(self.step_index)
        if token is None:
            return (self.nothing,)
        if token < len(self.data):
            return (self.data[token].astype(self.dtype),)
        if self.at_end == "error":
            raise EOFError(f"Source: has {len(self.data)} tokens, and all were sent")
        return (self.nothing,)


@implements(proc=Source, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PySourceModelFixed(AbstractPySourceModel):
    """Sends int32."""

    dtype = np.int32
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)

    def __init__(self, proc_params: Any = None) -> None:
        super().__init__(proc_params)
        whole(self.data, "Source: data")
        within_int32(self.data, "Source: data")


@implements(proc=Source, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PySourceModelFloat(AbstractPySourceModel):
    """Sends float64."""

    dtype = np.float64
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)


class AbstractPySinkModel(GuardedModel):
    """Writes what arrives for token t, shape (n,), into row t of shared memory."""

    inputs = ("a_in",)
    dtype: type

    def __init__(self, proc_params: Any = None) -> None:
        super().__init__(proc_params)
        memory = proc_params["memory"]
        self.schedule = TokenSchedule(proc_params["timing"], proc_params["clock"])
        self.header = sink_header(memory)
        self.rows = sink_rows(memory, proc_params["rows"], self.dtype)
        self.header[1] = self.dtype is np.float64

    def step(self, value):
        self.schedule.update(self.step_index)
        row = self.schedule.token(self.step_index)
        if row is not None and row < len(self.rows):
            self.rows[row] = value
            self.header[0] = row + 1  # after the values: the parent may be reading
        return ()


@implements(proc=Sink, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PySinkModelFixed(AbstractPySinkModel):
    """Keeps int64."""

    dtype = np.int64
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)

    def step(self, value):
        whole(value, "Sink: a_in")
        return super().step(value)


@implements(proc=Sink, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PySinkModelFloat(AbstractPySinkModel):
    """Keeps float64."""

    dtype = np.float64
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
