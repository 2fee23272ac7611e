# SPDX-License-Identifier: BSD-3-Clause
"""``lava-sparse-rnn evaluate``: scores of a denoiser on a set of mixtures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from lava_sparse_rnn.cli._console import console
from lava_sparse_rnn.cli._files import check_outputs
from lava_sparse_rnn.cli._info import NetworkFile
from lava_sparse_rnn.cli._progress import tokens_bar
from lava_sparse_rnn.cli._run import overflows
from lava_sparse_rnn.files import replacing


def evaluate(
    network: NetworkFile,
    data: Annotated[
        Path, typer.Option(help="A set in the N-DNS layout: noisy/, clean/.")
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Scores as JSON.")
    ] = None,
    backend: Annotated[
        str, typer.Option(help="How to run the network: reference, engine or lava.")
    ] = "reference",
) -> None:
    """Score a denoiser: SI-SNR before and after, per signal-to-noise ratio."""
    from lava_sparse_rnn import spec
    from lava_sparse_rnn.audio import NdnsFolder, evaluation
    from lava_sparse_rnn.audio.denoiser import Denoiser

    check_outputs(output)
    folder = NdnsFolder(data)
    denoiser = Denoiser(spec.load(network), backend)
    with tokens_bar("mixes") as progress:
        scores = evaluation.evaluate(denoiser, folder, progress)
    screen = console()
    screen.print(_table(scores, str(network)))
    overflows(screen, denoiser.backend.counters)
    if output is not None:
        with replacing(output) as temporary:
            text = json.dumps(evaluation.as_json(scores), indent=2)
            temporary.write_text(text + "\n", "utf-8")


def _table(scores, title: str) -> Table:
    table = Table(title=f"{title}: SI-SNR in dB", title_justify="left")
    for name in ("SNR", "mixes", "noisy", "denoised", "improvement", "worst"):
        table.add_column(name, justify="right")
    for s in scores:
        if s.snr_db is None:
            table.add_section()
        table.add_row(
            "all" if s.snr_db is None else f"{s.snr_db:g}",
            str(s.mixes),
            f"{s.noisy:.2f}",
            f"{s.denoised:.2f}",
            f"{s.improvement:+.2f}",
            f"{s.worst:+.2f}",
        )
    return table
