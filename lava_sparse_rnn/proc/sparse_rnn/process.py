# SPDX-License-Identifier: BSD-3-Clause
"""A whole network."""

from __future__ import annotations

from typing import Any

from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.variable import Var

from lava_sparse_rnn.proc._fused.layer_vars import layer_vars, state_names
from lava_sparse_rnn.proc.neurons.process import TimedProcess
from lava_sparse_rnn.proc.neurons.timing import period_of
from lava_sparse_rnn.spec import Network, check_network


class SparseRNN(TimedProcess):
    """A network description as one Process.

    It is one model (`fixed_pt`, `floating_pt`, `microcode`) or, with
    ``select_sub_proc_model=True``, a network of neuron groups and Lava's own
    connections; the values at its ports are the same in every time step.

    Parameters
    ----------
    network : Network
    mode : {"pipelined", "fall_through"}
        A new token in every time step, or every ``latency`` steps.
    depth, reset_interval, reset_offset, num_tokens
        See `TimedProcess`; ``depth`` counts to ``inp``.
    period : int, optional
        Steps from one token to the next, in place of the mode's.

    Attributes
    ----------
    inp : InPort, shape (d_in,)
        Integers of the input wire (`network.to_wire`), also with `floating_pt`.
    out : OutPort, shape (d_out,)
    layer<i>_x_re, layer<i>_x_im : Var, shape (d_state,)
        State of each block.
    layer<i>_overflow_<tensor> : Var, shape (1,)
        How often a value of the tensor did not fit its format; tensors are those of
        the reference's trace.
    """

    def __init__(
        self,
        network: Network,
        *,
        mode: str = "pipelined",
        period: int | None = None,
        **kwargs: Any,
    ) -> None:
        check_network(network, type(self).__name__)
        super().__init__(
            network=network,
            mode=mode,
            period=period_of(mode, network.latency) if period is None else period,
            **kwargs,
        )
        self.network = network
        self.inp = InPort(shape=(network.d_in,))
        self.out = OutPort(shape=(network.d_out,))
        for i, graph in enumerate(network.graphs):
            for var in layer_vars(graph):
                setattr(self, f"layer{i}_{var.name}", Var(shape=var.shape, init=0))
        self.state_names = state_names(network.graphs, "layer{i}_{name}")

    @property
    def latency(self) -> int:
        """Time steps from a token's arrival to its answer."""
        return self.network.latency

    def __len__(self) -> int:
        """Number of layers."""
        return len(self.network.layers)
