# SPDX-License-Identifier: BSD-3-Clause
"""Scores of denoisers on a set of mixtures, all on the same files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.evaluation.dnsmos import Mos, dnsmos
from lava_sparse_rnn.audio.evaluation.metrics import si_snr
from lava_sparse_rnn.audio.ndns.folder import NdnsFolder

System = Callable[[np.ndarray], np.ndarray]
"""float32 (samples,) to the same, in time with the input."""


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
    error : float or None
        Standard error of the mean of the differences, dB; none of a single mixture.
    noisy_mos, denoised_mos : Mos or None
        Mean DNSMOS, if asked for.
    """

    snr_db: float | None
    mixes: int
    noisy: float
    denoised: float
    improvement: float
    worst: float
    error: float | None = None
    noisy_mos: Mos | None = None
    denoised_mos: Mos | None = None


@dataclass(frozen=True)
class _Row:
    """One mixture and one system."""

    snr_db: float | None
    before: float
    after: float
    noisy_mos: Mos | None
    denoised_mos: Mos | None


def evaluate(
    systems: Mapping[str, System],
    folder: NdnsFolder,
    on_mix: Callable[[int, int], None],
    mos: bool = False,
) -> dict[str, list[Score]]:
    """Denoise every mixture of a folder by every system and score it.

    Parameters
    ----------
    systems : mapping of str to callable
        Denoisers by name.
    folder : NdnsFolder
    on_mix : callable
        Called with mixtures done and in all.
    mos : bool
        Whether to run DNSMOS, which takes seconds per minute of sound.

    Returns
    -------
    dict of str to list of Score
        Per system, one score per ratio, rising, and one over all of them at the end.

    Raises
    ------
    AudioError
        For a set without mixtures, or a system that answers with another length.
    """
    rows: dict[str, list[_Row]] = {name: [] for name in systems}
    for i in range(len(folder)):
        item = folder[i]
        before = float(si_snr(item.noisy, item.clean))
        noisy_mos = dnsmos(item.noisy) if mos else None
        for name, system in systems.items():
            out = system(item.noisy)
            if out.shape != item.noisy.shape:
                raise AudioError(
                    f"{name}: answers {out.shape}, the mixture is {item.noisy.shape}"
                )
            after = float(si_snr(out, item.clean))
            heard = dnsmos(out) if mos else None
            rows[name].append(_Row(item.snr_db, before, after, noisy_mos, heard))
        on_mix(i + 1, len(folder))
    if not len(folder):
        raise AudioError("evaluation: the set has no mixtures")
    return {name: _scores(found) for name, found in rows.items()}


def _scores(rows: list[_Row]) -> list[Score]:
    ratios = sorted({r.snr_db for r in rows if r.snr_db is not None})
    scores = [_score(snr, [r for r in rows if r.snr_db == snr]) for snr in ratios]
    return [*scores, _score(None, rows)]


def _score(snr: float | None, rows: list[_Row]) -> Score:
    before = np.array([r.before for r in rows])
    after = np.array([r.after for r in rows])
    gain = after - before
    values = (before.mean(), after.mean(), gain.mean(), gain.min())
    error = float(gain.std(ddof=1) / np.sqrt(len(gain))) if len(gain) > 1 else None
    return Score(
        snr,
        len(rows),
        *(float(v) for v in values),
        error=error,
        noisy_mos=_mean([r.noisy_mos for r in rows]),
        denoised_mos=_mean([r.denoised_mos for r in rows]),
    )


def _mean(scores: list[Mos | None]) -> Mos | None:
    found = [(m.ovrl, m.sig, m.bak) for m in scores if m is not None]
    return Mos(*(float(v) for v in np.mean(found, axis=0))) if found else None


def as_json(scores: Mapping[str, list[Score]]) -> dict[str, list[dict[str, Any]]]:
    """Scores as plain values, for a file."""
    return {name: [asdict(score) for score in found] for name, found in scores.items()}
