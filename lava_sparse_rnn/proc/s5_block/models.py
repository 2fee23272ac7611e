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
from scipy import sparse

from lava_sparse_rnn.proc._fused.model import FusedModel
from lava_sparse_rnn.proc._neurons.connect import WEIGHT_EXP, Edge, connection, depths
from lava_sparse_rnn.proc._neurons.group_model import FixedPt, FloatingPt
from lava_sparse_rnn.proc.gate.process import Gate
from lava_sparse_rnn.proc.readout.process import Readout
from lava_sparse_rnn.proc.recurrence.process import Recurrence
from lava_sparse_rnn.proc.s5_block.process import S5Block

COUNT = LavaPyType(np.ndarray, np.int64, precision=64)


class AbstractPyS5BlockModel(FusedModel):
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
    instructions_recurrence: np.ndarray = COUNT
    instructions_readout: np.ndarray = COUNT
    instructions_gate: np.ndarray = COUNT


@implements(proc=S5Block, protocol=LoihiProtocol)
@requires(CPU)
@tag("fixed_pt")
class PyS5BlockModelFixed(FixedPt, AbstractPyS5BlockModel):
    """The block in one process: the integer contract."""

    inp: PyInPort = LavaPyType(PyInPort.VEC_DENSE, np.int32, precision=24)
    out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, np.int32, precision=24)
    x_re: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=24)
    x_im: np.ndarray = LavaPyType(np.ndarray, np.int64, precision=24)


@implements(proc=S5Block, protocol=LoihiProtocol)
@requires(CPU)
@tag("floating_pt")
class PyS5BlockModelFloat(FloatingPt, AbstractPyS5BlockModel):
    """The block in one process: the same equations in real numbers."""

    inp: PyInPort = LavaPyType(PyInPort.VEC_DENSE, float)
    out: PyOutPort = LavaPyType(PyOutPort.VEC_DENSE, float)
    x_re: np.ndarray = LavaPyType(np.ndarray, float)
    x_im: np.ndarray = LavaPyType(np.ndarray, float)


GROUPS = {"recurrence": Recurrence, "readout": Readout, "gate": Gate}
EDGES = (
    Edge("inp", "inp", "recurrence", "a_re_in", "B_re"),
    Edge("inp", "inp", "recurrence", "a_im_in", "B_im"),
    Edge("recurrence", "s_re_out", "readout", "a_c_in", "C_re"),
    Edge("recurrence", "s_im_out", "readout", "a_c_in", "C_imn"),
    Edge("inp", "inp", "readout", "a_d_in", "D"),
    Edge("readout", "s_out", "gate", "a_in", "W"),
    Edge("readout", "s_out", "gate", "z_in", "identity"),
    Edge("inp", "inp", "gate", "u_in", "identity"),
)


@implements(proc=S5Block, protocol=LoihiProtocol)
class SubS5BlockModel(AbstractSubProcessModel):
    """Three neuron groups, joined by Lava's `Sparse` and `DelaySparse`."""

    def __init__(self, proc: S5Block) -> None:
        params, block = proc.proc_params, proc.block
        depth = depths(EDGES, "inp")
        for name, group in GROUPS.items():
            process = group.of(
                block,
                params["recipe"],
                weight_exp=WEIGHT_EXP,
                clock=params["clock"],
                **params["timing"].later(depth[name]).arguments(),
            )
            setattr(self, name, process)
            for var in process.vars.members:
                getattr(proc, var.name).alias(var)

        matrices = {name: w.matrix for name, w in block.matrices.items()}
        matrices["D"] = sparse.diags_array(block.D.values).tocsr()
        matrices["identity"] = sparse.eye_array(block.d_model, dtype=int).tocsr()
        bits = {"inp": block.inp.bits, "recurrence": block.s.bits}
        bits["readout"] = block.z.bits
        for edge in EDGES:
            hops = depth[edge.target] - depth[edge.source]
            link = connection(matrices[edge.weights], hops, bits[edge.source])
            source = proc if edge.source == "inp" else getattr(self, edge.source)
            getattr(source, edge.source_port).connect(link.s_in)
            target = getattr(self, edge.target)
            link.a_out.connect(getattr(target, edge.target_port))
            setattr(self, f"{edge.target}_{edge.target_port}_{edge.weights}", link)
        getattr(self, "gate").s_out.connect(proc.out)  # noqa: B009
