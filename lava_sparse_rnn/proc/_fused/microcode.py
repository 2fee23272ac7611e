# SPDX-License-Identifier: BSD-3-Clause
# pyright: reportAssignmentType=false
# (Lava writes the type of an instance's attribute as the value of the class's)
"""A whole network's programs in one model."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.microcode import Stream
from lava_sparse_rnn.proc._fused.executors import Ahead
from lava_sparse_rnn.proc._fused.layer_vars import LayerVars, layer_vars
from lava_sparse_rnn.proc._fused.model import FusedModel
from lava_sparse_rnn.proc.neurons.group_model import FixedPt
from lava_sparse_rnn.proc.neurons.microcode_model import INSTRUCTIONS
from lava_sparse_rnn.spec import Network
from lava_sparse_rnn.spec.stream import State


class ProgramExecutor(Ahead):
    """Neuron programs token by token, as a fused model wants it.

    Parameters
    ----------
    network : Network

    Attributes
    ----------
    instructions : Counter
        Executed by all neurons of a group for all tokens that were shown, under
        ``layer<i>_<group>``.
    """

    stream: Stream

    def __init__(self, network: Network) -> None:
        super().__init__(Stream(network))
        self._executed, self.instructions = Counter(), Counter()

    def step(self, u: ArrayLike) -> NDArray:
        """The answer to the next token, shape (d_in,) -> (d_out,)."""
        self._executed = Counter(self.stream.executed)
        return super().step(u)

    def show(self) -> None:
        """The answer of the last `step` leaves."""
        super().show()
        self.instructions.update(self.stream.executed)
        self.instructions.subtract(self._executed)


class FusedMicrocode(FixedPt, FusedModel):
    """Fused models tagged ``microcode``.

    What comes out of the pipeline before the first token and between two of them is
    not the programs' work, but the integer contract's.
    """

    executor: ProgramExecutor

    def __init__(self, proc_params: Any = None) -> None:
        super().__init__(proc_params)
        self.executor = ProgramExecutor(self.network)
        self._instruction_vars = [
            (self.var_format.format(i=i, name=var.name), f"layer{i}_{var.of}")
            for i, graph in enumerate(self.network.graphs)
            for var in layer_vars(graph)
            if var.name == INSTRUCTIONS + var.of
        ]

    def _go_on(self, state: State) -> None:
        """Go on from a state; one that does not fit its width ends the run."""
        self.attempt(setattr, self.executor, "state", state)
        self.ahead = None

    def _show_vars(self) -> None:
        super()._show_vars()
        for var, group in self._instruction_vars:
            getattr(self, var)[0] = self.executor.instructions[group]


class MicrocodeNetworkModel(FusedMicrocode, metaclass=LayerVars):
    """One process for a whole network, for every Process that stands for one."""

    state_type = np.int64
    inp: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)
