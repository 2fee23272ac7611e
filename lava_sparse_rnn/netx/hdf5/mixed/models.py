# SPDX-License-Identifier: BSD-3-Clause
"""Model of `MixedNetwork`: its layers."""

from lava.magma.core.decorator import implements, tag
from lava.magma.core.model.sub.model import AbstractSubProcessModel
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol

from lava_sparse_rnn.netx.hdf5.mixed.process import MixedNetwork


# Blocks of lava-dl have no other tag.
@implements(proc=MixedNetwork, protocol=LoihiProtocol)
@tag("fixed_pt")
class SubMixedNetworkModel(AbstractSubProcessModel):
    """The layers, which their Process has made and joined."""

    def __init__(self, proc: MixedNetwork) -> None:
        proc.snapshot.restore()
        proc.inp.connect(proc.layers[0].inp)
        proc.layers[-1].out.connect(proc.out)
        for i, layer in enumerate(proc.layers):
            # Also what is inside, for Lava learns from here what belongs together.
            for j, part in enumerate(layer.processes):
                setattr(self, f"layer{i}_part{j}", part)
            for name, var in layer.variables.items():
                getattr(proc, name).alias(var)
