# SPDX-License-Identifier: BSD-3-Clause
"""``lava-sparse-rnn export-nir`` and ``import-nir``: networks as graphs of NIR."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from lava_sparse_rnn.cli._console import console
from lava_sparse_rnn.cli._files import check_outputs
from lava_sparse_rnn.cli._options import NetworkFile, path_argument, path_option


def export_nir(
    network: NetworkFile,
    output: Annotated[Path, path_option("-o", "--output", help="The file, NAME.nir.")],
) -> None:
    """Write a network as a graph of NIR, formats in its metadata."""
    from lava_sparse_rnn import spec
    from lava_sparse_rnn.interchange import nir

    check_outputs(output, reads=[network])
    console().print(nir.write(spec.load(network), output))


def import_nir(
    graph: Annotated[Path, path_argument(help="A file of export-nir.")],
    output: Annotated[Path, path_option("-o", "--output", help="The file, NAME.net.")],
) -> None:
    """Read a network from a graph that export-nir has written: the same integers."""
    from lava_sparse_rnn.interchange import nir

    check_outputs(output, reads=[graph])
    made = nir.load(graph)
    made.save(output)
    size = f"{output.stat().st_size:,} bytes, " if output.is_file() else ""
    console().print(
        f"{output}: {size}{len(made.layers)} layers, "
        f"{made.d_in} -> {made.d_out}; look at it: lava-sparse-rnn info {output}"
    )
