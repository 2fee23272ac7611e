# SPDX-License-Identifier: BSD-3-Clause
"""``lava-sparse-rnn info``: what a network file holds."""

from __future__ import annotations

from rich.console import Console

from lava_sparse_rnn.cli._console import console
from lava_sparse_rnn.cli._options import NetworkFile
from lava_sparse_rnn.cli._tables import show_table


def info(network: NetworkFile) -> None:
    """Show the layers of a network: shapes, formats, sparsity, bytes."""
    from lava_sparse_rnn import spec

    net = spec.load(network)
    screen = console()
    size = f"{network.stat().st_size:,} bytes, " if network.is_file() else ""
    screen.print(
        f"{network}: {size}{net.d_in} inputs, "
        f"{net.d_out} outputs, latency {net.latency} time steps"
    )
    layer_table(screen, net)
    matrix_table(screen, net)
    screen.print(_arithmetic(net))


def layer_table(screen: Console, net) -> None:
    """One row per layer: sizes and wires."""
    from lava_sparse_rnn.spec.statistics import neuron_count

    rows = []
    for i, layer in enumerate(net.layers):
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
                "\n".join(f"{n}: {w.bits}, {_range(w.frac)}" for n, w in wires.items()),
            )
        )
    wires = "wires: bits, frac"
    columns = ("layer", "type", "in", "out", "states", "neurons", wires)
    show_table(screen, "layers", columns, rows, text={"type", wires})


def matrix_table(screen: Console, net) -> None:
    """One row per sparse matrix, and the sum."""
    from lava_sparse_rnn.spec.statistics import matrix_sizes

    sizes = matrix_sizes(net)
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
    title = "weights"
    show_table(screen, title, (*columns, "bits", "bytes"), rows, last=1)


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
