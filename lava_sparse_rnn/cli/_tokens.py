# SPDX-License-Identifier: BSD-3-Clause
"""Tokens for a network, from a recording."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lava_sparse_rnn.spec import Network


def audio_tokens(net: Network, path: Path) -> NDArray:
    """Tokens that a denoiser sees of a recording, shape (T, d_in)."""
    from lava_sparse_rnn.audio.denoiser import Denoiser
    from lava_sparse_rnn.audio.sound import wav

    samples, _ = wav.read(path)
    x = Denoiser(net).tokens(samples)
    if not len(x):
        raise ValueError(f"{path}: no samples, at least one token is needed")
    return x
