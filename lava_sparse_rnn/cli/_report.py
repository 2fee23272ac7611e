# SPDX-License-Identifier: BSD-3-Clause
"""``lava-sparse-rnn report``: a network on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lava_sparse_rnn.cli._console import console
from lava_sparse_rnn.cli._files import check_outputs
from lava_sparse_rnn.cli._options import (
    Audio,
    Chip,
    Cores,
    NetworkFile,
    Tokens,
    at_least,
    path_option,
    refuse_idle,
)
from lava_sparse_rnn.cli._tokens import first_sequences, input_tokens, token_times


def report(
    context: typer.Context,
    network: NetworkFile,
    output: Annotated[
        Path, path_option("-o", "--output", help="The page, HTML in one file.")
    ],
    audio: Audio = None,
    tokens: Tokens = None,
    quantisation: Annotated[
        Path | None,
        path_option(help="NET-quantisation.json, which training writes."),
    ] = None,
    chip: Chip = "oheo_gulch",
    cores: Cores = None,
    preset: Annotated[
        str, typer.Option(help="Coefficients: loihi1, loihi2, or a JSON or TOML file.")
    ] = "loihi1",
    limit: Annotated[
        int, typer.Option(callback=at_least(1), help="Tokens to run at most.")
    ] = 1000,
) -> None:
    """Show a network on one page: weights, activity, errors, place on a chip, sound.

    The page asks for no other file. Without --audio or --tokens it shows what the
    network is, not what it does.
    """
    from lava_sparse_rnn import loihi2, spec
    from lava_sparse_rnn import report as room

    tables = [Path(chip), Path(preset)]  # where they are files
    check_outputs(output, reads=[network, audio, tokens, quantisation, *tables])
    if audio is None and tokens is None:
        why = "is of a run, give --audio or --tokens, too"
        refuse_idle(context, why, "limit", "preset")
    errors = None if quantisation is None else room.read_errors(quantisation)
    net = spec.load(network)
    x = input_tokens(net, audio, tokens, others="--tokens X.npy")
    mapping = loihi2.map_network(net, chip, cores)
    estimate = None
    if x is not None:
        x = first_sequences(x, limit)
        estimate = loihi2.estimate(net, x, mapping, preset, *token_times(net))
    page = room.page(
        net,
        x,
        name=network.name,
        mapping=mapping,
        estimate=estimate,
        errors=errors,
        sounds={} if audio is None else _sounds(net, audio),
    )
    room.write(output, page)
    size = len(page.encode())
    console().print(f"report: {output}, {size:,} bytes; open it in a browser")


def _sounds(net, audio: Path) -> dict:
    """A recording before and after."""
    from lava_sparse_rnn import backends
    from lava_sparse_rnn.audio.denoiser import Denoiser
    from lava_sparse_rnn.audio.sound import wav

    samples, _ = wav.read(audio)
    with Denoiser(net, backends.default()) as denoiser:
        return {"noisy": samples, "denoised": denoiser.denoise(samples)}
