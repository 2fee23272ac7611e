# SPDX-License-Identifier: BSD-3-Clause
"""What a network holds, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lava_sparse_rnn.fixed_point import span
from lava_sparse_rnn.markup import Table, as_html, titled
from lava_sparse_rnn.spec._network import Network
from lava_sparse_rnn.spec.statistics import matrix_sizes, neuron_count, parameters

_LONGEST = 400
"""Characters of a value of metadata; what a file says may be of any length."""


def layer_table(network: Network) -> Table:
    """One row per layer: sizes and wires."""
    rows = []
    layer: Any
    for i, layer in enumerate(network.layers):
        block = hasattr(layer, "d_state")
        wires = {
            n: getattr(layer, n) for n in (("s", "z", "out") if block else ("out",))
        }
        rows.append(
            (
                str(i),
                layer.type,
                str(layer.inp.size),
                str(layer.out.size),
                f"{layer.d_state} x {layer.state.bits} bits" if block else "-",
                str(neuron_count(layer)),
                "\n".join(f"{n}: {w.bits}, {span(w.frac)}" for n, w in wires.items()),
            )
        )
    wires = "wires: bits, frac"
    columns = ("layer", "type", "in", "out", "states", "neurons", wires)
    return Table("layers", columns, rows, text=("type", wires))


def matrix_table(network: Network) -> Table:
    """One row per sparse matrix, and the sum."""
    sizes = matrix_sizes(network)
    total, nnz = sum(m.total for m in sizes), sum(m.nnz for m in sizes)
    rows = [
        (
            str(m.layer),
            m.name,
            f"{m.shape[0]} x {m.shape[1]}",
            f"{m.total:,}",
            f"{m.nnz:,}",
            f"{m.sparsity:.1%}",
            str(m.bits),
            f"{m.weight_bytes:,}",
        )
        for m in sizes
    ]
    rows.append(
        (
            *("all", "", "", f"{total:,}", f"{nnz:,}", f"{1 - nnz / total:.1%}", ""),
            f"{sum(m.weight_bytes for m in sizes):,}",
        )
    )
    columns = ("layer", "matrix", "shape", "weights", "not zero", "sparsity")
    return Table("weights", (*columns, "bits", "bytes"), rows, last=1)


def total(network: Network) -> str:
    """Parameters in all, in a sentence: what `statistics.parameters` counts."""
    weights = sum(m.nnz for m in matrix_sizes(network))
    everything = parameters(network)
    return (
        f"parameters: {everything:,}, of them {weights:,} weights that are not zero "
        f"and {everything - weights:,} biases, diagonals and states' factors"
    )


def arithmetic(network: Network) -> str:
    """Rounding, overflow, nonlinearity and sigmoid, in a sentence."""
    r = network.recipe
    lines = f"{len(r.sigmoid)} lines (largest error {r.sigmoid.max_error():.2%})"
    return (
        f"arithmetic: rounding {r.rounding}, overflow {r.overflow}, state "
        f"nonlinearity {r.state_nonlinearity}, sigmoid of {lines}"
    )


def metadata(network: Network) -> dict[str, str]:
    """What a network's ``meta`` says of its task, in words, the task first."""
    names = sorted(network.meta, key=lambda name: (name != "task", name))
    return {_words(name): _words(network.meta[name]) for name in names}


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        given = (f"{name} {_plain(part)}" for name, part in value.items())
        return _plain(", ".join(given) or "none")
    if isinstance(value, list | tuple):
        return _plain(", ".join(_plain(part) for part in value) or "none")
    return _plain(value)


def _plain(value: Any) -> str:
    text = str(value)
    if not text.isprintable():
        text = repr(text)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 4]} ..."


@as_html.register
def _(network: Network) -> str:
    return titled(network, layer_table(network), matrix_table(network))
