# SPDX-License-Identifier: BSD-3-Clause
"""``lava-sparse-rnn train``: train, sparsify, quantise, export."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lava_sparse_rnn.cli._console import console


def train(
    settings: Annotated[
        list[str] | None,
        typer.Argument(help="Settings as section.key=value, such as model.d_model=96."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="A JSON file with the configuration.")
    ] = None,
) -> None:
    """Train a denoiser; the same command goes on where a run was stopped."""
    try:
        import torch  # noqa: F401
    except ImportError:
        raise ImportError(
            "training needs torch: install the extra with "
            "`uv sync --extra train` or `pip install 'lava-sparse-rnn[train]'`"
        ) from None
    from lava_sparse_rnn.train.config import read_config
    from lava_sparse_rnn.train.stages import run

    network, path = run(read_config(config, settings or []))
    console().print(f"{network.d_in} inputs, {network.d_out} outputs: {path}")
