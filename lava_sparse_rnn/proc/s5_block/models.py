# SPDX-License-Identifier: BSD-3-Clause
# pyright: reportAssignmentType=false
# (Lava writes the type of an instance's attribute as the value of the class's)
"""Models of `S5Block`: fused, and layered of neuron groups and connections."""

import numpy as np
from lava.magma.core.decorator import implements, requires, tag
from lava.magma.core.model.py.ports import PyInPort, PyOutPort
from lava.magma.core.model.py.type import LavaPyType
from lava.magma.core.model.sub.model import AbstractSubProcessModel
from lava.magma.core.resources import CPU
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_sparse_rnn.proc._fused.microcode import FusedMicrocode
from lava_sparse_rnn.proc._fused.model import FusedModel
from lava_sparse_rnn.proc._layered.join import join, sent, show_vars
from lava_sparse_rnn.proc.neurons.group_model import FixedPt, FloatingPt
from lava_sparse_rnn.proc.s5_block.process import S5Block

COUNT = LavaPyType(np.ndarray, np.int64, precision=64)


class AbstractPyS5BlockModel(FusedModel):
    """The block in one model; its counters are integers, shape (1,), in every one."""

    var_format = "{name}"
    overflow_x_re: np.ndarray = COUNT
    overflow_x_im: np.ndarray = COUNT
    overflow_s_re: np.ndarray = COUNT
    overflow_s_im: np.ndarray = COUNT
    overflow_z: np.ndarray = COUNT
    overflow_g: np.ndarray = COUNT
    overflow_out: np.ndarray = COUNT
    instructions_recurrence: np.ndarray = COUNT
    instructions_readout: np.ndarray = COUNT
    instructions_gate: np.ndarray = COUNT


class IntegerPorts:
    """Payloads and states of 24 bits: ports of shape (d_model,), states (d_state,)."""

    inp: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)
    x_re: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=24)
    x_im: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=24)


@implements(proc=S5Block, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyS5BlockModelFixed(IntegerPorts, FixedPt, AbstractPyS5BlockModel):
    """The block in one model: the integer contract."""


@implements(proc=S5Block, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyS5BlockModelFloat(FloatingPt, AbstractPyS5BlockModel):
    """The block in one model: the same equations in real numbers."""

    inp: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    x_re: np.ndarray = LavaPyType(np.ndarray, float)
    x_im: np.ndarray = LavaPyType(np.ndarray, float)


@implements(proc=S5Block, protocol=LoihiProtocol)
@requires(CPU)
@tag("microcode")
class PyS5BlockModelMicrocode(IntegerPorts, FusedMicrocode, AbstractPyS5BlockModel):
    """The block in one model: the programs of its three groups."""


@implements(proc=S5Block, protocol=LoihiProtocol)
class SubS5BlockModel(AbstractSubProcessModel):
    """Three neuron groups, joined by Lava's `Sparse` and `DelaySparse`."""

    def __init__(self, proc: S5Block) -> None:
        params, (graph,) = proc.proc_params, proc.network.graphs
        parts = join(
            graph, params["recipe"], params["timing"], params["clock"], proc.inp
        )
        for name, part in parts.items():
            setattr(self, name, part)
        show_vars(proc, graph, parts)
        sent(graph, parts, graph.out).connect(proc.out)
