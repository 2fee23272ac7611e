# SPDX-License-Identifier: BSD-3-Clause
"""``lava-sparse-rnn export-onnx``: a network as a model of ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lava_sparse_rnn.cli._console import console
from lava_sparse_rnn.cli._files import check_outputs
from lava_sparse_rnn.cli._options import NetworkFile, path_option


def export_onnx(
    network: NetworkFile,
    output: Annotated[Path, path_option("-o", "--output", help="The file, NAME.onnx.")],
    graph: Annotated[
        str, typer.Option(help="token or sequence: what one call answers.")
    ] = "token",
    numbers: Annotated[
        str,
        typer.Option(help="integer (those of the network), float32 or float64."),
    ] = "integer",
) -> None:
    """Write a network as ONNX, with its states as inputs and outputs.

    Under ONNX Runtime its integers are those of every other way to run it.
    """
    from lava_sparse_rnn import spec
    from lava_sparse_rnn.interchange import onnx

    check_outputs(output, reads=[network])
    made = onnx.export(spec.load(network), graph, numbers)
    console().print(onnx.write(made, output))
