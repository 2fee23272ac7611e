# SPDX-License-Identifier: BSD-3-Clause
"""``lava-sparse-rnn info``: what a network file holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group
from rich.table import Table

from lava_sparse_rnn.cli._console import console

NetworkFile = Annotated[Path, typer.Argument(help="A network description (.net).")]


def info(network: NetworkFile) -> None:
    """Show the layers of a network: shapes, formats, sparsity, bytes."""
    from lava_sparse_rnn import spec

    net = spec.load(network)
    console().print(
        Group(
            f"{network}: {network.stat().st_size:,} bytes, {net.d_in} inputs, "
            f"{net.d_out} outputs, latency {net.latency} time steps",
            layer_table(net),
            matrix_table(net),
            _arithmetic(net),
        )
    )


def layer_table(net) -> Table:
    """One row per layer: sizes and wires."""
    from lava_sparse_rnn.spec.statistics import neuron_count

    table = Table(title="layers", title_justify="left")
    for name in ("layer", "type", "in", "out", "states", "neurons"):
        table.add_column(name, justify="left" if name == "type" else "right")
    table.add_column("wires: bits, frac")
    for i, layer in enumerate(net.layers):
        block = hasattr(layer, "d_state")
        wires = {
            n: getattr(layer, n) for n in (("s", "z", "out") if block else ("out",))
        }
        table.add_row(
            str(i),
            layer.type,
            str(layer.inp.size),
            str(layer.out.size),
            f"{layer.d_state} x {layer.state.bits} bits" if block else "-",
            str(neuron_count(layer)),
            "\n".join(f"{n}: {w.bits}, {_range(w.frac)}" for n, w in wires.items()),
        )
    return table


def matrix_table(net) -> Table:
    """One row per sparse matrix, and the sum."""
    from lava_sparse_rnn.spec.statistics import matrix_sizes

    table = Table(title="weights", title_justify="left", show_footer=True)
    sizes = matrix_sizes(net)
    total, nnz = sum(m.total for m in sizes), sum(m.nnz for m in sizes)
    footers = {
        "layer": "all",
        "matrix": "",
        "shape": "",
        "weights": f"{total:,}",
        "not zero": f"{nnz:,}",
        "sparsity": f"{1 - nnz / total:.1%}",
        "bits": "",
        "bytes": f"{sum(m.weight_bytes for m in sizes):,}",
    }
    for name, footer in footers.items():
        table.add_column(name, footer, justify="right")
    for m in sizes:
        table.add_row(
            str(m.layer),
            m.name,
            f"{m.shape[0]} x {m.shape[1]}",
            f"{m.total:,}",
            f"{m.nnz:,}",
            f"{m.sparsity:.1%}",
            str(m.bits),
            f"{m.weight_bytes:,}",
        )
    return table


def _arithmetic(net) -> str:
    r = net.recipe
    lines = f"{len(r.sigmoid)} lines (largest error {r.sigmoid.max_error():.2%})"
    text = (
        f"arithmetic: rounding {r.rounding}, overflow {r.overflow}, state "
        f"nonlinearity {r.state_nonlinearity}, sigmoid of {lines}"
    )
    task = net.meta.get("task")
    return text + (f"\ntask: {task}" if task else "")


def _range(values) -> str:
    low, high = int(values.min()), int(values.max())
    return str(low) if low == high else f"{low}..{high}"
