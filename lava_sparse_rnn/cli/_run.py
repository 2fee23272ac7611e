# SPDX-License-Identifier: BSD-3-Clause
"""``lava-sparse-rnn run``: a network over a sequence in a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lava_sparse_rnn.cli._backend import RuntimeOption, check_runtime, lava_runtime
from lava_sparse_rnn.cli._console import console
from lava_sparse_rnn.cli._files import check_outputs, read_tokens
from lava_sparse_rnn.cli._notices import overflows
from lava_sparse_rnn.cli._options import NetworkFile, path_argument, path_option
from lava_sparse_rnn.cli._tokens import check_whole
from lava_sparse_rnn.files import replacing, target_of
from lava_sparse_rnn.progress import bar

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lava_sparse_rnn.spec import Sequences

BackendOption = Annotated[
    str, typer.Option(help="What runs it: lava, engine, microcode or reference.")
]


def run(
    network: NetworkFile,
    tokens: Annotated[
        Path,
        path_argument(
            help="Tokens, (T, d_in), or sequences, (N, T, d_in), as .npy; or a .npz "
            "with these as x, and lengths."
        ),
    ],
    output: Annotated[
        Path,
        path_option(
            "-o",
            "--output",
            help="Answers, as .npy; as .npz (y, lengths) where lengths were given.",
        ),
    ],
    real: Annotated[
        bool, typer.Option(help="Tokens and answers are real values, not integers.")
    ] = False,
    backend: BackendOption = "lava",
    runtime: RuntimeOption = None,
) -> None:
    """Run a network over a sequence of tokens, or several, and write its answers.

    Every sequence starts from a zero state.
    """
    from lava_sparse_rnn import backends, spec

    check_outputs(output, reads=[network, tokens])
    check_runtime(runtime, backend)
    archive = _is_archive(output)
    net = spec.load(network)
    x = read_tokens(tokens, net.d_in)
    if not real:
        check_whole(tokens, x, "with --real tokens and answers are real values")
    sequences = spec.Sequences.of(net, x, real=real)
    if sequences.lead is None and not archive:
        raise ValueError(
            f"{output}: answers to sequences of unequal lengths go into a .npz, with "
            "their lengths"
        )
    if real:
        sequences = replace(sequences, tokens=net.to_wire(sequences.tokens))
    with (
        lava_runtime(runtime),
        backends.create(backend, net) as stream,
        bar() as progress,
    ):
        y = sequences.run(stream.run, stream.reset, progress)
        counters = stream.counters
    _write(output, archive, sequences, net.from_wire(y) if real else y)
    screen = console()
    of = f", {len(sequences)} sequences" if sequences.lead != (len(y),) else ""
    screen.print(f"{len(y)} answers of {net.d_out} values{of}: {output}")
    overflows(screen, counters)


def _is_archive(output: Path) -> bool:
    """Whether the answers go into a .npz: the suffix says so.

    What is no file (a device, a pipe) gets an array whatever its name.
    """
    suffix = output.suffix.lower()
    if suffix not in (".npy", ".npz") and target_of(output) is not None:
        raise ValueError(
            f"{output}: suffix {output.suffix!r} is no kind of array that is written, "
            "must be one of: .npy, .npz"
        )
    return suffix == ".npz"


def _write(output: Path, archive: bool, sequences: Sequences, y: NDArray) -> None:
    """Answers laid out as the tokens were, padded with zeros where lengths differ."""
    import numpy as np

    y = np.ascontiguousarray(y)
    with replacing(output) as temporary, temporary.open("wb") as file:
        if sequences.lead is not None:
            y = sequences.laid_out(y)
            np.savez(file, y=y) if archive else np.save(file, y)
            return
        lengths = np.array(sequences.lengths)
        padded = np.zeros((len(lengths), lengths.max(), y.shape[1]), y.dtype)
        for row, part in zip(padded, sequences.split(y), strict=True):
            row[: len(part)] = part
        np.savez(file, y=padded, lengths=lengths)
