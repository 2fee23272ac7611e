# SPDX-License-Identifier: BSD-3-Clause
"""What runs the network of a denoiser, where the user does not care."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lava_sparse_rnn.cli._console import console
from lava_sparse_rnn.cli._options import needs

if TYPE_CHECKING:
    from lava_sparse_rnn.audio.denoiser import Denoiser
    from lava_sparse_rnn.spec import Network

FastestOption = Annotated[
    str | None,
    typer.Option(
        "--backend",
        help="What runs the network: engine, lava, microcode or reference; the samples "
        "are the same.",
        show_default="engine where it is built, else reference",
    ),
]


RuntimeOption = Annotated[
    str | None,
    typer.Option(
        "--runtime",
        help="Of backend lava: inline, in this process, or processes, Lava's own.",
        show_default="inline",
    ),
]


def _from_zero(option: typer.CallbackParam, value: float | None) -> float | None:
    if value is not None and not value >= 0:
        raise ValueError(f"{option.opts[0]}: is {value:g} dB, must be 0 or more")
    return value


StrengthOption = Annotated[
    float | None,
    typer.Option(
        "--strength",
        callback=_from_zero,
        help="The most by which noise is attenuated, dB: 6 leaves half of it, which "
        "sounds more natural and loses less of the voice; inf for no limit.",
        show_default="what the network's file says, or no limit",
    ),
]


def _known_rate(option: typer.CallbackParam, value: int) -> int:
    """A callback that refuses a rate before anything is read at it."""
    from lava_sparse_rnn.audio.rates import check_rate

    return check_rate(value, f"{option.opts[0]}:")


RateOption = Annotated[
    int,
    typer.Option(
        "--rate",
        callback=_known_rate,
        help="Of the sound, Hz: 16000, 8000 or 48000, at which the band above 8 kHz "
        "stays, with the gain of the bins below it.",
    ),
]


@contextlib.contextmanager
def lava_runtime(name: str | None) -> Iterator[None]:
    """Within, backend lava has this runtime.

    Raises
    ------
    SpecError
        When there is no such runtime.
    """
    if name is None:
        yield
        return
    from lava_sparse_rnn import inline

    with inline.runtime(name):
        yield


def check_runtime(name: str | None, backend: str | None) -> None:
    """Refuse a runtime that there is not, or that would do nothing."""
    if name is None:
        return
    if backend != "lava":
        raise ValueError(f"--runtime: {needs('--backend lava')}")
    from lava_sparse_rnn import inline

    with inline.runtime(name):  # which knows them
        pass


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


def check_denoiser(net: Network, whose: str, hint: str) -> None:
    """Refuse a network of another task, by the file or option and with a way out."""
    from lava_sparse_rnn.audio.frontend_rules import TASK
    from lava_sparse_rnn.fixed_point import shown

    if (task := net.meta.get("task")) != TASK:
        raise ValueError(
            f"{whose} task is {shown(task)}, a denoiser has {TASK!r}; {hint}"
        )


def open_denoiser(
    path: Path,
    backend: str,
    strength: float | None = None,
    rate: int = 16_000,
    hint: str = "--network denoiser is one",
) -> Denoiser:
    """The denoiser of a network file; says why, if the engine has to run it slowly.

    To be closed at the end.
    """
    from lava_sparse_rnn import spec
    from lava_sparse_rnn.audio.denoiser import Denoiser

    net = spec.load(path)
    check_denoiser(net, f"{path}:", hint)
    denoiser = Denoiser(net, backend, strength, rate)
    if denoiser.backend.notes:
        first, *rest = denoiser.backend.notes
        more = f" ({len(rest)} more like it)" if rest else ""
        console(stderr=True).print(f"{path}: {first}{more}")
    return denoiser
