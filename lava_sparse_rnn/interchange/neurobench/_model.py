# SPDX-License-Identifier: BSD-3-Clause
"""A network as a model of NeuroBench."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from neurobench.models import NeuroBenchModel  # type: ignore[import-not-found]
from numpy.typing import NDArray
from torch import Tensor

from lava_sparse_rnn.interchange.neurobench._modules import Modules, Wire
from lava_sparse_rnn.nn.heads import HEADS
from lava_sparse_rnn.spec import Network, check_network, reference
from lava_sparse_rnn.spec.graph import INP


class NetworkModel(NeuroBenchModel):
    """A network as NeuroBench measures it: its integers, its zeros, its messages.

    The answers are the reference's, in real values, through the network's head if it
    has one.

    Parameters
    ----------
    network : Network

    Raises
    ------
    SpecError
        When it is no network.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = check_network(network, "NetworkModel")
        self.net = Modules(network)
        self.add_activation_module(Wire)
        self._sources: dict[str, str] = {}
        before = INP
        for i, graph in enumerate(network.graphs):
            for edge in graph.edges:
                own = before if edge.source == INP else f"layer{i}_{edge.source}"
                self._sources[f"layer{i}_{edge.name}"] = own
            before = f"layer{i}_{graph.out}"

    def __net__(self) -> Modules:
        """What metrics look at."""
        return self.net

    def __call__(self, batch: Tensor) -> Tensor:
        """Answers to sequences of tokens.

        Parameters
        ----------
        batch : Tensor, shape (batch, time, d_in)
            Real values, which `Network.to_wire` quantises, or integers of the wire.

        Returns
        -------
        Tensor of float32, shape (batch, time, d_out), or (batch, d_out) of a head
        """
        x = batch.detach().cpu().numpy()
        if x.dtype.kind == "f":
            x = self.network.to_wire(x)
        payloads: dict[str, list[NDArray]] = {}
        answers = []
        for tokens in x:
            trace: dict[str, NDArray] = {INP: tokens}
            y = reference.run(self.network, tokens, trace)
            answers.append(self.network.from_wire(y))
            for name, values in trace.items():
                payloads.setdefault(name, []).append(values)
        self.net(self._of(payloads), self._sources)
        found = torch.from_numpy(np.stack(answers)).float()
        head = HEADS[self.network.meta.get("head", "sequence")]
        if head is HEADS["sequence"]:
            return found
        return head(found.transpose(0, 1))

    @staticmethod
    def _of(payloads: dict[str, list[Any]]) -> dict[str, Tensor]:
        """As real numbers that hold every count that NeuroBench makes of them."""
        return {
            name: torch.from_numpy(np.stack(values)).double()
            for name, values in payloads.items()
        }
