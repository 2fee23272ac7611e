# SPDX-License-Identifier: BSD-3-Clause
# pyright: reportAssignmentType=false
# (Lava writes the type of an instance's attribute as the value of the class's)
"""A whole network's programs in one operating-system process."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import OverflowCounters
from lava_sparse_rnn.microcode import Executor
from lava_sparse_rnn.proc._fused.executors import States
from lava_sparse_rnn.proc._fused.layer_vars import LayerVars, layer_vars
from lava_sparse_rnn.proc._fused.model import FusedModel
from lava_sparse_rnn.proc._neurons.group_model import FixedPt
from lava_sparse_rnn.proc._neurons.microcode_model import INSTRUCTIONS
from lava_sparse_rnn.spec import Network


class ProgramExecutor:
    """Neuron programs token by token, as a fused model wants it.

    Parameters
    ----------
    network : Network

    Attributes
    ----------
    overflows : OverflowCounters
        Of all tokens that were shown.
    instructions : Counter
        The same, executed by all neurons of a group, under ``layer<i>_<group>``.
    """

    computes_ahead = True

    def __init__(self, network: Network) -> None:
        self._executor = Executor(network)
        self._counts, self.overflows = OverflowCounters(), OverflowCounters()
        self._executed, self.instructions = Counter(), Counter()
        self._shown: States = self._executor.state

    def step(self, u: NDArray) -> NDArray:
        """The answer to one token, shape (d_in,) -> (d_out,)."""
        before, self._counts = Counter(self._executor.executed), OverflowCounters()
        out = self._executor.advance(u, self._counts)
        self._executed = Counter(self._executor.executed) - before
        return out

    def show(self) -> None:
        """The answer of the last `step` leaves: states and counts are its own."""
        self._shown = self._executor.state
        self.overflows.update(self._counts)
        self.instructions.update(self._executed)

    def reset(self) -> None:
        """Set every state to zero before the next `step`."""
        self._executor.reset()

    @property
    def state(self) -> States:
        """Real and imaginary part of every block's state, as last shown."""
        return self._shown

    @state.setter
    def state(self, parts: States) -> None:
        self._executor.state = parts
        self._shown = self._executor.state


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
            (self.var_format.format(i=i, name=name), f"layer{i}_{kind}")
            for i, layer in enumerate(self.network.layers)
            for name in layer_vars(layer)
            if (kind := name.removeprefix(INSTRUCTIONS)) != name
        ]

    def _go_on(self, state: States) -> None:
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
