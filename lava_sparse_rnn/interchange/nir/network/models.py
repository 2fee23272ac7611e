# SPDX-License-Identifier: BSD-3-Clause
"""Model of `Network`: Lava's stock processes."""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.decorator import implements, tag
from lava.magma.core.model.sub.model import AbstractSubProcessModel
from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
from lava.proc.io.source import RingBuffer
from lava.proc.lif.process import LIF
from lava.proc.sparse.process import DelaySparse, Sparse
from scipy import sparse

from lava_sparse_rnn.interchange.nir._plan import INPUT, Connection, Part, Plan
from lava_sparse_rnn.interchange.nir.network.process import Network

GRADED = 32  # any number above 0: payloads are numbers, not spikes


@implements(proc=Network, protocol=LoihiProtocol)
@tag("floating_pt")
class SubNetworkModel(AbstractSubProcessModel):
    """The network as stock processes."""

    def __init__(self, proc: Any) -> None:
        self.plan: Plan = proc.proc_params["plan"]
        self.inp, self.senders, made = proc.in_ports.inp, {}, self.plan
        for name, part in made.parts.items():
            self._attach(name, part)
        if made.collects:
            total = _sparse(np.eye(made.shape_out[0]))
            self._keep("sum", total)
            for name in made.outputs:
                self._join(name, made.latency - 1, total.s_in)
            total.a_out.connect(proc.out_ports.out)
        else:
            (port,) = self.senders[made.outputs[0]]
            port.connect(proc.out_ports.out)

    def _attach(self, name: str, part: Part) -> None:
        """Make a part's processes and connect what sends to them."""
        depth = self.plan.depth[name]
        process: Any
        if isinstance(part, Connection):
            process = _sparse(part.weights)
            target, arrival = process.s_in, depth - 1
            self.senders[name] = [process.a_out]
            if part.bias is not None:
                self.senders[name].append(self._constant(name, part.bias, depth))
        else:
            process = LIF(
                shape=(part.n,), du=part.du, dv=part.dv, vth=float(part.vth[0])
            )
            target, arrival = process.a_in, depth
            self.senders[name] = [process.s_out]
            if part.bias.any():
                self._constant(name, part.bias, depth).connect(target)
        self._keep(name, process)
        for source in self.plan.sources[name]:
            self._join(source, arrival, target)

    def _join(self, source: str, arrival: int, target: Any) -> None:
        """Connect what a part sends to a port, so that it arrives in a given step."""
        missing = arrival - self.plan.depth[source]
        if missing:
            part = self.plan.parts.get(source)
            n = self.plan.shape_in[0] if part is None else part.n
            late = _sparse(np.eye(n), missing - 1)
            self._keep(f"{source}_{missing}_later", late)
            late.a_out.connect(target)
            target = late.s_in
        if source == INPUT:
            self.inp.connect(target)
        else:
            for port in self.senders[source]:
                port.connect(target)

    def _constant(self, name: str, bias: Any, depth: int) -> Any:
        """A port that sends a bias from the first token's arrival on."""
        first = np.ones((1, 1)) if depth else bias[:, None]
        source = RingBuffer(data=first)
        self._keep(f"{name}_one", source)
        if not depth:
            return source.s_out
        weights = _sparse(bias[:, None], depth - 1)
        self._keep(f"{name}_bias", weights)
        source.s_out.connect(weights.s_in)
        return weights.a_out

    def _keep(self, name: str, process: Any) -> None:
        """Remember a process under a name that no other has."""
        setattr(self, f"{name}_{len(vars(self))}", process)


def _sparse(weights: Any, delay: int = 0) -> Any:
    """A connection whose payloads take ``delay`` more steps than its own."""
    matrix = sparse.csr_matrix(weights)
    if not delay:
        return Sparse(weights=matrix, num_message_bits=GRADED)
    # On the pattern of the weights: a delay elsewhere would be a weight of zero.
    delays = sparse.csr_matrix(
        (np.full(matrix.nnz, delay), matrix.indices, matrix.indptr), matrix.shape
    )
    return DelaySparse(
        weights=matrix, delays=delays, max_delay=delay, num_message_bits=GRADED
    )
