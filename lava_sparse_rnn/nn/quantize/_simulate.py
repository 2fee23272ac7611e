# SPDX-License-Identifier: BSD-3-Clause
"""The network with some of its parts in integers and the others in real numbers.

All in the units of the integers (float64), so that a part that stays real differs by
what it leaves out: no rounding, no saturation. With all parts in integers the result
is the integer contract's; with none, the folded network's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from lava_sparse_rnn import spec
from lava_sparse_rnn.fixed_point import SIGMOID_ONE, choose
from lava_sparse_rnn.nn._scan import NONLINEARITIES, scan_
from lava_sparse_rnn.nn.folded import (
    FoldedAffine,
    FoldedBlock,
    FoldedNetwork,
    not_trained,
)
from lava_sparse_rnn.nn.quantize._groups import advance
from lava_sparse_rnn.nn.quantize.rules import Rules, Shift, Sigmoid, doubles
from lava_sparse_rnn.spec import groups

PARTS = ("weights", "wires", "states", "sigmoid")
"""Parts of the quantisation.

``'weights'``: all parameters, A and biases too. ``'wires'``: the network's input and
everything that neurons send. ``'states'``: the recurrence. ``'sigmoid'``: the gate's
argument and its lines.
"""


class Simulation:
    """Runs a network with a choice of `PARTS` in integers.

    Parameters
    ----------
    folded : FoldedNetwork
        Real weights.
    network : spec.Network
        Its description.
    parts : collection of str
        Out of `PARTS`.

    Attributes
    ----------
    overflows : Counter
        How often a value of each tensor (``layer<i>_<name>``) did not fit, of tokens
        that are no padding.
    """

    def __init__(
        self,
        folded: FoldedNetwork,
        network: spec.Network,
        parts: Collection[str] = PARTS,
    ) -> None:
        for part in parts:
            choose("part", part, PARTS)
        self.folded, self.network, self.parts = folded, network, frozenset(parts)
        self.rules = Rules.of(network.recipe)
        self.overflows: Counter[str] = Counter()
        self.real: Tensor | None = None

    @torch.no_grad()
    def run(self, x: Tensor, real: Tensor | None = None) -> list[dict[str, Tensor]]:
        """Tensors of every layer in real units, as `FoldedNetwork.trace` names them.

        Parameters
        ----------
        x : Tensor, shape (T, batch, d_in)
            Real input.
        real : Tensor of bool, shape (T, batch), optional
            Where there is no padding; everywhere if not given.
        """
        self.real = real
        inp = self.network.layers[0].inp
        u = x.double() * _power(inp.frac)
        if "wires" in self.parts:
            half = 2.0 ** (inp.bits - 1)
            u = u.round().clamp(-half, half - 1)
        result = []
        pairs = zip(self.folded.layers, self.network.layers, strict=True)
        for i, (folded, layer) in enumerate(pairs):
            name = f"layer{i}_"
            found = LAYERS[type(layer)](self, name, folded, layer, u)
            u = found["out"][0]
            result.append({n: v * _power(-frac) for n, (v, frac) in found.items()})
        return result

    def choose(self, part: str, integers: Any, real: Tensor, frac: ArrayLike) -> Tensor:
        """Integers of a parameter, or its real value in their units."""
        if part in self.parts:
            return doubles(integers)
        return real.double() * _power(frac)

    def matrix(self, weights: spec.Weights, real: Tensor, inp: spec.Wire) -> Tensor:
        """A matrix of weights in units of its accumulator."""
        frac = weights.frac[:, None] + (inp.ref - inp.frac)[None, :]
        return self.choose("weights", weights.matrix.toarray(), real, frac)

    def shift(self, part: str, q: Tensor, k: ArrayLike) -> Tensor:
        """``q / 2**k``, rounded if the part is in integers."""
        if part in self.parts:
            return self.rules.shift(k)(q)
        return q * _power(-np.asarray(k))

    def fit(self, part: str, name: str, q: Tensor, bits: int) -> Tensor:
        """`q` in so many bits, if the part is in integers; counts what did not fit."""
        if part not in self.parts:
            return q
        fitted = self.rules.fit(q, bits)
        self.count(name, fitted != q)
        return fitted

    def count(self, name: str, lost: Tensor) -> None:
        """Count the places where `lost`, shape (T, batch, ...), is true."""
        self.overflows[name] += int(of_tokens(lost, self.real).sum())


def of_tokens(x: Tensor, real: Tensor | None) -> Tensor:
    """A tensor (T, batch, ...) without what belongs to padding; see `real_tokens`."""
    return x if real is None else x[real]


def _power(frac: ArrayLike) -> Tensor:
    return doubles(np.ldexp(1.0, frac))


class _NotingRules:
    """Rules that note what did not fit, each time (steps, 2, batch times states)."""

    def __init__(self, rules: Rules) -> None:
        self.rules, self.lost = rules, list[Tensor]()

    def fit_(self, q: Tensor, bits: int) -> Tensor:
        before = q.clone()
        fitted = self.rules.fit_(q, bits)
        lost = before != fitted
        self.lost.append(lost if lost.dim() == 3 else lost[None])
        return fitted


def _affine(
    sim: Simulation, name: str, real: FoldedAffine, layer: spec.Affine, u: Tensor
) -> dict:
    bias = sim.choose("weights", layer.bias.value, real.bias, layer.acc_frac)
    W = sim.matrix(layer.weights, real.weights, layer.inp)
    v = sim.shift("wires", u @ W.t() + bias, layer.acc_frac - layer.out.frac)
    v = v.relu() if layer.relu else v
    out = sim.fit("wires", name + "out", v, layer.out.bits)
    return {"out": (out, layer.out.frac)}


def _block(
    sim: Simulation, name: str, real: FoldedBlock, layer: spec.S5Block, u: Tensor
) -> dict:
    x = _states(sim, name, real, layer, u)
    s = _emit(sim, name, layer, x)
    z = _readout(sim, name, real, layer, s, u)
    g, out = _gate(sim, name, real, layer, z, u)
    return {
        "x": (x, np.tile(layer.state.frac, 2)),
        "s": (s, np.tile(layer.s.frac, 2)),
        "z": (z, layer.z.frac),
        "g": (g, layer.g.frac),
        "out": (out, layer.out.frac),
    }


def _states(
    sim: Simulation, name: str, real: FoldedBlock, layer: spec.S5Block, u: Tensor
) -> Tensor:
    """States in their units, real parts first: (T, batch, 2 N)."""
    acc_frac = layer.B_re.frac + layer.inp.ref
    fa = int(layer.a_format.frac)
    drives, a = [], []
    for p in ("re", "im"):
        B = sim.matrix(getattr(layer, f"B_{p}"), getattr(real, f"B_{p}"), layer.inp)
        bias, offset = (getattr(x, f"bias_x_{p}") for x in (layer, real))
        acc = u @ B.t() + sim.choose("weights", bias.value, offset, acc_frac)
        drives.append(sim.shift("states", acc, acc_frac - layer.state.frac))
        q, value = (getattr(x, f"a_{p}") for x in (layer, real))
        a.append(sim.choose("weights", q, value, fa))
    if "states" not in sim.parts:
        re, im = (drive.contiguous() for drive in drives)
        scan_(a[0] * 2.0**-fa, a[1] * 2.0**-fa, re, im)
        return torch.cat([re, im], dim=-1)
    steps, batch, n = drives[0].shape
    x = torch.stack(drives, dim=1).reshape(steps, 2, batch * n)
    rules: Any = _NotingRules(sim.rules)
    rules.fit_(x[:1], layer.state.bits)
    a_re, a_im = (part.repeat(batch) for part in a)
    by = Shift.by(fa, sim.rules.rounding)
    advance(x, a_re, a_im, by, layer.state.bits, rules)
    x, lost = (
        part.view(steps, 2, batch, n).transpose(1, 2).reshape(steps, batch, 2 * n)
        for part in (x, torch.cat(rules.lost))
    )
    sim.count(name + "x", lost)
    return x


def _emit(sim: Simulation, name: str, layer: spec.S5Block, x: Tensor) -> Tensor:
    """Gated wires of the states, both (T, batch, 2 N)."""
    group = groups.RecurrenceGroup.of(layer, sim.network.recipe)
    wide = [sim.shift("wires", part, group.k_x) for part in x.chunk(2, -1)]
    fitted = wide
    if "wires" in sim.parts:
        fitted = [sim.rules.fit(part, layer.s.bits) for part in wide]
    masks = NONLINEARITIES[group.nonlinearity](*fitted)
    gated = []
    for part, before, after, mask in zip(
        ("s_re", "s_im"), wide, fitted, masks, strict=True
    ):
        passes = torch.ones_like(after, dtype=torch.bool) if mask is None else mask
        sim.count(name + part, (before != after) & passes)
        gated.append(after * passes)
    return torch.cat(gated, dim=-1)


def _readout(
    sim: Simulation,
    name: str,
    real: FoldedBlock,
    layer: spec.S5Block,
    s: Tensor,
    u: Tensor,
) -> Tensor:
    group = groups.ReadoutGroup.of(layer, sim.network.recipe)
    C = torch.cat(
        [sim.matrix(getattr(layer, n), getattr(real, n), layer.s) for n in _C], dim=1
    )
    D = sim.choose("weights", layer.D.values, real.D, layer.D.frac)
    bias = sim.choose("weights", layer.bias_z.value, real.bias_z, layer.z.frac)
    y = sim.shift("wires", s @ C.t(), group.k_C) + sim.shift("wires", u * D, group.k_D)
    return sim.fit("wires", name + "z", (y + bias).relu(), layer.z.bits)


def _gate(
    sim: Simulation,
    name: str,
    real: FoldedBlock,
    layer: spec.S5Block,
    z: Tensor,
    u: Tensor,
) -> tuple[Tensor, Tensor]:
    group = groups.GateGroup.of(layer, sim.network.recipe)
    W = sim.matrix(layer.W, real.W, layer.z)
    acc_frac = layer.W.frac + layer.z.ref
    bias = sim.choose("weights", layer.bias_g.value, real.bias_g, acc_frac)
    g = sim.shift("sigmoid", z @ W.t() + bias, group.k_g)
    g = sim.fit("sigmoid", name + "g", g, layer.g.bits)
    if "sigmoid" in sim.parts:
        p = Sigmoid.of(group.sigmoid, group.g_frac)(g)
    else:
        p = SIGMOID_ONE * (g * _power(-group.g_frac)).sigmoid()
    v = sim.shift("wires", z * p, group.k_h) + sim.shift("wires", u, group.k_u)
    return g, sim.fit("wires", name + "out", v.relu(), layer.out.bits)


_C = ("C_re", "C_imn")
LAYERS: dict[type, Callable[..., dict]] = {
    spec.Affine: _affine,
    spec.S5Block: _block,
    spec.S4D: not_trained,
}
"""What simulates each type of layer: its tensors in integer units, and their fracs."""
