# SPDX-License-Identifier: BSD-3-Clause
"""Rules that a description keeps: shapes, formats, and the load-time proof.

The proof: the worst case of everything that shares one accumulator, of every value
after a left shift, and of every sum inside a neuron before it saturates stays below
2**30, so that 32-bit registers never overflow silently. (One of the 31 magnitude
bits is needed by Lava's stock `Sparse`, where signed 8-bit weights travel doubled.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.fixed_point import MAX_SHIFT, SIGMOID_ONE, SpecError
from lava_sparse_rnn.spec._group import Group
from lava_sparse_rnn.spec.graph import INP, Graph, graph_of
from lava_sparse_rnn.spec.groups import (
    AffineGroup,
    GateGroup,
    ReadoutGroup,
    RecurrenceGroup,
)
from lava_sparse_rnn.spec.layers import Layer
from lava_sparse_rnn.spec.recipe import Recipe

ACCUMULATOR_LIMIT = 1 << 30
"""What no sum in an accumulator may reach; the proof at load time refuses it."""

IntArray = NDArray[np.int64]
Bound = tuple[str, IntArray]
Reach = dict[str, Bound]


def validate_layer(layer: Layer, recipe: Recipe, where: str) -> None:
    """Check one layer on its own; ``where`` names it in messages."""
    for name, actual, expected in layer.sizes():
        if actual != expected:
            raise SpecError(f"{where}, {name}: size {actual}, must be {expected}")
    for name, problem in layer.problems():
        raise SpecError(f"{where}, {name}: {problem}")
    try:
        graph = graph_of(layer, recipe)
    except (SpecError, ValueError) as error:
        raise SpecError(f"{where}: {error}") from error
    _check_graph(layer, graph, where)
    for node in graph.nodes:
        at = f"{where}, {node.name}" if node.prefix else where
        proof = PROOFS.get(type(node.group))
        if proof is None:
            kind = type(node.group).__name__
            raise SpecError(f"{at}: PROOFS has no proof for a {kind}")
        _check_bounds(proof(node.group, graph.reach(node)), at)


def _check_graph(layer: Layer, graph: Graph, where: str) -> None:
    """Sizes and times of a layer are those that its graph gives."""
    sizes = {wire: node.group.size for wire, node in graph.sender.items()}
    sizes[INP] = layer.inp.size
    groups = {node.name: node.group.size for node in graph.nodes}
    expected = {e.name: (groups[e.target], sizes[e.source]) for e in graph.edges}
    found: dict[str, tuple[object, object]] = {
        **{e.name: (e.shape, expected[e.name]) for e in graph.edges},
        "out": (layer.out.size, sizes[graph.out]),
        "out.bits": (layer.out.bits, graph.bits(graph.out)),
        "latency": (layer.latency, graph.latency),
    }
    for name, (actual, must) in found.items():
        if actual != must:
            raise SpecError(f"{where}, {name}: is {actual}, its graph has {must}")


def _check_bounds(bounds: Iterator[Bound], where: str) -> None:
    for name, bound in bounds:
        if name.startswith("k_"):
            bad = np.flatnonzero(abs(bound) > MAX_SHIFT)
            limit = MAX_SHIFT
        else:
            bad = np.flatnonzero(bound >= ACCUMULATOR_LIMIT)
            limit = ACCUMULATOR_LIMIT - 1
        if bad.size:
            row = int(bad[0])
            raise SpecError(
                f"{where}, {name}, row {row}: can reach {int(bound[row]):,}, "
                f"the limit is {limit:,}"
            )


def shifted_bound(bound: ArrayLike, k: ArrayLike) -> IntArray:
    """The largest magnitude that ``shift(v, k)`` can have for ``|v| <= bound``."""
    bound = np.asarray(bound, dtype=np.int64)
    k = np.asarray(k, dtype=np.int64)
    right = np.clip(k, 0, MAX_SHIFT)  # an impossible k is an error of its own
    left = np.clip(-k, 0, MAX_SHIFT)
    return ((bound + (np.int64(1) << right) - 1) >> right) << left


def _affine(group: AffineGroup, reach: Reach) -> Iterator[Bound]:
    name, acc = reach["W"]
    acc = acc + abs(group.bias)
    yield "k_out", group.k
    yield f"accumulator of {name}", acc
    yield "out before saturation", shifted_bound(acc, group.k)


def _recurrence(group: RecurrenceGroup, reach: Reach) -> Iterator[Bound]:
    yield "k_B", group.k_B
    yield "k_x", group.k_x
    x_max = 1 << (group.state_bits - 1)
    own = shifted_bound(abs(group.a_re) * x_max, group.a_frac)
    other = shifted_bound(abs(group.a_im) * x_max, group.a_frac)
    for part, bias in (("re", group.bias_re), ("im", group.bias_im)):
        name, acc = reach[f"B_{part}"]
        acc = acc + abs(bias)
        yield f"accumulator of {name}", acc
        drive = shifted_bound(acc, group.k_B)
        yield f"x_{part} before saturation", own + other + drive
    yield "s before saturation", shifted_bound(x_max, group.k_x)


def _readout(group: ReadoutGroup, reach: Reach) -> Iterator[Bound]:
    yield "k_C", group.k_C
    yield "k_D", group.k_D
    total = abs(group.bias)
    for accumulator, k in (("C", group.k_C), ("D", group.k_D)):
        name, acc = reach[accumulator]
        yield f"accumulator of {name}", acc
        total = total + shifted_bound(acc, k)
    yield "z before saturation", total


def _gate(group: GateGroup, reach: Reach) -> Iterator[Bound]:
    for name in ("k_g", "k_h", "k_u"):
        yield name, getattr(group, name)
    name, acc = reach["W"]
    acc = acc + abs(group.bias)
    yield f"accumulator of {name}", acc
    yield "g before saturation", shifted_bound(acc, group.k_g)
    gated = shifted_bound(reach["z"][1] * SIGMOID_ONE, group.k_h)
    residual = shifted_bound(reach["u"][1], group.k_u)
    yield "out before saturation", gated + residual


PROOFS: dict[type[Group], Callable[..., Iterator[Bound]]] = {
    AffineGroup: _affine,
    RecurrenceGroup: _recurrence,
    ReadoutGroup: _readout,
    GateGroup: _gate,
}
"""The largest sums that each kind of neuron group can reach; add your own."""
