# SPDX-License-Identifier: BSD-3-Clause
"""Scores of denoisers on a set of mixtures, all on the same files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.evaluation.dnsmos import Mos, dnsmos
from lava_sparse_rnn.audio.evaluation.metrics import si_snr
from lava_sparse_rnn.audio.ndns.folder import NdnsFolder
from lava_sparse_rnn.audio.sound.rate import SAMPLE_RATE

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
class LeftOut:
    """A mixture that no system has a score of.

    Parameters
    ----------
    index : int or None
        In the folder; none for a file that belongs to no mixture.
    reason : str
        Begins with the path of the file.
    """

    index: int | None
    reason: str


@dataclass(frozen=True)
class Row:
    """One mixture and one system.

    Parameters
    ----------
    index : int
        In the folder.
    snr_db : float or None
        See `Score`.
    before, after : float
        SI-SNR in dB.
    noisy_mos, denoised_mos : Mos or None
    voice, noise : str or None
        Speaker and kind of noise, where the set tells.
    """

    index: int
    snr_db: float | None
    before: float
    after: float
    noisy_mos: Mos | None
    denoised_mos: Mos | None
    voice: str | None = None
    noise: str | None = None


LABELS = ("noise", "voice")
"""Of what `by_label` makes tables."""

MOST_DB = 100.0
"""A SI-SNR above that, in dB, is no measure of noise: samples of 16 bits hold 98, so
that what is left is how the recordings were rounded, or nothing at all."""

# What recordings, networks and the libraries of peers raise about what they were given.
_REFUSALS = (ValueError, ArithmeticError, OSError, RuntimeError)


@contextmanager
def _named(where: str) -> Iterator[None]:
    """Errors begin with the file, and the system, that they are about."""
    try:
        yield
    except _REFUSALS as error:
        raise AudioError(f"{where}: {str(error) or type(error).__name__}") from error


def evaluate(
    systems: Mapping[str, System],
    folder: NdnsFolder,
    on_mix: Callable[[int, int], None],
    mos: bool = False,
    left_out: list[LeftOut] | None = None,
) -> dict[str, list[Score]]:
    """Denoise every mixture of a folder by every system and score it.

    Parameters
    ----------
    systems, folder, on_mix, mos, left_out
        As in `measure`.

    Returns
    -------
    dict of str to list of Score
        Per system, one score per ratio, rising, and one over all of them at the end.

    Raises
    ------
    AudioError
        As `measure`.
    """
    rows = measure(systems, folder, on_mix, mos, left_out)
    return {name: by_ratio(found) for name, found in rows.items()}


def measure(
    systems: Mapping[str, System],
    folder: NdnsFolder,
    on_mix: Callable[[int, int], None],
    mos: bool = False,
    left_out: list[LeftOut] | None = None,
) -> dict[str, list[Row]]:
    """Denoise every mixture of a folder by every system.

    Parameters
    ----------
    systems : mapping of str to callable
        Denoisers by name.
    folder : NdnsFolder
    on_mix : callable
        Called with mixtures done and in all.
    mos : bool
        Whether to run DNSMOS, which takes seconds per minute of sound.
    left_out : list of LeftOut, optional
        Is given every mixture that cannot be scored: a file that cannot be read, or
        whose rate is not that of most of the set, a silent recording, a noisy one
        that is the clean one, an answer that is none, or that is the clean
        recording. No system is scored on it, so
        that all have the same files. Without the list the first such mixture is an
        error.

    Returns
    -------
    dict of str to list of Row
        Per system, one row per mixture; `by_ratio` and `by_label` make scores of them.

    Raises
    ------
    AudioError
        For a set without mixtures, or none that can be scored, and, without
        `left_out`, for the first one that cannot; it names the file.
    """
    if not len(folder):
        why = "".join(f"; {reason}" for reason in folder.left_out[:1])
        raise AudioError(f"evaluation: {folder.folder} has no mixture{why}")
    refused = [LeftOut(None, reason) for reason in folder.left_out]
    rows: list[dict[str, Row]] = []
    rates: list[int] = []
    for i in range(len(folder)):
        try:
            found, rate = _mixture(systems, folder, i, mos)
        except (AudioError, OSError) as error:  # both name the file
            if left_out is None:
                raise
            refused.append(LeftOut(i, str(error)))
        else:
            rows.append(found)
            rates.append(rate)
        on_mix(i + 1, len(folder))
    kept, odd = _of_one_rate(rows, rates, folder)
    if odd and left_out is None:
        raise AudioError(odd[0].reason)
    refused += odd
    if left_out is not None:
        left_out += sorted(refused, key=lambda x: -1 if x.index is None else x.index)
    if not kept:
        raise AudioError(
            f"evaluation: none of {len(folder)} mixtures can be scored; "
            f"{refused[0].reason}"
        )
    return {name: [row[name] for row in kept] for name in systems}


def _mixture(
    systems: Mapping[str, System], folder: NdnsFolder, i: int, mos: bool
) -> tuple[dict[str, Row], int]:
    """A row per system, and the rate of the files."""
    noisy_path, clean_path = (
        str(folder.path(kind, folder.file_ids[i])) for kind in ("noisy", "clean")
    )
    item, rows = folder[i], {}
    with _named(clean_path):
        before = float(si_snr(item.noisy, item.clean))
    with _named(noisy_path):
        _require_measure("noisy recording", before)
        noisy_mos = dnsmos(item.noisy) if mos else None
    for name, system in systems.items():
        with _named(f"{noisy_path}: {name}"):
            out = np.asarray(system(item.noisy))
            if out.shape != item.noisy.shape:
                raise AudioError(
                    f"answers {out.shape}, the mixture is {item.noisy.shape}"
                )
            after = float(si_snr(out, item.clean))
            _require_measure("answer", after)
            heard = dnsmos(out) if mos else None
        labels = item.voice, item.noise_name
        rows[name] = Row(i, item.snr_db, before, after, noisy_mos, heard, *labels)
    return rows, item.sample_rate


def _require_measure(what: str, ratio: float) -> None:
    """One ratio without bound, or all but, would be all that there is of a mean."""
    if not ratio > -np.inf:
        raise AudioError(f"{what}: SI-SNR is {ratio:g} dB, it is silent")
    if ratio > MOST_DB:
        raise AudioError(
            f"{what}: SI-SNR is {ratio:g} dB, at most {MOST_DB:g} can be scored; it is "
            "the clean recording"
        )


def _of_one_rate(
    rows: list[dict[str, Row]], rates: list[int], folder: NdnsFolder
) -> tuple[list[dict[str, Row]], list[LeftOut]]:
    """Mixtures of the rate that most have, and the others."""
    counts = Counter(rates)
    usual = max(
        counts, key=lambda r: (counts[r], r == SAMPLE_RATE), default=SAMPLE_RATE
    )
    kept, odd = [], []
    for found, rate in zip(rows, rates, strict=True):
        if rate == usual:
            kept.append(found)
            continue
        index = next(iter(found.values())).index
        path = folder.path("noisy", folder.file_ids[index])
        reason = f"{path}: {rate} Hz, most of the set has {usual} Hz"
        odd.append(LeftOut(index, reason))
    return kept, odd


def by_label(rows: list[Row], label: str) -> dict[str, Score]:
    """Scores of the mixtures of each kind of noise, or of each voice.

    Parameters
    ----------
    rows : list of Row
        Of one system.
    label : str
        One of :data:`LABELS`.

    Returns
    -------
    dict of str to Score
        Over all ratios, by the kind or voice, in alphabetical order.

    Raises
    ------
    AudioError
        For a set that does not tell, or an unknown label.
    """
    if label not in LABELS:
        raise AudioError(f"by {label!r}: known are {', '.join(LABELS)}")
    found: dict[str, list[Row]] = {}
    for row in rows:
        name = getattr(row, label)
        if name is not None:
            found.setdefault(name, []).append(row)
    if not found:
        raise AudioError(
            f"by {label!r}: the set does not tell what was mixed; sets that are mixed "
            "by lava-sparse-rnn data mix do"
        )
    return {name: _score(None, found[name]) for name in sorted(found)}


def by_ratio(rows: list[Row]) -> list[Score]:
    """Scores of the mixtures of each ratio, rising, and over all at the end."""
    ratios = sorted({r.snr_db for r in rows if r.snr_db is not None})
    scores = [_score(snr, [r for r in rows if r.snr_db == snr]) for snr in ratios]
    return [*scores, _score(None, rows)]


def _score(snr: float | None, rows: list[Row]) -> Score:
    before = np.array([r.before for r in rows])
    after = np.array([r.after for r in rows])
    gain = after - before
    error = gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else None
    values = (before.mean(), after.mean(), gain.mean(), gain.min())
    return Score(
        snr,
        len(rows),
        *(float(v) for v in values),
        error=None if error is None else float(error),
        noisy_mos=_mean([r.noisy_mos for r in rows]),
        denoised_mos=_mean([r.denoised_mos for r in rows]),
    )


def _mean(scores: list[Mos | None]) -> Mos | None:
    found = [(m.ovrl, m.sig, m.bak) for m in scores if m is not None]
    return Mos(*(float(v) for v in np.mean(found, axis=0))) if found else None


def as_json(scores: Mapping[str, list[Score]]) -> dict[str, list[dict[str, Any]]]:
    """Scores as plain values, for a file; what is not finite, JSON calls null."""

    def plain(value: Any) -> Any:
        return None if isinstance(value, float) and not np.isfinite(value) else value

    return {
        name: [{k: plain(v) for k, v in asdict(score).items()} for score in found]
        for name, found in scores.items()
    }
