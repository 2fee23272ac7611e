# SPDX-License-Identifier: BSD-3-Clause
"""Model of `S4D`."""

from lava.magma.core.decorator import implements
from lava.magma.core.model.sub.model import AbstractSubProcessModel
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_sparse_rnn.proc._connect import WEIGHT_EXP, connection
from lava_sparse_rnn.proc.affine.process import Affine
from lava_sparse_rnn.proc.recurrence.process import Recurrence
from lava_sparse_rnn.proc.s4d.process import S4D


@implements(proc=S4D, protocol=LoihiProtocol)
class SubS4DModel(AbstractSubProcessModel):
    """A recurrence between Lava's `Sparse`, and neurons that sum."""

    def __init__(self, proc: S4D) -> None:
        spec, timing = proc.spec, proc.timing
        common = {"recipe": spec.recipe, "weight_exp": WEIGHT_EXP, "clock": proc.clock}
        states = Recurrence(
            group=spec.recurrence, **common, **timing.later(1).arguments()
        )
        readout = Affine(group=spec.readout, **common, **timing.later(2).arguments())
        self.states, self.readout = states, readout
        parts = {
            "re": (spec.B_re, states.a_re_in, states.s_re_out, spec.C_re),
            "im": (spec.B_im, states.a_im_in, states.s_im_out, spec.C_imn),
        }
        for part, (B, drive, sent, C) in parts.items():
            into = connection(B.matrix, 1, spec.inp.bits)
            onward = connection(C.matrix, 1, spec.s.bits)
            proc.inp.connect(into.s_in)
            into.a_out.connect(drive)
            sent.connect(onward.s_in)
            onward.a_out.connect(readout.a_in)
            setattr(self, f"B_{part}", into)
            setattr(self, f"C_{part}", onward)
        readout.s_out.connect(proc.out)
        for group in (states, readout):
            for var in group.vars.members:
                getattr(proc, var.name).alias(var)
