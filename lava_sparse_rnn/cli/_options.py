# SPDX-License-Identifier: BSD-3-Clause
"""Arguments and options that several commands have."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from lava_sparse_rnn.files import as_path

DEFAULT_NETWORK = Path("denoiser")


def network_file(name: str | Path) -> Path:
    """The file of a network: a path, or the name of one that is shipped."""
    from lava_sparse_rnn import spec

    return spec.locate(str(name))


def _path(text: str | Path) -> Path:
    return as_path(text)


def path_option(*names: str, **shown: Any) -> Any:
    """An option whose value is a path; an empty one is refused, no folder is meant."""
    return typer.Option(*names, parser=_path, metavar="<path>", **shown)


def path_argument(**shown: Any) -> Any:
    """As `path_option`, by its place."""
    return typer.Argument(parser=_path, **shown)


def at_least(lowest: int, highest: int | None = None) -> Callable:
    """A callback for options whose value is a whole number from ``lowest`` on."""

    def check(option: typer.CallbackParam, value: int | None) -> int | None:
        name = option.opts[0]
        if value is not None and value < lowest:
            raise ValueError(f"{name}: is {value}, must be at least {lowest}")
        if value is not None and highest is not None and value > highest:
            raise ValueError(f"{name}: is {value}, must be at most {highest}")
        return value

    return check


def positive(option: typer.CallbackParam, value: float | None) -> float | None:
    """A callback for options whose value is finite and above zero."""
    if value is not None and not (math.isfinite(value) and value > 0):
        raise ValueError(
            f"{option.opts[0]}: is {value:g}, must be a finite number above 0"
        )
    return value


def refuse_idle(context: typer.Context, why: str, *names: str) -> None:
    """Refuse options that were typed although they would do nothing.

    Parameters
    ----------
    context : typer.Context
    why : str
        What they would need, behind the option's name.
    *names : str
        Of the command's parameters.
    """
    options = {
        option.name: max(option.opts, key=len) for option in context.command.params
    }
    for name in names:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise ValueError(f"{options[name]}: {why}")


def needs(option: str) -> str:
    """Why an option without another one would do nothing."""
    return f"is of {option}, give {option}, too"


READ = "WAV, FLAC, OGG, MP3 or whatever else libsndfile reads"
"""Recordings that are accepted; those that are written are fewer."""

NetworkFile = Annotated[
    Path,
    typer.Argument(
        parser=network_file,
        help="A network description (.net), or one that is shipped: denoiser, "
        "denoiser_small, digits, fashion or watch.",
    ),
]
NetworkOption = Annotated[
    Path,
    typer.Option(
        *("--network", "-n"),
        parser=network_file,
        help="The network that denoises: denoiser, denoiser_small or a .net file.",
    ),
]
Audio = Annotated[
    Path | None, path_option(help="A recording that a denoiser is run on.")
]
Tokens = Annotated[
    Path | None,
    path_option(
        help="Integer tokens, (T, d_in), or sequences, (N, T, d_in), as .npy; or a "
        ".npz with these as x, and lengths."
    ),
]
TaskName = Annotated[
    str | None,
    typer.Option(
        help="What a network is for: a name, or module:object.",
        show_default="what the network says",
    ),
]
Chip = Annotated[
    str,
    typer.Option(help="oheo_gulch, kapoho_point, hala_point, or a JSON or TOML file."),
]
Search = Annotated[
    float | None,
    typer.Option(
        callback=positive,
        help="Seconds to search at most for a mapping whose busiest core has less to "
        "do.",
    ),
]
Share = Annotated[
    int | None,
    typer.Option(
        callback=at_least(1),
        help="With --search: groups of neurons that may share a core; one by default.",
    ),
]
Cores = Annotated[
    int | None,
    typer.Option(
        callback=at_least(1), help="Cores to use; by default as few as possible."
    ),
]
