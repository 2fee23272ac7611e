# SPDX-License-Identifier: BSD-3-Clause
"""Other denoisers, run on the same files for comparison.

A peer is what a public package ships: the weights are the authors', the code that
drives them is ours, so that each one sees the same samples at the same rate and its
nominal lag is taken out.  A peer's package is only needed when the peer is asked for;
most are installed without their own dependencies, which the weights do not need.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lava_sparse_rnn.audio.peers import _native, _onnx

Denoise = Callable[[np.ndarray], np.ndarray]
"""float32 (samples,) at 16 kHz in [-1, 1] to the same, in time with the input."""


@dataclass(frozen=True)
class Peer:
    """A denoiser out of another package.

    Attributes
    ----------
    name, title : str
        What the command line and a table call it.
    package : str
        Package on PyPI and the version that was tried.
    source : str
        The paper.
    lookahead_ms : float
        Algorithmic latency: window, hop and what the network looks ahead.
    parameters : int or None
        Weights; None where the package does not tell.
    macs_per_second : float or None
        Multiply-accumulates of one second of audio, counted on the ONNX graphs and on
        RNNoise's library by ``benchmarks/peer_cost.py``; None where there is nothing
        to count.
    make : callable
        () -> :data:`Denoise`; raises `MissingDependencyError` without the package.
    """

    name: str
    title: str
    package: str
    source: str
    lookahead_ms: float
    parameters: int | None
    macs_per_second: float | None
    make: Callable[[], Denoise]


PEERS: dict[str, Peer] = {
    peer.name: peer
    for peer in (
        Peer(
            "dtln",
            "DTLN",
            _onnx.DTLN,
            "Westhausen and Meyer, Interspeech 2020 (arXiv 2005.07551)",
            32.0,
            987_777,
            123.0e6,
            _onnx.dtln,
        ),
        Peer(
            "gtcrn",
            "GTCRN",
            _onnx.GTCRN,
            "Rong et al., ICASSP 2024",
            32.0,
            48_225,
            31.1e6,
            _onnx.gtcrn,
        ),
        Peer(
            "nsnet2",
            "NSNet2",
            _onnx.NSNET2,
            "Braun and Tashev, SPECOM 2020 (arXiv 2008.06412)",
            20.0,
            2_687_561,
            268.1e6,
            _onnx.nsnet2,
        ),
        Peer(
            "rnnoise",
            "RNNoise",
            _native.RNNOISE,
            "Valin, MMSP 2018 (arXiv 1709.08243)",
            30.0,  # two frames of 10 ms late, and a frame has to be full first
            2_888_225,
            288.1e6,
            _native.rnnoise,
        ),
        Peer(
            "speex",
            "Speex",
            _native.SPEEX,
            "preprocessor of libspeexdsp 1.2",
            40.0,  # a frame of 20 ms late, and it has to be full first
            0,
            None,
            _native.speex,
        ),
    )
}
"""Peers by name."""

__all__ = ["PEERS", "Denoise", "Peer"]
