# SPDX-License-Identifier: BSD-3-Clause
"""Scores of a denoiser on a set of mixtures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lava_sparse_rnn.audio.denoiser import Denoiser
from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.metrics import si_snr
from lava_sparse_rnn.audio.ndns import NdnsFolder


@dataclass(frozen=True)
class Score:
    """Scores of the mixtures of one signal-to-noise ratio.

    Parameters
    ----------
    snr_db : float or None
        The ratio in the files' names; none means that they name none, or all
        mixtures together.
    mixes : int
    noisy, denoised : float
        Mean SI-SNR in dB before and after, no lag aligned.
    improvement : float
        Mean of the differences, dB.
    worst : float
        The smallest difference, dB.
    """

    snr_db: float | None
    mixes: int
    noisy: float
    denoised: float
    improvement: float
    worst: float


def evaluate(
    denoiser: Denoiser, folder: NdnsFolder, on_mix: Callable[[int, int], None]
) -> list[Score]:
    """Denoise every mixture of a folder and score it against the clean recording.

    Parameters
    ----------
    denoiser : Denoiser
    folder : NdnsFolder
    on_mix : callable
        Called with mixtures done and in all.

    Returns
    -------
    list of Score
        One per ratio, rising, and one over all of them at the end.
    """
    rows: list[tuple[float | None, float, float]] = []
    for i in range(len(folder)):
        item = folder[i]
        after = si_snr(denoiser.denoise(item.noisy), item.clean)
        before = si_snr(item.noisy, item.clean)
        rows.append((item.snr_db, float(before), float(after)))
        on_mix(i + 1, len(folder))
    if not rows:
        raise AudioError("evaluation: the set has no mixtures")
    ratios = sorted({r[0] for r in rows if r[0] is not None})
    scores = [_score(snr, [r for r in rows if r[0] == snr]) for snr in ratios]
    return [*scores, _score(None, rows)]


def _score(snr: float | None, rows: list[tuple[float | None, float, float]]) -> Score:
    before, after = (np.array([r[i] for r in rows]) for i in (1, 2))
    gain = after - before
    values = (before.mean(), after.mean(), gain.mean(), gain.min())
    return Score(snr, len(rows), *(float(v) for v in values))


def as_json(scores: list[Score]) -> list[dict[str, Any]]:
    """Scores as plain values, for a file."""
    return [asdict(score) for score in scores]
