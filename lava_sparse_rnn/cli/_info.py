# SPDX-License-Identifier: BSD-3-Clause
"""``lava-sparse-rnn info``: what a network file holds."""

from __future__ import annotations

from lava_sparse_rnn.cli._console import console
from lava_sparse_rnn.cli._options import NetworkFile
from lava_sparse_rnn.cli._tables import show


def info(network: NetworkFile) -> None:
    """Show the layers of a network, shapes, formats, sparsity, bytes, and its task."""
    from lava_sparse_rnn import spec
    from lava_sparse_rnn.audio.frontend import about
    from lava_sparse_rnn.spec import tables

    net = spec.load(network)
    screen = console()
    size = f"{network.stat().st_size:,} bytes, " if network.is_file() else ""
    screen.print(
        f"{network}: {size}{net.d_in} inputs, "
        f"{net.d_out} outputs, latency {net.latency} time steps"
    )
    for table in (tables.layer_table(net), tables.matrix_table(net)):
        show(screen, table)
    screen.print(tables.total(net))
    screen.print(tables.arithmetic(net))
    for name, words in about(net).items():
        screen.print(f"{name}: {words}")
