# SPDX-License-Identifier: BSD-3-Clause
# pyright: reportAssignmentType=false
# (Lava writes the type of an instance's attribute as the value of the class's)
"""Model of `TokenGate`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from numpy.typing import NDArray

from lava_sparse_rnn.netx.token_gate.process import TokenGate
from lava_sparse_rnn.proc.neurons import GuardedModel, TokenSchedule


@implements(proc=TokenGate, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyTokenGateModel(GuardedModel):
    """Integers pass as they are."""

    inputs = ("a_in",)
    outputs = ("s_out",)
    a_in: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    s_out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)

    def __init__(self, proc_params: Any = None) -> None:
        super().__init__(proc_params)
        self.schedule = TokenSchedule(proc_params["timing"], proc_params["clock"])

    def step(self, *received: NDArray) -> Sequence[NDArray]:
        self.schedule.update(self.step_index)
        has_token = self.schedule.token(self.step_index) is not None
        return [value * has_token for value in received]
