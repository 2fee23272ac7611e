# SPDX-License-Identifier: BSD-3-Clause
"""``lava-sparse-rnn run``: a network over a sequence in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lava_sparse_rnn.cli._backend import RuntimeOption, lava_runtime
from lava_sparse_rnn.cli._console import console
from lava_sparse_rnn.cli._files import check_outputs, read_tokens
from lava_sparse_rnn.cli._notices import overflows
from lava_sparse_rnn.cli._options import NetworkFile
from lava_sparse_rnn.cli._progress import tokens_bar
from lava_sparse_rnn.cli._tokens import check_whole
from lava_sparse_rnn.files import replacing

BackendOption = Annotated[
    str, typer.Option(help="What runs it: lava, engine, microcode or reference.")
]


def run(
    network: NetworkFile,
    tokens: Annotated[Path, typer.Argument(help="Tokens, (T, d_in), as .npy.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Answers, as .npy.")],
    real: Annotated[
        bool, typer.Option(help="Tokens and answers are real values, not integers.")
    ] = False,
    backend: BackendOption = "lava",
    runtime: RuntimeOption = None,
) -> None:
    """Run a network over a sequence of tokens and write its answers."""
    import numpy as np

    from lava_sparse_rnn import backends, spec

    check_outputs(output)
    net = spec.load(network)
    x = read_tokens(tokens, net.d_in)
    if not real:
        check_whole(tokens, x, "with --real tokens and answers are real values")
    with (
        lava_runtime(runtime),
        backends.create(backend, net) as stream,
        tokens_bar() as progress,
    ):
        y = stream.run(net.to_wire(x) if real else x, progress)
        counters = stream.counters
    answers = np.ascontiguousarray(net.from_wire(y) if real else y)
    with replacing(output) as temporary, temporary.open("wb") as file:
        np.save(file, answers)
    screen = console()
    screen.print(f"{len(y)} answers of {net.d_out} values: {output}")
    overflows(screen, counters)
