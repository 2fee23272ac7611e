# SPDX-License-Identifier: BSD-3-Clause
"""The Vars of a layer, and their names in a network of any depth."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from lava.magma.core.model.py.model import PyLoihiProcessModel
from lava.magma.core.model.py.type import LavaPyType

from lava_sparse_rnn.proc.neurons.counts import INSTRUCTIONS, OVERFLOW
from lava_sparse_rnn.spec.graph import Graph, Node
from lava_sparse_rnn.spec.stream import states_of

OF_NETWORK, OF_LAYER = "layer{i}_{name}", "{name}"
"""What Vars are called in a Process that stands for a network, or for one layer."""
VARS = {
    OF_NETWORK: re.compile(rf"layer\d+_({OVERFLOW}|{INSTRUCTIONS})?\w+"),
    OF_LAYER: re.compile(rf"(?:({OVERFLOW}|{INSTRUCTIONS})\w+|x_re|x_im)"),
}


@dataclass(frozen=True)
class LayerVar:
    """A Var of a layer: a state, or a count.

    Parameters
    ----------
    name : str
        In the layer.
    node : Node
        The group it is of.
    own : str
        Name of the Var in the group's Process.
    of : str
        The tensor or group that a count is of; the state itself.
    shape : tuple of int
    """

    name: str
    node: Node
    own: str
    of: str
    shape: tuple[int, ...] = (1,)


def layer_vars(graph: Graph) -> Iterator[LayerVar]:
    """Every Var of a layer."""
    for node in graph.nodes:
        size, group = (node.group.size,), node.group
        for own, name in zip(group.states, node.states, strict=True):
            yield LayerVar(name, node, own, name, size)
        for own, name in zip(group.tensors, node.tensors, strict=True):
            yield LayerVar(OVERFLOW + name, node, OVERFLOW + own, name)
        own = INSTRUCTIONS + group.kind
        yield LayerVar(INSTRUCTIONS + node.name, node, own, node.name)


def state_names(
    graphs: Sequence[Graph], var_format: str
) -> tuple[tuple[str, ...], ...]:
    """Names of the states of each group that has some, as Vars of a network."""
    return tuple(names for names, _ in states_of(graphs, var_format))


class LayerVars(type(PyLoihiProcessModel)):
    """Metaclass of models of networks: a Lava type for every Var that `VARS` matches.

    Lava asks a model's class for the type of each Var of its Process by name, and a
    class body cannot list the Vars of every network.
    """

    state_type: type
    var_format: str

    def __getattr__(cls, name: str) -> Any:
        match = VARS[cls.var_format].fullmatch(name)
        if match is None:
            raise AttributeError(f"{cls.__name__} has no attribute {name!r}")
        return LavaPyType(np.ndarray, np.int64 if match[1] else cls.state_type)
