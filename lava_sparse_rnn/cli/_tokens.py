# SPDX-License-Identifier: BSD-3-Clause
"""Tokens for a network, from a recording or a file of integers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lava_sparse_rnn import messages
from lava_sparse_rnn.cli._backend import check_denoiser
from lava_sparse_rnn.cli._files import read_tokens

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lava_sparse_rnn.spec import Network


def check_whole(path: Path, x: NDArray | list[NDArray], hint: str) -> None:
    """Refuse real values where integers are needed, and say what to do with them."""
    import numpy as np

    several = isinstance(x, list)
    for sequence, part in enumerate(x if several else [x]):
        if part.dtype.kind != "f" or not len(
            wrong := np.argwhere(part != part.round())
        ):
            continue
        *where, t, i = (int(k) for k in wrong[0])
        which = [sequence] if several else where
        at = "".join(f"sequence {k}, " for k in which) + f"token {t}, value {i}"
        value = part[tuple(wrong[0])]
        raise ValueError(f"{path}: {at} is {value:g}, no whole number; {hint}")


def integer_tokens(path: Path, d_in: int) -> NDArray | list[NDArray]:
    """Tokens of a file for a network that is run on integers."""
    x = read_tokens(path, d_in)
    check_whole(path, x, "integers are needed, spec.Network.to_wire makes them")
    return x


def first_tokens(x: NDArray | list[NDArray], most: int) -> NDArray | list[NDArray]:
    """At most so many tokens: whole sequences, the last one perhaps cut."""
    if not isinstance(x, list) and x.ndim == 2:
        return x[:most]
    kept: list[NDArray] = []
    for part in x:
        if most <= 0:
            break
        kept.append(part[:most])
        most -= len(kept[-1])
    return kept


def first_sequences(x: NDArray | list[NDArray], most: int) -> NDArray | list[NDArray]:
    """At most so many tokens, of whole sequences only; of the first one a beginning.

    What a sequence takes on average follows from whole ones.
    """
    kept = first_tokens(x, most)
    if (
        isinstance(kept, list)
        and len(kept) > 1
        and len(kept[-1]) < len(x[len(kept) - 1])
    ):
        del kept[-1]
    return kept


def task_tokens(net: Network, data: Path, name: str | None = None) -> list[NDArray]:
    """Sequences that the task of a network is tested on, each (T_i, d_in).

    ``name`` is that of the task, which the network has by itself if it needs no import.
    """
    messages.require("train", "train", "torch", "safetensors", "tensorboard")
    from lava_sparse_rnn.train.evaluation import task_of

    task = task_of(net, data, name)
    return [net.to_wire(tokens) for tokens in task.validation_sequences()]


def audio_tokens(net: Network, path: Path, instead: str) -> NDArray:
    """Tokens that a denoiser sees of a recording, shape (T, d_in).

    ``instead`` is what to give with a network of another task.
    """
    from lava_sparse_rnn.audio.denoiser import Denoiser
    from lava_sparse_rnn.audio.sound import wav

    check_denoiser(net, "--audio: the network's", f"give {instead}")
    samples, _ = wav.read(path)
    x = Denoiser(net).tokens(samples)
    if not len(x):
        raise ValueError(f"{path}: no samples, at least one token is needed")
    return x


def input_tokens(
    net: Network,
    audio: Path | None,
    tokens: Path | None,
    data: Path | None = None,
    task: str | None = None,
    others: str = "--tokens X.npy or --data PATH",
) -> NDArray | list[NDArray] | None:
    """Tokens of a recording, a file or a task, whichever is given; None for none.

    ``task`` is the name of that of the data; ``others`` are what the command has beside
    ``--audio``.
    """
    if sum(path is not None for path in (audio, tokens, data)) > 1:
        raise ValueError(f"give one of --audio X.wav, {others}")
    if audio is not None:
        return audio_tokens(net, audio, others)
    if data is not None:
        return task_tokens(net, data, task)
    return None if tokens is None else integer_tokens(tokens, net.d_in)


def token_times(net: Network) -> tuple[float, ...]:
    """Seconds of a token, where it is known, and of the delay of a denoiser.

    Raises
    ------
    ValueError
        If the network says something else than a time.
    """
    from lava_sparse_rnn.audio.frontend import FrontEnd
    from lava_sparse_rnn.audio.frontend_rules import TASK

    if net.meta.get("task") != TASK:
        token_s = net.meta.get("token_s")
        if token_s is None:
            return ()
        if isinstance(token_s, bool) or not isinstance(token_s, int | float):
            raise ValueError(f"meta['token_s'] is {token_s!r}, must be seconds")
        return (token_s,)
    front = FrontEnd.from_metadata(net.meta)
    return front.hop_length / front.sample_rate, front.delay / front.sample_rate
