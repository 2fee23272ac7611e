# SPDX-License-Identifier: BSD-3-Clause
"""What runs the network of a denoiser, where the user does not care."""

from __future__ import annotations

from typing import Annotated

import typer

from lava_sparse_rnn.cli._console import console

FastestOption = Annotated[
    str | None,
    typer.Option(
        "--backend",
        help="What runs the network: engine, lava, microcode or reference; the samples "
        "are the same.",
        show_default="engine where it is built, else reference",
    ),
]


def fastest(name: str | None) -> str:
    """``name``, or the fastest backend here, with a notice if that is slow."""
    from lava_sparse_rnn import backends

    if name is not None:
        return name
    best = backends.default()
    if best != "engine":
        console(stderr=True).print(
            f"the compiled engine is not built: backend {best} runs, slower, with the "
            "same samples"
        )
    return best
