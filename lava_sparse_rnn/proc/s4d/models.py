# SPDX-License-Identifier: BSD-3-Clause
# pyright: reportAssignmentType=false
# (Lava writes the type of an instance's attribute as the value of the class's)
"""Models of `S4D`: fused, and layered of neuron groups and connections."""

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.model.sub.model import AbstractSubProcessModel
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from scipy import sparse

from lava_sparse_rnn.proc._layered.join import join, sent, show_vars
from lava_sparse_rnn.proc.neurons.counts import OverflowTally
from lava_sparse_rnn.proc.neurons.group_model import FixedPt, FloatingPt
from lava_sparse_rnn.proc.neurons.guard import GuardedModel, whole
from lava_sparse_rnn.proc.neurons.timing import TokenSchedule
from lava_sparse_rnn.proc.s4d.process import S4D

COUNT = LavaPyType(np.ndarray, np.int64, precision=64)


class AbstractPyS4DModel(GuardedModel):
    """The layered model's two hops, one time step after another.

    ``acc`` and ``sent`` are what waits in its connections: the accumulators that
    reach the states in the next step, and those that reach the readout.
    """

    outputs = ("out",)
    inp: Any
    x_re: np.ndarray
    x_im: np.ndarray
    overflow_x_re: np.ndarray = COUNT
    overflow_x_im: np.ndarray = COUNT
    overflow_s_re: np.ndarray = COUNT
    overflow_s_im: np.ndarray = COUNT
    overflow_out: np.ndarray = COUNT
    instructions_recurrence: np.ndarray = COUNT
    instructions_affine: np.ndarray = COUNT

    def __init__(self, proc_params: Any = None) -> None:
        super().__init__(proc_params)
        spec, timing = proc_params["spec"], proc_params["timing"]
        (graph,) = proc_params["network"].graphs
        self.recurrence, self.readout = (node.group for node in graph.nodes)
        self.arithmetic = self.make_arithmetic(proc_params["network"].recipe)
        self.tally = OverflowTally(self.arithmetic)
        clock = proc_params["clock"]
        self.at_states = TokenSchedule(timing.later(1), clock)
        self.at_readout = TokenSchedule(timing.later(2), clock)
        dtype = self.arithmetic.dtype
        B = [spec.B_re.matrix, spec.B_im.matrix]
        C = [spec.C_re.matrix, spec.C_imn.matrix]
        self.B: Any = sparse.vstack(B, format="csr").astype(dtype)
        self.C: Any = sparse.hstack(C, format="csr").astype(dtype)
        self.clear()

    @staticmethod
    def make_arithmetic(recipe: Any) -> Any:
        """From `FixedPt` or `FloatingPt`."""
        raise NotImplementedError

    def clear(self) -> None:
        """Nothing waits in the connections."""
        self.acc = np.zeros(self.B.shape[0], self.B.dtype)
        self.sent = np.zeros(self.C.shape[0], self.C.dtype)

    def run_spk(self) -> None:
        # What is sent does not depend on what arrives in the same step. Sending
        # first lets the neighbours work meanwhile, and allows loops.
        self.send(self.attempt(self.leave))
        self.attempt(self.enter, self.inp.recv())

    def leave(self) -> tuple[np.ndarray]:
        """What the readout sends in this step, and the states' update."""
        step = self.step_index
        if self.at_states.update(step) and self.at_states.origin == step:
            self.clear()
        self.at_readout.update(step)
        self.tally.begin(self.at_readout.token(step))
        out = self.readout.step(self.sent, self.arithmetic)
        self.advance(self.at_states.token(step))
        self.tally.show(self, S4D.tensors)
        return (out,)

    def advance(self, token: int | None) -> None:
        """The states take what has arrived, if it is a token, and send."""
        if token is None:
            self.sent = np.zeros_like(self.sent)
            return
        self.tally.begin(token)
        n = len(self.acc) // 2
        state = (self.x_re, self.x_im)
        if self.at_states.resets(token):
            state = (np.zeros_like(self.x_re), np.zeros_like(self.x_im))
        acc_re, acc_im = self.acc[:n], self.acc[n:]
        drive = self.recurrence.drive(acc_re, acc_im, self.arithmetic)
        self.x_re, self.x_im = self.recurrence.advance(state, drive, self.arithmetic)
        s = self.recurrence.emit((self.x_re, self.x_im), self.arithmetic)
        self.sent = self.C @ np.concatenate(s)

    def enter(self, u: np.ndarray) -> None:
        """Tokens on their way to the states."""
        if self.B.dtype == np.int64:
            whole(u, "inp")
        self.acc = self.B @ u.astype(self.B.dtype)


@implements(proc=S4D, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyS4DModelFixed(FixedPt, AbstractPyS4DModel):
    """The channels in one model: the integer contract."""

    inp: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)
    x_re: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=24)
    x_im: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=24)


@implements(proc=S4D, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyS4DModelFloat(FloatingPt, AbstractPyS4DModel):
    """The channels in one model: the same equations in real numbers."""

    inp: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    x_re: np.ndarray = LavaPyType(np.ndarray, float)
    x_im: np.ndarray = LavaPyType(np.ndarray, float)


@implements(proc=S4D, protocol=LoihiProtocol)
class SubS4DModel(AbstractSubProcessModel):
    """A recurrence between Lava's `Sparse`, and neurons that sum."""

    def __init__(self, proc: S4D) -> None:
        params, (graph,) = proc.proc_params, proc.network.graphs
        parts = join(
            graph, proc.network.recipe, params["timing"], params["clock"], proc.inp
        )
        for name, part in parts.items():
            setattr(self, name, part)
        show_vars(proc, graph, parts)
        sent(graph, parts, graph.out).connect(proc.out)
