# SPDX-License-Identifier: BSD-3-Clause
"""``lava-sparse-rnn train``: train, sparsify, quantise, export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lava_sparse_rnn import messages
from lava_sparse_rnn.cli._console import console
from lava_sparse_rnn.cli._options import path_option


def train(
    settings: Annotated[
        list[str] | None,
        typer.Argument(help="Settings as section.key=value, such as model.d_model=96."),
    ] = None,
    config: Annotated[
        Path | None, path_option(help="A JSON or YAML file with the configuration.")
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Print all settings and train nothing.")
    ] = False,
) -> None:
    """Train a denoiser, or for another task; the same command resumes."""
    messages.require("train", "train", "torch")
    from lava_sparse_rnn.train.config import read_config
    from lava_sparse_rnn.train.pipeline import run

    chosen = read_config(config, settings or [])
    if show:
        console().print(chosen.model_dump_json(indent=2))
        return
    network, path = run(chosen)
    console().print(f"{network.d_in} inputs, {network.d_out} outputs: {path}")
