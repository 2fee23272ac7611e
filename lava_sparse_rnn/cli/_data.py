# SPDX-License-Identifier: BSD-3-Clause
"""``lava-sparse-rnn data``: fetch recordings, mix sets of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lava_sparse_rnn import messages
from lava_sparse_rnn.cli._console import console
from lava_sparse_rnn.cli._options import at_least, path_argument, path_option
from lava_sparse_rnn.progress import bar

if TYPE_CHECKING:
    from lava_sparse_rnn.audio import MixerConfig

app = typer.Typer(no_args_is_help=True)

Cache = Annotated[
    Path | None,
    path_option(
        help="Folder of the fetched recordings.", show_default="corpus, in this folder"
    ),
]


def _in_range(name: str) -> Callable:
    """A callback for options that a mixer has a range for, one number or several."""

    def check(option: typer.CallbackParam, value: Any) -> Any:
        from lava_sparse_rnn.audio.mixing.config import check_limits

        given = [] if value is None else value
        for one in given if isinstance(given, list) else [given]:
            check_limits(name, one, f"{option.opts[0]}:")
        return value

    return check


@app.command()
def fetch(cache: Cache = None) -> None:
    """Fetch speech and noise from Debian packages; goes on where it stopped."""
    from lava_sparse_rnn import audio

    for line in audio.fetch(cache or audio.DEFAULT_CACHE, console(stderr=True)):
        console().print(f"left out: {line}")


@app.command()
def mix(
    folder: Annotated[Path, path_argument(help="Folder to make, N-DNS layout.")],
    settings: Annotated[
        list[str] | None,
        typer.Argument(
            help="Settings of a training that say what is mixed: data.noise=DIR, ..."
        ),
    ] = None,
    split: Annotated[
        str, typer.Option(help="train, validation or test.")
    ] = "validation",
    count: Annotated[
        int, typer.Option(callback=at_least(1), help="Number of mixtures.")
    ] = 80,
    seconds: Annotated[
        float, typer.Option(callback=_in_range("seconds"), help="Length of each.")
    ] = 4.0,
    snr: Annotated[
        list[int] | None,
        typer.Option(callback=_in_range("snr_db"), help="Ratios in dB, taken in turn."),
    ] = None,
    family: Annotated[
        str | None,
        typer.Option(
            help="usual, or unlike: also of packages that a training with "
            "data.family=unlike lacks; one noise a time, a fifth of them loud events."
        ),
    ] = None,
    ratio: Annotated[
        str | None,
        typer.Option(
            help="Speech that ratios are of: active, or whole, with its pauses."
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(callback=at_least(0), help="Of the mixtures.")
    ] = 0,
    cache: Cache = None,
    config: Annotated[
        Path | None,
        path_option(help="Configuration of a training, for its data: config.json."),
    ] = None,
) -> None:
    """Mix a set of noisy recordings with their clean ones."""
    from lava_sparse_rnn import audio

    chosen = audio.MixerConfig(split=split, seconds=seconds, seed=seed)
    if settings or config:
        chosen = _as_in_training(config, settings or [], chosen)
    if family is not None:
        chosen = replace(chosen, family=family)
        chosen = chosen if split == "train" else chosen.to_measure(split)
    if ratio is not None:
        chosen = replace(chosen, ratio=ratio)
    if cache is not None:
        chosen = replace(chosen, cache=str(cache))
    mixer = audio.Mixer(chosen)
    with bar("mixes") as progress:
        audio.write_set(
            mixer, folder, count, snr or [0, 10], lambda done: progress(done, count)
        )
    console().print(f"{count} mixtures of {seconds:g} s: {folder}")


def _as_in_training(
    path: Path | None, settings: list[str], asked: MixerConfig
) -> MixerConfig:
    """What a training with these settings would mix, of the split that is asked for."""
    messages.require("train", "train", "torch")
    from lava_sparse_rnn.tasks.denoise.config import DataConfig
    from lava_sparse_rnn.tasks.denoise.data import mixer_config
    from lava_sparse_rnn.train.config import read_config

    data = read_config(path, settings).data
    if not isinstance(data, DataConfig) or data.source != "corpus":
        raise ValueError("data.source: only the corpus and own folders can be mixed")
    return mixer_config(data, asked.split, asked.seconds, asked.seed)
