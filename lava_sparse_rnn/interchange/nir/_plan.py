# SPDX-License-Identifier: BSD-3-Clause
"""NIR's own nodes in discrete time: what Lava's connections and neurons need of them.

A connection of Lava takes a time step, neurons answer within theirs. Depths are
computed from that, so that all that belongs to a token arrives together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import SpecError

Real = NDArray[np.float64]


@dataclass(frozen=True)
class Connection:
    """``y = W x + b``.

    Parameters
    ----------
    weights : array, shape (n_out, n_in)
    bias : array, shape (n_out,), or None
    """

    weights: Real
    bias: Real | None = None

    @property
    def n(self) -> int:
        """Number of outputs."""
        return len(self.weights)


@dataclass(frozen=True)
class Neurons:
    """Lava's LIF: ``u = (1 - du) u + a``, ``v = (1 - dv) v + u``, spike above ``vth``.

    Parameters
    ----------
    n : int
    du, dv : float
    vth : array, shape (n,)
        In units of the input.
    bias : array, shape (n,)
        Added to the input.
    """

    n: int
    du: float
    dv: float
    vth: Real
    bias: Real


def _affine(node: Any, name: str, dt: float) -> Connection:
    return Connection(_matrix(node.weight, name), np.asarray(node.bias, np.float64))


def _linear(node: Any, name: str, dt: float) -> Connection:
    return Connection(_matrix(node.weight, name))


def _scale(node: Any, name: str, dt: float) -> Connection:
    return Connection(np.diag(np.ravel(node.scale)))


def _lif(node: Any, name: str, dt: float) -> Neurons:
    """``v += dt / tau (v_leak - v + R I)``, in units of ``dt / tau R I``."""
    dv = _decay(node.tau, dt, name, "tau")
    vth = _threshold(node, name) / (_positive(node.r, name) * dv)
    return Neurons(len(vth), 1.0, dv, vth, np.ravel(node.v_leak / node.r))


def _if(node: Any, name: str, dt: float) -> Neurons:
    """``v += dt R I``, in units of ``dt R I``."""
    vth = _threshold(node, name) / (_positive(node.r, name) * dt)
    return Neurons(len(vth), 1.0, 0.0, vth, np.zeros(len(vth)))


def _cuba_lif(node: Any, name: str, dt: float) -> Neurons:
    """``I += dt / tau_syn (w_in S - I)``, then v as in a LIF, of the new I."""
    if np.any(node.v_leak):
        raise SpecError(
            f"nir: node {name!r}: v_leak is not 0, which of a CubaLIF a process of "
            "Lava would add before the first token has come"
        )
    du = _decay(node.tau_syn, dt, name, "tau_syn")
    dv = _decay(node.tau_mem, dt, name, "tau_mem")
    gain = _positive(node.r * node.w_in, name) * du * dv
    vth = _threshold(node, name) / gain
    return Neurons(len(vth), du, dv, vth, np.zeros(len(vth)))


Part = Connection | Neurons
PARTS: dict[str, Callable[[Any, str, float], Part]] = {
    "Affine": _affine,
    "Linear": _linear,
    "Scale": _scale,
    "LIF": _lif,
    "IF": _if,
    "CubaLIF": _cuba_lif,
}
"""What stands for a node, by its type."""
ENDS = ("Input", "Output")


def _matrix(weight: Any, name: str) -> Real:
    if np.ndim(weight) != 2:
        raise SpecError(f"nir: node {name!r}: weight has {np.ndim(weight)} axes, not 2")
    return np.asarray(weight, np.float64)


def _decay(tau: Any, dt: float, name: str, field: str) -> float:
    """``dt / tau``, one for all neurons, as Lava's have it."""
    values = np.unique(tau)
    if len(values) > 1:
        raise SpecError(
            f"nir: node {name!r}: {field} goes from {values[0]} to {values[-1]}, but "
            "Lava's LIF has one for all of its neurons"
        )
    if not 0 < dt <= values[0]:
        raise SpecError(
            f"nir: dt is {dt}, must be above 0 and at most {field} of node "
            f"{name!r}, {values[0]}"
        )
    return float(dt / values[0])


def _threshold(node: Any, name: str) -> Real:
    if np.any(node.v_reset):
        raise SpecError(f"nir: node {name!r}: v_reset is not 0, as it is in Lava's LIF")
    return np.ravel(node.v_threshold).astype(np.float64)


