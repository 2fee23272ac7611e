# SPDX-License-Identifier: BSD-3-Clause
"""Lava's own connections between neuron groups, with delays from the graph."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from lava.proc.sparse.process import DelaySparse, Sparse
from lava.utils.weightutils import SignMode
from scipy import sparse

WEIGHT_EXP = -1  # of every connection made here, see `connection`


@dataclass(frozen=True)
class Edge:
    """A connection from a group's port to another group's port.

    Parameters
    ----------
    source, source_port, target, target_port : str
    weights : str
        Name of the matrix.
    """

    source: str
    source_port: str
    target: str
    target_port: str
    weights: str


def depths(edges: Iterable[Edge], root: str) -> dict[str, int]:
    """Hops from ``root`` to every group, along the longest way.

    Raises
    ------
    ValueError
        When the graph has a cycle.
    """
    edges = list(edges)
    groups = {e.source for e in edges} | {e.target for e in edges}
    depth = {root: 0}
    for _ in groups:
        new = dict(depth)
        for edge in edges:
            if edge.source in depth:
                longer = depth[edge.source] + 1
                new[edge.target] = max(new.get(edge.target, 0), longer)
        if new == depth:
            return depth
        depth = new
    raise ValueError("the groups form a cycle, so no depth is defined")


def connection(weights: sparse.csr_array, hops: int, message_bits: int) -> Sparse:
    """A connection that takes ``hops`` time steps.

    Lava truncates signed 8-bit weights to even numbers; ``w`` therefore travels as
    ``2 w`` with a weight exponent of -1. Its delays cost a rebuilt matrix in every
    step, so only connections of more than one hop have them.

    Parameters
    ----------
    weights : sparse array of int, shape (n_out, n_in)
    hops : int
        1 or more.
    message_bits : int
        Width of the payloads; without it Lava takes spikes for binary.
    """
    doubled = sparse.csr_matrix(weights, dtype=np.int32) * 2
    options = {
        "weight_exp": WEIGHT_EXP,
        "num_weight_bits": 8,
        "sign_mode": SignMode.MIXED,
        "num_message_bits": message_bits,
    }
    if hops == 1:
        return Sparse(weights=doubled, **options)
    delays = doubled.astype(int)
    delays.data[:] = hops - 1
    # Given, because an empty matrix has no largest delay.
    return DelaySparse(weights=doubled, delays=delays, max_delay=hops - 1, **options)
