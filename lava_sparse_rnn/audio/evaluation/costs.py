# SPDX-License-Identifier: BSD-3-Clause
"""What a denoiser costs: weights, operations, time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lava_sparse_rnn import loihi2
from lava_sparse_rnn.audio.denoiser import Denoiser, Samples
from lava_sparse_rnn.spec import statistics

COUNTED_MIXES = 8
"""Of a set, so many mixtures are enough for averages."""

_COUNTED_TOKENS = 4000


@dataclass(frozen=True)
class Costs:
    """Cost of a denoiser on real mixtures.

    Parameters
    ----------
    parameters : int
        Weights that are not zero, diagonals and biases.
    size_bytes : int
        Of the network file.
    tokens : int
        Tokens that were counted.
    synops_per_second, neuron_updates_per_second : float
        Synaptic operations and neuron updates of one second of sound.
    power_proxy : float
        ``synops + 10 * neuron updates`` per second.
    buffer_s : float
        One window: the time until a sample's frame is whole.
    compute_s : float
        Measured time of analysis, network and synthesis of one token.
    """

    parameters: int
    size_bytes: int
    tokens: int
    synops_per_second: float
    neuron_updates_per_second: float
    power_proxy: float
    buffer_s: float
    compute_s: float

    @property
    def latency_s(self) -> float:
        """Buffer and computation."""
        return self.buffer_s + self.compute_s

    @property
    def pdp_proxy(self) -> float:
        """Power proxy times latency, as the challenge defines it."""
        return self.power_proxy * self.latency_s

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain values."""
        more = {"latency_s": self.latency_s, "pdp_proxy": self.pdp_proxy}
        return {**asdict(self), **more}


def count_costs(denoiser: Denoiser, waves: Sequence[Samples], path: Path) -> Costs:
    """Count operations over some recordings and time the denoiser on them.

    Parameters
    ----------
    denoiser : Denoiser
    waves : sequence of array of float32, shape (samples,)
        At least one.
    path : Path
        The network's file.
    """
    x = np.concatenate([denoiser.tokens(wave) for wave in waves])[:_COUNTED_TOKENS]
    net, front = denoiser.network, denoiser.front_end
    token_s = front.hop_length / front.sample_rate
    buffer_s = front.delay / front.sample_rate
    mapping = loihi2.map_network(net)
    estimate = loihi2.estimate(net, x, mapping, token_s=token_s, buffer_s=buffer_s)
    start = time.perf_counter()
    samples = sum(len(denoiser.denoise(wave)) for wave in waves)
    per_token = (time.perf_counter() - start) / (samples / front.hop_length)
    return Costs(
        parameters=statistics.parameters(net),
        size_bytes=path.stat().st_size,
        tokens=len(x),
        synops_per_second=float(estimate.counts.synops.mean()) / token_s,
        neuron_updates_per_second=estimate.counts.real.per_token("neuron_updates")
        / token_s,
        power_proxy=estimate.power_proxy,
        buffer_s=buffer_s,
        compute_s=per_token,
    )