def _positive(gain: Any, name: str) -> Real:
    gain = np.ravel(gain).astype(np.float64)
    if not (gain > 0).all():
        raise SpecError(f"nir: node {name!r}: r (times w_in) must be above 0")
    return gain


@dataclass(frozen=True)
class Plan:
    """A graph in an order in which values can be computed.

    Parameters
    ----------
    parts : dict of Part
        By name; neurons whose thresholds differ hear a scale, ``<name>_scale``, before.
    sources : dict of tuple of str
        Who sends to each part; ``input`` is what comes from outside.
    outputs : tuple of str
        Whose sum is the answer.
    depth : dict of int
        Time steps from a token's arrival to each part's answer.
    shape_in, shape_out : tuple of int
    """

    parts: dict[str, Part]
    sources: dict[str, tuple[str, ...]]
    outputs: tuple[str, ...]
    depth: dict[str, int]
    shape_in: tuple[int, ...]
    shape_out: tuple[int, ...]

    @property
    def latency(self) -> int:
        """Time steps from a token to its answer, a sum of several costs one."""
        own = max(self.depth[name] for name in self.outputs)
        return own + self.collects

    @property
    def collects(self) -> bool:
        """Whether the answer is a sum that needs a connection of its own."""
        last = self.parts.get(self.outputs[0])
        return len(self.outputs) > 1 or (
            isinstance(last, Connection) and last.bias is not None
        )


INPUT = "input"


def plan(graph: Any, dt: float) -> Plan:
    """How a graph of NIR's nodes becomes connections and neurons.

    Raises
    ------
    SpecError
        Names the node that cannot.
    """
    kinds = {name: type(node).__name__ for name, node in graph.nodes.items()}
    for name, kind in kinds.items():
        if kind not in (*PARTS, *ENDS):
            raise SpecError(
                f"nir: node {name!r} is a {kind}, there are processes for: "
                f"{', '.join(PARTS)}"
            )
    first, last = (_only(kinds, end) for end in ENDS)
    heard = {name: [a for a, b in graph.edges if b == name] for name in kinds}
    parts: dict[str, Part] = {}
    sources: dict[str, tuple[str, ...]] = {}
    for name in _ordered(heard):
        if kinds[name] in ENDS:
            continue
        part = PARTS[kinds[name]](graph.nodes[name], name, dt)
        before = tuple(INPUT if a == first else a for a in heard[name])
        for at, piece in _pieces(name, part):
            parts[at], sources[at], before = piece, before, (at,)
    outputs = tuple(heard[last])
    if first in outputs:
        raise SpecError("nir: the input is an output: nothing is between")
    shapes = (
        np.ravel(next(iter(graph.nodes[end].input_type.values())))
        for end in (first, last)
    )
    shape_in, shape_out = (tuple(int(n) for n in shape) for shape in shapes)
    if len(shape_in) != 1 or len(shape_out) != 1:
        raise SpecError(
            f"nir: input and output have the shapes {shape_in} and "
            f"{shape_out}, must have one axis"
        )
    depth = {INPUT: 0}
    for name, part in parts.items():
        arrival = max(depth[a] for a in sources[name])
        depth[name] = arrival + isinstance(part, Connection)
    return Plan(parts, sources, outputs, depth, shape_in, shape_out)


def _only(kinds: dict[str, str], end: str) -> str:
    found = [name for name, kind in kinds.items() if kind == end]
    if len(found) != 1:
        raise SpecError(f"nir: the graph has {len(found)} nodes {end}, must have one")
    return found[0]


def _ordered(heard: dict[str, list[str]]) -> tuple[str, ...]:
    try:
        return tuple(TopologicalSorter(heard).static_order())
    except CycleError as error:
        circle = " to ".join(error.args[1][::-1])
        raise SpecError(
            f"nir: the graph has a circle ({circle}); only graphs without one run"
        ) from None


def _pieces(name: str, part: Part) -> Iterator[tuple[str, Part]]:
    """A part; before neurons of several thresholds a scale that makes them one."""
    if isinstance(part, Neurons) and len(np.unique(part.vth)) > 1:
        scale = Connection(np.diag(1 / part.vth), part.bias / part.vth)
        yield f"{name}_scale", scale
        one = np.ones(part.n)
        part = Neurons(part.n, part.du, part.dv, one, 0 * one)
    yield name, part
