# SPDX-License-Identifier: BSD-3-Clause
"""A denoiser's entry for the N-DNS challenge's metricsboard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lava_sparse_rnn.audio.evaluation.costs import Costs
from lava_sparse_rnn.audio.evaluation.scores import Score


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
