# SPDX-License-Identifier: BSD-3-Clause
"""Tokens for a network, from a recording or a file of integers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lava_sparse_rnn.cli._files import read_tokens

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lava_sparse_rnn.spec import Network


def check_whole(path: Path, x: NDArray, hint: str) -> None:
    """Refuse real values where integers are needed, and say what to do with them."""
    import numpy as np

    wrong = np.argwhere(x != np.rint(x)) if x.dtype.kind == "f" else np.empty((0, 2))
    if len(wrong):
        t, i = (int(k) for k in wrong[0])
        raise ValueError(
            f"{path}: token {t}, value {i} is {x[t, i]:g}, no whole number; {hint}"
        )


def integer_tokens(path: Path, d_in: int) -> NDArray:
    """Tokens of a file for a network that is run on integers."""
    x = read_tokens(path, d_in)
    check_whole(path, x, "integers are needed, spec.Network.to_wire makes them")
    return x


def audio_tokens(net: Network, path: Path) -> NDArray:
    """Tokens that a denoiser sees of a recording, shape (T, d_in)."""
    from lava_sparse_rnn.audio.denoiser import Denoiser
    from lava_sparse_rnn.audio.sound import wav

    samples, _ = wav.read(path)
    x = Denoiser(net).tokens(samples)
    if not len(x):
        raise ValueError(f"{path}: no samples, at least one token is needed")
    return x
