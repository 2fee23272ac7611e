# SPDX-License-Identifier: BSD-3-Clause
"""What a denoiser costs, and its entry for the N-DNS challenge's metricsboard."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lava_sparse_rnn.audio import NdnsFolder
    from lava_sparse_rnn.audio.denoiser import Denoiser
    from lava_sparse_rnn.audio.evaluation.scores import Score

_COUNTED_MIXES = 8
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


def count_costs(denoiser: Denoiser, folder: NdnsFolder, path: Path) -> Costs:
    """Count operations over the first mixtures of a set and time the denoiser.

    Parameters
    ----------
    denoiser : Denoiser
    folder : NdnsFolder
    path : Path
        The network's file.
    """
    import numpy as np

    from lava_sparse_rnn import loihi2
    from lava_sparse_rnn.spec import statistics

    waves = [folder[i].noisy for i in range(min(_COUNTED_MIXES, len(folder)))]
    x = np.concatenate([denoiser.tokens(wave) for wave in waves])[:_COUNTED_TOKENS]
    net, front = denoiser.network, denoiser.front_end
    token_s = front.hop_length / front.sample_rate
    window_s = front.n_fft / front.sample_rate
    mapping = loihi2.map_network(net)
    estimate = loihi2.estimate(net, x, mapping, token_s=token_s, buffer_s=window_s)
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
        buffer_s=window_s,
        compute_s=per_token,
    )


def board_entry(name: str, path: Path, score: Score, costs: Costs) -> str:
    """YAML of one entry, with the field names of the challenge's metricsboard.

    Source: the ``metricsboard`` files of IntelLabs/IntelNeuromorphicDNSChallenge.
    """
    mos = score.denoised_mos
    values = {
        "team": "",
        "model": name,
        "SI-SNR": score.denoised,
        "SI-SNRi_data": score.improvement,
        # The encoder and decoder reconstruct exactly.
        "SI-SNRi_enc+dec": score.improvement,
        "MOS_ovrl": mos and mos.ovrl,
        "MOS_sig": mos and mos.sig,
        "MOS_bak": mos and mos.bak,
        "latency_enc+dec_ms": None,
        "latency_total_ms": 1e3 * costs.latency_s,
        "power_proxy_Ops/s": costs.power_proxy,
        "PDP_proxy_Ops": costs.pdp_proxy,
        "params": costs.parameters,
        "size_kilobytes": costs.size_bytes / 1000,
        "model_path": path.name,
    }
    lines = [f"  {key}: {_yaml(value)}" for key, value in values.items()]
    return "-" + "\n".join(lines)[1:] + "\n"


def _yaml(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{value:.6g}" if isinstance(value, float) else str(value)
