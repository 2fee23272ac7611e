# SPDX-License-Identifier: BSD-3-Clause
"""Scale-invariant signal-to-noise ratio, and the lag between two signals.

SI-SNR after Le Roux et al., "SDR - half-baked or well done?", ICASSP 2019, eq. 3, with
both signals made zero-mean first, as in the N-DNS challenge.
"""

from __future__ import annotations

import numpy as np

from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.sound.fft import good_length, irfft, rfft


def _pair(estimate, reference) -> tuple[np.ndarray, np.ndarray]:
    e = np.asarray(estimate, dtype=np.float64)
    s = np.asarray(reference, dtype=np.float64)
    if e.shape != s.shape or e.ndim == 0 or e.shape[-1] == 0:
        raise AudioError(
            f"estimate of shape {e.shape} and reference of shape {s.shape}: "
            "equal shapes with at least one sample are needed"
        )
    for name, x in (("estimate", e), ("reference", s)):
        if not np.all(np.isfinite(x)):
            at = tuple(int(i) for i in np.argwhere(~np.isfinite(x))[0])
            where = at[0] if len(at) == 1 else at
            raise AudioError(f"{name}: sample {where} is {x[at]}")
    return e - e.mean(-1, keepdims=True), s - s.mean(-1, keepdims=True)


def find_lag(estimate: np.ndarray, reference: np.ndarray, max_lag: int) -> int:
    """Find by how many samples the estimate is late.

    Parameters
    ----------
    estimate, reference : numpy.ndarray
        (samples,).
    max_lag : int
        Largest lag tried, in both directions.

    Returns
    -------
    int
        Lag of the largest absolute correlation; ``estimate[n + lag]`` belongs to
        ``reference[n]``.

    Raises
    ------
    AudioError
        For unequal shapes, more than one dimension, or a lag that leaves nothing.
    """
    e, s = _pair(estimate, reference)
    if e.ndim != 1:
        raise AudioError(f"lag of shape {e.shape}: one dimension is needed")
    if not 0 <= max_lag < len(s):
        raise AudioError(f"max_lag {max_lag}: must be in 0..{len(s) - 1}")
    n = good_length(2 * len(s))
    spectrum = rfft(e, n) * np.conj(rfft(s, n))
    correlation = np.abs(irfft(spectrum, n))
    lags = np.arange(-max_lag, max_lag + 1)
    return int(lags[np.argmax(correlation[lags])])


def align(
    estimate: np.ndarray, reference: np.ndarray, lag: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cut both signals to the part they share when the estimate is ``lag`` late.

    Returns
    -------
    tuple of numpy.ndarray
        Estimate and reference, each ``abs(lag)`` samples shorter.
    """
    if abs(lag) >= np.shape(reference)[-1]:
        raise AudioError(f"lag {lag}: no sample is left")
    n = np.shape(reference)[-1] - abs(lag)
    late, early = max(lag, 0), max(-lag, 0)
    return estimate[..., late : late + n], reference[..., early : early + n]


def si_snr(
    estimate: np.ndarray, reference: np.ndarray, max_lag: int = 0
) -> np.ndarray | float:
    r"""Scale-invariant signal-to-noise ratio, dB.

    With zero-mean :math:`e` and :math:`s`, and
    :math:`t = \langle e, s\rangle s / \lVert s\rVert^2`, it is
    :math:`10 \log_{10}(\lVert t\rVert^2 / \lVert e - t\rVert^2)`.

    Parameters
    ----------
    estimate, reference : numpy.ndarray
        (..., samples), equal shapes, computed in float64.
    max_lag : int
        Align first by :func:`find_lag` (one dimension only); a result with an
        aligned lag must say so.

    Returns
    -------
    float or numpy.ndarray
        (...) dB.  ``-inf`` for an estimate that is silent or has nothing of the
        reference, ``inf`` for an exact multiple of it.

    Raises
    ------
    AudioError
        For unequal or empty shapes, samples that are not finite, or a reference that
        is constant: the ratio is then undefined.
    """
    if max_lag:
        lag = find_lag(estimate, reference, max_lag)
        estimate, reference = align(np.asarray(estimate), np.asarray(reference), lag)
    e, s = _pair(estimate, reference)
    # A constant that float arithmetic leaves behind is not a signal.
    power = np.sum(s**2, axis=-1)
    scale = np.max(np.abs(reference), axis=-1, initial=0.0)
    silent = power <= s.shape[-1] * (1e-12 * scale) ** 2
    if np.any(silent):
        row = np.argwhere(np.atleast_1d(silent))[0].tolist()
        where = f" (row {row})" if s.ndim > 1 else ""
        raise AudioError(f"reference{where} is silent or constant: SI-SNR is undefined")
    t = (np.sum(e * s, axis=-1) / power)[..., None] * s
    signal = np.sum(t**2, axis=-1)
    error = np.sum((e - t) ** 2, axis=-1)
    with np.errstate(divide="ignore"):
        ratio = 10.0 * (np.log10(signal) - np.log10(np.where(signal > 0, error, 1.0)))
    return float(ratio) if ratio.ndim == 0 else ratio


def si_snr_improvement(
    estimate: np.ndarray, noisy: np.ndarray, reference: np.ndarray, max_lag: int = 0
) -> np.ndarray | float:
    """SI-SNR of the estimate minus that of the noisy signal, dB.

    Parameters
    ----------
    estimate, noisy, reference : numpy.ndarray
        (..., samples).
    max_lag : int
        As in :func:`si_snr`, for the estimate only.
    """
    return si_snr(estimate, reference, max_lag) - si_snr(noisy, reference)
