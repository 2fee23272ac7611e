# SPDX-License-Identifier: BSD-3-Clause
"""Signal changes that make few voices and noises into many.

Speed, pitch and colour are changed together in one pass through the Fourier
transform: resampling is cutting or extending the spectrum, and a filter is a product,
so both cost one forward and one inverse transform.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from lava_sparse_rnn.audio.mixing.gains import Gains, twice
from lava_sparse_rnn.audio.sound.fft import good_length, irfft, rfft, rfftfreq
from lava_sparse_rnn.audio.sound.rate import SAMPLE_RATE

SILENT = (0.1, 0.75)
"""Share of a signal in which nothing comes, where something is silent for a while."""

_CURVES = 128  # filters of a kind in a run
_STREAM = 5  # of random numbers, beside those of the pairs
_WHITE = 2**19  # random numbers of white noise
_PERIOD = 4096  # samples of one period of a tone
_SHIFT = np.uint32(32 - 12)  # from a phase to one of them


@functools.lru_cache(maxsize=4)
def _colour_basis(n: int, terms: int) -> np.ndarray:
    """Cosines over a warped frequency axis, float32 (terms, n // 2 + 1)."""
    hz = rfftfreq(n, 1.0 / SAMPLE_RATE)
    # Equal steps of this axis are about equally wide to the ear.
    warped = np.log1p(hz / 300.0) / np.log1p(SAMPLE_RATE / 2 / 300.0)
    order = np.arange(1, terms + 1)[:, None]
    return np.cos(np.pi * order * warped).astype(np.float32)


def random_colour(
    rng: np.random.Generator, n: int, depth_db: float, terms: int = 4
) -> np.ndarray:
    """Draw a smooth random filter.

    Parameters
    ----------
    rng : numpy.random.Generator
    n : int
        Samples of the signal it is for.
    depth_db : float
        Standard deviation of the gain over frequency, dB.
    terms : int
        Cosines it is made of; more make it rougher.

    Returns
    -------
    numpy.ndarray
        float32 (n // 2 + 1,), gain of each bin.
    """
    # A cosine has a mean square of 1/2, hence the 2.
    weights = rng.standard_normal(terms) * depth_db * np.sqrt(2.0 / terms)
    exponents = (weights * np.log(10.0) / 20.0).astype(np.float32)
    # A matrix product would round differently with the number of threads, and the
    # same index must give the same pair in every process.
    total = np.zeros(n // 2 + 1, dtype=np.float32)
    for exponent, cosine in zip(exponents, _colour_basis(n, terms), strict=True):
        total += exponent * cosine
    return np.exp(total)


def random_band(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw a low-pass filter, as a recording made at a lower rate has gone through.

    Parameters
    ----------
    rng : numpy.random.Generator
    n : int
        Samples of the signal it is for.

    Returns
    -------
    numpy.ndarray
        float32 (n // 2 + 1,), gain of each bin: -3 dB between 2.5 and 7.5 kHz, with
        the slope of a Butterworth filter of order 16.
    """
    return low_pass(n, rng.uniform(2500.0, 7500.0))


def low_pass(n: int, edge_hz: float) -> np.ndarray:
    """The gains of a `random_band`, -3 dB at ``edge_hz``; float32 (n // 2 + 1,)."""
    ratio = rfftfreq(n, 1.0 / SAMPLE_RATE) / edge_hz
    return ((1.0 + ratio**32) ** -0.5).astype(np.float32)


def source_length(n: int, speed: float) -> int:
    """Samples to take so that ``n`` remain after playing ``speed`` times faster.

    The result is a length that the Fourier transform likes, so the speed is met
    within about a percent.
    """
    return good_length(max(16, round(n * speed)))


def resample_and_colour(x: np.ndarray, n: int, gains: np.ndarray | None) -> np.ndarray:
    """Play faster or slower (pitch changes too) and filter.

    Parameters
    ----------
    x : numpy.ndarray
        float32 (samples,).
    n : int
        Samples of the result; the speed is ``len(x) / n``.
    gains : numpy.ndarray or None
        float32 (n // 2 + 1,), gain of each bin of the result.

    Returns
    -------
    numpy.ndarray
        float32 (n,).
    """
    if len(x) == n and gains is None:
        return x
    spectrum = rfft(x)
    bins = min(len(spectrum), n // 2 + 1)
    out = spectrum[:bins] * np.float32(n / len(x))
    if gains is not None:
        out *= gains[:bins]
    return irfft(out, n)


@functools.lru_cache(maxsize=1)
def _white() -> np.ndarray:
    """Random numbers of a spectrum of white noise, complex64, drawn once."""
    rng = np.random.default_rng(20260101)
    parts = rng.standard_normal((2, _WHITE), dtype=np.float32)
    return (parts[0] + 1j * parts[1]).astype(np.complex64)


def white_spectrum(rng: np.random.Generator, bins: int) -> np.ndarray:
    """Draw the spectrum of white noise: a stretch of one that is drawn once.

    Parameters
    ----------
    rng : numpy.random.Generator
    bins : int

    Returns
    -------
    numpy.ndarray
        complex64 (bins,).
    """
    table = _white()
    start = int(rng.integers(len(table)))
    if start + bins <= len(table):
        return table[start : start + bins]
    return np.resize(np.roll(table, -start), bins)


def slope(n: int, exponent: float) -> np.ndarray:
    """Gains of noise whose power falls as 1/f^exponent.

    Parameters
    ----------
    n : int
        Samples of the signal.
    exponent : float
        0 is white, 1 pink, 2 brown.

    Returns
    -------
    numpy.ndarray
        float32 (n // 2 + 1,).
    """
    hz = rfftfreq(n, 1.0 / SAMPLE_RATE)
    # Below 50 Hz the slope stops: nobody hears it, but all power would be there.
    gains = np.maximum(hz, 50.0).astype(np.float32) ** np.float32(-exponent / 2.0)
    return gains / gains[0]


class Curves:
    """Filters of one length, as `Gains`, each computed when it is first drawn.

    Parameters
    ----------
    n : int
        Samples of the signals.
    depth_db : float
        See `random_colour`.
    seed : int
    """

    def __init__(self, n: int, depth_db: float, seed: int):
        self._n, self._depth, self._seed = n, depth_db, seed
        self._made: dict[tuple[str, int], np.ndarray] = {}

    def _drawn(
        self,
        rng: np.random.Generator,
        name: str,
        make: Callable[[int, np.random.Generator], np.ndarray],
    ) -> Gains:
        key = name, int(rng.integers(_CURVES))
        if key not in self._made:
            own = np.random.default_rng([self._seed, _STREAM, key[1]])
            self._made[key] = twice(make(key[1], own))
        return self._made[key]

    def colour(self, rng: np.random.Generator) -> Gains:
        """One of the `random_colour`."""
        return self._drawn(
            rng, "colour", lambda _, own: random_colour(own, self._n, self._depth)
        )

    def band(self, rng: np.random.Generator) -> Gains:
        """One of the `random_band`."""
        return self._drawn(rng, "band", lambda _, own: random_band(own, self._n))

    def slope(self, rng: np.random.Generator) -> Gains:
        """A `slope` between -0.5 (rising) and 2."""
        return self._drawn(
            rng, "slope", lambda k, _: slope(self._n, 2.5 * k / (_CURVES - 1) - 0.5)
        )


def harmonic_tones(rng: np.random.Generator, n: int) -> np.ndarray:
    """Synthesise a steady tone with overtones, as transformers and motors make.

    The fundamental lies between 25 and 800 Hz and wavers by at most 1 %; overtones
    fall by 0 to 12 dB per octave with random strengths, some sets have odd ones only,
    and the loudness may swell slowly.

    Parameters
    ----------
    rng : numpy.random.Generator
    n : int
        Samples.

    Returns
    -------
    numpy.ndarray
        float32 (n,), unit mean square.
    """
    f0 = 25.0 * 32.0 ** rng.random()
    t = np.arange(n, dtype=np.float32) / SAMPLE_RATE
    rate, start = rng.uniform(0.1, 6.0), rng.uniform(0.0, 2 * np.pi)
    depth = 0.01 * rng.random() ** 3
    count = min(int(SAMPLE_RATE / 2 / (1.01 * f0)), 80)
    fall = rng.uniform(0.0, 2.0)
    strengths = np.arange(1, count + 1) ** -fall * 10 ** rng.normal(0, 0.4, count)
    if rng.random() < 0.3:
        strengths[1::2] = 0.0
    phases = np.exp(2j * np.pi * rng.random(count))
    period = np.zeros(_PERIOD // 2 + 1, dtype=np.complex64)
    period[1 : count + 1] = strengths * phases
    table = irfft(period, _PERIOD)
    phase = _phase(n, f0, 0.0)
    if depth * f0 / rate > 1e-3:  # of a turn; less is not heard
        waver = np.sin(np.float32(2 * np.pi * rate) * t + np.float32(start))
        most = depth * f0 / (2 * np.pi * rate) * 2.0**32
        phase += (np.float32(most) * waver).astype(np.int64).astype(np.uint32)
    total = table[phase >> _SHIFT]
    swell, depth = rng.uniform(0.1, 8.0), rng.uniform(0.0, 0.7) ** 2
    total *= 1 + np.float32(depth) * np.sin(np.float32(2 * np.pi * swell) * t)
    return total / np.sqrt(np.mean(total**2))


def rhythm(rng: np.random.Generator, n: int) -> np.ndarray:
    """Draw an envelope of regular beats, 0.7 to 40 a second; float32 (n,), 0 to 1."""
    rate = 0.7 * 57.0 ** rng.random()
    start = rng.random()
    beat = (0.5 + 0.5 * np.cos(2 * np.pi / _PERIOD * np.arange(_PERIOD))) ** (
        rng.uniform(0.5, 6.0)
    )
    floor = rng.uniform(0.0, 0.6)
    table = (floor + (1.0 - floor) * beat).astype(np.float32)
    return table[_phase(n, rate, start) >> _SHIFT]


def _phase(n: int, hz: float, start: float) -> np.ndarray:
    """Phase of a tone, in turns times 2^32, which wrap around; uint32 (n,)."""
    step = np.uint32(round(hz / SAMPLE_RATE * 2.0**32))
    return np.arange(n, dtype=np.uint32) * step + np.uint32(start * 2.0**32)


@functools.lru_cache(maxsize=64)
def _ramp(count: int) -> np.ndarray:
    return np.linspace(0.0, 1.0, count, dtype=np.float32)


def fade(x: np.ndarray, samples: int) -> np.ndarray:
    """Fade the first and last ``samples`` linearly, in place; returns ``x``."""
    count = min(samples, len(x) // 2)
    if count:
        x[:count] *= _ramp(count)
        x[-count:] *= _ramp(count)[::-1]
    return x


def silent(rng: np.random.Generator, n: int) -> slice:
    """Where nothing comes for a while, in ``n`` samples; half of the times at first."""
    count = int(n * rng.uniform(*SILENT))
    start = 0 if rng.random() < 0.5 else int(rng.integers(n - count + 1))
    return slice(start, start + count)
