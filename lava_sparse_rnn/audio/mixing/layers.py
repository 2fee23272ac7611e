# SPDX-License-Identifier: BSD-3-Clause
"""Signals to be filtered, many at once: transforms of one length go together.

A transform of many rows costs less than half of as many transforms of one.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lava_sparse_rnn.audio.mixing.gains import Gains, times
from lava_sparse_rnn.audio.mixing.pool import unit
from lava_sparse_rnn.audio.sound.fft import irfft, rfft
from lava_sparse_rnn.audio.sound.power import frame_powers, mean_power

_LOUD_FRAMES = 5  # of 20 ms


@dataclass(frozen=True)
class Signal:
    """What becomes one signal, or several that differ in their filters.

    Parameters
    ----------
    x : ndarray
        float32 (length,), played faster or slower to the length that is asked for; or
        complex64 (bins,), its spectrum.
    filters : tuple
        `Gains`, each of another signal; None for none.
    """

    x: np.ndarray
    filters: tuple[Gains | None, ...] = (None,)


@dataclass(frozen=True)
class Layer:
    """A part of a noise.

    Parameters
    ----------
    signal : Signal
        With one filter; brought to a power of 1.
    gain : float
        On top of that.
    envelope : ndarray, optional
        Loudness over time, float32 (samples,), 0 to 1.
    name : str
        Kind of what was recorded.
    """

    signal: Signal
    gain: float = 1.0
    envelope: np.ndarray | None = field(default=None, repr=False)
    name: str = ""


def rendered(signals: Sequence[Signal], n: int) -> list[list[np.ndarray]]:
    """Signals of ``n`` samples, at any level, for each of their filters.

    Parameters
    ----------
    signals : sequence of Signal
    n : int

    Returns
    -------
    list of list of ndarray
        float32 (n,).
    """
    spectra = _spectra(signals, n)
    pairs = [
        (spectrum, gains)
        for signal, spectrum in zip(signals, spectra, strict=True)
        if spectrum is not None
        for gains in signal.filters
    ]
    filtered = np.empty((len(pairs), n // 2 + 1), dtype=np.complex64)
    for row, (spectrum, gains) in zip(filtered, pairs, strict=True):
        _filter(spectrum, gains, row)
    waves = iter(irfft(filtered, n) if pairs else ())
    return [
        [next(waves) if spectrum is not None else signal.x for _ in signal.filters]
        for signal, spectrum in zip(signals, spectra, strict=True)
    ]


def _spectra(signals: Sequence[Signal], n: int) -> list[np.ndarray | None]:
    """Of each signal, none where it stays as it is."""
    spectra: list[np.ndarray | None] = []
    lengths: dict[int, list[int]] = {}
    for i, signal in enumerate(signals):
        spectra.append(signal.x if np.iscomplexobj(signal.x) else None)
        plain = len(signal.x) == n and all(gains is None for gains in signal.filters)
        if spectra[i] is None and not plain:
            lengths.setdefault(len(signal.x), []).append(i)
    for rows in lengths.values():
        found = rfft(np.stack([signals[i].x for i in rows]))
        for i, spectrum in zip(rows, found, strict=True):
            spectra[i] = spectrum
    return spectra


def _filter(spectrum: np.ndarray, gains: Gains | None, out: np.ndarray) -> None:
    """A spectrum cut or extended to the bins of ``out``, and filtered."""
    bins = min(len(spectrum), len(out))
    out[bins:] = 0.0
    if gains is None:
        out[:bins] = spectrum[:bins]
    else:
        times(spectrum[:bins], gains, out[:bins])


def combined(layers: Sequence[Layer], waves: Sequence[np.ndarray]) -> np.ndarray:
    """The sum of a noise's layers, at any level, given their signals as `rendered`."""
    if len(layers) == 1 and layers[0].envelope is None:
        return waves[0]
    parts = []
    for layer, x in zip(layers, waves, strict=True):
        x = unit(x, mean_power(x))
        if layer.envelope is not None:
            x = x * layer.envelope
        parts.append(x if layer.gain == 1.0 else x * np.float32(layer.gain))
    return functools.reduce(np.add, parts)


def loudest_power(x: np.ndarray) -> float:
    """Mean square of the loudest 100 ms of float32 (samples,)."""
    powers = frame_powers(x)
    count = min(_LOUD_FRAMES, len(powers))
    if not count:
        return mean_power(x)
    sums = np.convolve(powers, np.full(count, 1.0 / count), mode="valid")
    return float(sums.max())
