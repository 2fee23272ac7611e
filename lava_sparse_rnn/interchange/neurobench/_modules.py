# SPDX-License-Identifier: BSD-3-Clause
"""A network as modules of torch that metrics find: connections, wires, constants.

They compute nothing that anybody needs. NeuroBench counts what is in them, and what
passes through them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn import functional

from lava_sparse_rnn.spec import Bias, Network
from lava_sparse_rnn.spec.graph import Edge
from lava_sparse_rnn.spec.stream import states_of

WIDTHS = ((8, torch.int8), (16, torch.int16), (32, torch.int32))
"""Types of torch that hold integers, by their bits."""


class Matrix(nn.Linear):
    """Integer weights, zeros included, in a byte each."""

    def __init__(self, edge: Edge) -> None:
        super().__init__(1, 1, bias=False)
        self.weight = _held(edge.matrix.toarray(), edge.bits)

    def forward(self, input: Tensor) -> Tensor:
        """Payloads (..., n_in) to sums (..., n_out), in the payloads' type."""
        return functional.linear(input, self.weight.to(input.dtype))


class Diagonal(nn.Conv1d):
    """A weight per neuron: a convolution of width 1 with a group for each."""

    def __init__(self, edge: Edge) -> None:
        n = edge.shape[0]
        super().__init__(n, n, 1, groups=n, bias=False)
        self.weight = _held(edge.matrix.diagonal()[:, None, None], edge.bits)

    def forward(self, input: Tensor) -> Tensor:
        """Payloads (batch, n, time) times the weights."""
        return functional.conv1d(input, self.weight.to(input.dtype), groups=self.groups)


class Wire(nn.Identity):
    """The messages of a group of neurons, by which activations are counted."""


class Constants(nn.Module):
    """What neurons hold besides weights (parameters), and their states (buffers)."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        for i, layer in enumerate(network.layers):
            for name, value, bits in _constants(layer):
                held = _held(np.atleast_1d(value), bits)
                self.register_parameter(f"layer{i}_{name}", held)
        for names, group in states_of(network.graphs):
            for name in names:
                zeros = _held(np.zeros(group.size, np.int64), group.state_bits)
                self.register_buffer(name, zeros.data)


def _constants(layer: Any) -> Iterator[tuple[str, ArrayLike, int]]:
    """Biases and factors of the states, with their bits."""
    for field in fields(cast("Any", layer)):
        value = getattr(layer, field.name)
        if isinstance(value, Bias):
            yield field.name, value.mant, value.bits
        elif isinstance(value, np.ndarray):
            a_format = getattr(layer, "a_format", None)
            yield field.name, value, a_format.bits if a_format else WIDTHS[-1][0]


def _held(values: Any, bits: int) -> nn.Parameter:
    """Integers in the narrowest type of torch that has their bits."""
    dtype = next(dtype for width, dtype in WIDTHS if bits <= width)
    tensor = torch.from_numpy(np.array(values)).to(dtype)
    return nn.Parameter(tensor, requires_grad=False)  # type: ignore[return-value]


class Modules(nn.Module):
    """Everything of a network, by name.

    Parameters
    ----------
    network : Network
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.connections, self.wires = nn.ModuleDict(), nn.ModuleDict()
        for i, graph in enumerate(network.graphs):
            for edge in graph.edges:
                if not edge.copies:
                    is_matrix = edge.dense_size == np.prod(edge.shape)
                    made = Matrix(edge) if is_matrix else Diagonal(edge)
                    self.connections[f"layer{i}_{edge.name}"] = made
            for wire in graph.sender:
                self.wires[f"layer{i}_{wire}"] = Wire()
        # What leaves the network is an answer, no message inside of it.
        last = len(network.graphs) - 1
        del self.wires[f"layer{last}_{network.graphs[last].out}"]
        self.constants = Constants(network)

    def forward(self, payloads: dict[str, Tensor], sources: dict[str, str]) -> None:
        """Let every wire and every connection see its payloads, (batch, time, n)."""
        for name, wire in self.wires.items():
            wire(payloads[name])
        for name, connection in self.connections.items():
            heard = payloads[sources[name]]
            is_matrix = isinstance(connection, Matrix)
            connection(heard if is_matrix else heard.transpose(1, 2))
