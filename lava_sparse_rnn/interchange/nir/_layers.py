# SPDX-License-Identifier: BSD-3-Clause
"""A layer as nodes of NIR, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import nir  # type: ignore[import-not-found]
import numpy as np

from lava_sparse_rnn.interchange.nir import _formats
from lava_sparse_rnn.interchange.nir._formats import Reader, formats
from lava_sparse_rnn.interchange.nir._nodes import LinearRecurrence, ReLU, SigmoidGate
from lava_sparse_rnn.spec import S4D, Affine, Layer, Recipe, S5Block, Wire

Nodes = dict[str, Any]
"""Nodes by their names in the layer; the last one is the layer's answer."""
Edges = list[tuple[str, str]]
"""Between them; ``inp`` is what the layer hears."""


def _affine(layer: Affine, recipe: Recipe) -> tuple[Nodes, Edges]:
    nodes: Nodes = {
        "weights": nir.Affine(
            weight=_formats.matrix(layer.weights, layer.inp),
            bias=_formats.bias(layer.bias, layer.acc_frac),
            metadata=formats(layer, "weights", "bias", "out"),
        )
    }
    edges = [("inp", "weights")]
    if layer.relu:
        nodes["out"] = ReLU(np.array([layer.out.size]))
        edges.append(("weights", "out"))
    return nodes, edges


def _s5(block: S5Block, recipe: Recipe) -> tuple[Nodes, Edges]:
    acc_B, acc_W = block.B_re.frac + block.inp.ref, block.W.frac + block.z.ref
    d = np.array([block.d_model])
    biases = (_formats.bias(b, acc_B) for b in (block.bias_x_re, block.bias_x_im))
    scale = np.ldexp(block.D.values + 0.0, -block.D.frac)
    C = _states_out(block)
    nodes: Nodes = {
        "B": nir.Affine(
            weight=_states_in(block),
            bias=np.concatenate([*biases]),
            metadata=formats(block, "B_re", "B_im", "bias_x_re", "bias_x_im"),
        ),
        "recurrence": _recurrence(block, recipe.state_nonlinearity),
        "C": nir.Affine(
            weight=C,
            bias=_formats.bias(block.bias_z, block.z.frac),
            metadata=formats(block, "C_re", "C_imn", "bias_z"),
        ),
        "D": nir.Scale(scale=scale, metadata=formats(block, "D")),
        "z": ReLU(d, metadata=formats(block, "z")),
        "gate": SigmoidGate(
            weight=_formats.matrix(block.W, block.z),
            bias=_formats.bias(block.bias_g, acc_W),
            metadata=formats(block, "W", "bias_g", "g"),
        ),
        "out": ReLU(d, metadata=formats(block, "out")),
    }
    edges = [("inp", "B"), ("B", "recurrence"), ("recurrence", "C"), ("C", "z")]
    edges += [("inp", "D"), ("D", "z"), ("z", "gate"), ("gate", "out"), ("inp", "out")]
    return nodes, edges


def _s4d(layer: S4D, recipe: Recipe) -> tuple[Nodes, Edges]:
    into, out = formats(layer, "B_re", "B_im"), formats(layer, "C_re", "C_imn", "out")
    nodes: Nodes = {
        "B": nir.Linear(weight=_states_in(layer), metadata=into),
        "recurrence": _recurrence(layer, "none"),
        "C": nir.Linear(weight=_states_out(layer), metadata=out),
    }
    return nodes, [("inp", "B"), ("B", "recurrence"), ("recurrence", "C")]


def _states_in(layer: S5Block | S4D) -> np.ndarray:
    """Both parts of B, below each other."""
    parts = (_formats.matrix(B, layer.inp) for B in (layer.B_re, layer.B_im))
    return np.concatenate([*parts])


def _states_out(layer: S5Block | S4D) -> np.ndarray:
    """Both parts of C beside each other, with the factor of conjugate symmetry."""
    parts = (_formats.matrix(C, layer.s) for C in (layer.C_re, layer.C_imn))
    return 2 * np.concatenate([*parts], axis=1)


def _recurrence(layer: S5Block | S4D, nonlinearity: str) -> LinearRecurrence:
    frac = -int(layer.a_format.frac)
    a_re, a_im = (np.ldexp(a + 0.0, frac) for a in (layer.a_re, layer.a_im))
    held = formats(layer, "a_format", "state", "s")
    return LinearRecurrence(a_re, a_im, nonlinearity, metadata=held)


WRITERS: dict[str, Callable[[Any, Recipe], tuple[Nodes, Edges]]] = {
    Affine.type: _affine,
    S5Block.type: _s5,
    S4D.type: _s4d,
}
"""Layers to nodes, by type."""


def _read_affine(nodes: Mapping[str, Any], inp: Wire, read: Reader) -> Affine:
    node = nodes["weights"]
    weights = read.weights("weights", node.weight, inp)
    bias = read.bias("bias", node.bias, weights.frac + inp.ref)
    return Affine(inp, weights, bias, read.wire("out"), relu="out" in nodes)


def _read_states(nodes: Mapping[str, Any], inp: Wire, read: Reader) -> dict[str, Any]:
    """The fields of a recurrence and of what leads into it and out of it."""
    node, B, C = nodes["recurrence"], nodes["B"].weight, nodes["C"].weight / 2
    n, s, a_format = len(node.a_re), read.wire("s"), read.qformat("a_format")
    return {
        "inp": inp,
        "B_re": read.weights("B_re", B[:n], inp),
        "B_im": read.weights("B_im", B[n:], inp),
        "a_re": read.integers("a_re", node.a_re, a_format.frac),
        "a_im": read.integers("a_im", node.a_im, a_format.frac),
        "a_format": a_format,
        "state": read.qformat("state"),
        "s": s,
        "C_re": read.weights("C_re", C[:, :n], s),
        "C_imn": read.weights("C_imn", C[:, n:], s),
        "out": read.wire("out"),
    }


def _read_s5(nodes: Mapping[str, Any], inp: Wire, read: Reader) -> S5Block:
    held, z = _read_states(nodes, inp, read), read.wire("z")
    W = read.weights("W", nodes["gate"].weight, z)
    n, acc = len(held["a_re"]), held["B_re"].frac + inp.ref
    return S5Block(
        **held,
        bias_x_re=read.bias("bias_x_re", nodes["B"].bias[:n], acc),
        bias_x_im=read.bias("bias_x_im", nodes["B"].bias[n:], acc),
        D=read.diagonal("D", nodes["D"].scale),
        bias_z=read.bias("bias_z", nodes["C"].bias, z.frac),
        z=z,
        W=W,
        bias_g=read.bias("bias_g", nodes["gate"].bias, W.frac + z.ref),
        g=read.qformat("g"),
    )


def _read_s4d(nodes: Mapping[str, Any], inp: Wire, read: Reader) -> S4D:
    return S4D(**_read_states(nodes, inp, read))


READERS: dict[str, Callable[[Mapping[str, Any], Wire, Reader], Layer]] = {
    Affine.type: _read_affine,
    S5Block.type: _read_s5,
    S4D.type: _read_s4d,
}
"""Nodes to layers, by type."""
