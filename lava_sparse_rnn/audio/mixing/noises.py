# SPDX-License-Identifier: BSD-3-Clause
"""Kinds of noise that a mixer adds: recorded ones, and some that are computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from lava_sparse_rnn.audio.mixing import augment
from lava_sparse_rnn.audio.mixing.augment import Curves
from lava_sparse_rnn.audio.mixing.config import MixerConfig
from lava_sparse_rnn.audio.mixing.layers import Layer, Signal
from lava_sparse_rnn.audio.mixing.pool import Pool, noise_bed, say, unit
from lava_sparse_rnn.audio.sound.power import mean_power
from lava_sparse_rnn.audio.sound.rate import SAMPLE_RATE

TRIES = 50
"""Draws after which material is given up."""
_AUDIBLE = 1e-7  # of a recording whose peak is 0.9
_ATTACK = 32  # samples: 2 ms, a sudden beginning without a click


class Voices(Protocol):
    """What a noise needs of its mixer."""

    config: MixerConfig
    speech: Pool
    noise: Pool

    def length(self, rng: np.random.Generator) -> int:
        """Samples to take for one signal."""
        ...

    def noise_filter(self, rng: np.random.Generator) -> np.ndarray | None:
        """Gains for a noise, or none."""
        ...

    @property
    def curves(self) -> Curves:
        """Filters to draw from."""
        ...


def _spectral(rng: np.random.Generator, mixer: Voices) -> Signal:
    """Noise without a recording, whose power falls or rises with the frequency."""
    slope = mixer.curves.slope(rng)
    gains = mixer.noise_filter(rng)
    spectrum = augment.white_spectrum(rng, len(slope)) * slope
    return Signal(spectrum, (gains,))


def _one_recording(rng: np.random.Generator, mixer: Voices) -> Signal:
    for _ in range(TRIES):
        x = noise_bed(rng, mixer.noise, mixer.length(rng))
        if np.mean(x**2) > _AUDIBLE:
            return Signal(x, (mixer.noise_filter(rng),))
    return _spectral(rng, mixer)


def _recorded(rng: np.random.Generator, mixer: Voices, speaker: int) -> list[Layer]:
    """One noise file, or a second one with it."""
    layers = [Layer(_one_recording(rng, mixer))]
    if rng.random() < 0.5:
        gain = 10.0 ** (rng.uniform(-10.0, 3.0) / 20.0)
        layers.append(Layer(_one_recording(rng, mixer), gain))
    return layers


def _babble(rng: np.random.Generator, mixer: Voices, speaker: int) -> list[Layer]:
    """Four to eight other voices, coloured and played faster or slower together."""
    pool = mixer.speech
    n = mixer.length(rng)
    total = np.zeros(n, dtype=np.float32)
    for _ in range(int(rng.integers(4, 9))):
        other = pool.group(rng)
        while other == speaker and len(pool.groups) > 1:
            other = pool.group(rng)
        gain = 10.0 ** (rng.normal(0.0, 3.0) / 20.0)
        total += np.float32(gain) * say(rng, pool, other, n)
    return [Layer(Signal(total, (mixer.noise_filter(rng),)))]


def _coloured(rng: np.random.Generator, mixer: Voices, speaker: int) -> list[Layer]:
    return [Layer(_spectral(rng, mixer))]


def _hum(rng: np.random.Generator, mixer: Voices, speaker: int) -> list[Layer]:
    """Steady tones: transformers, motors, turbines, over a floor of noise."""
    n = mixer.config.samples
    floor = 10.0 ** (rng.uniform(-30.0, -3.0) / 20.0)
    layers = [Layer(_spectral(rng, mixer), floor)]
    gains = mixer.noise_filter(rng)
    tones = np.zeros(n, dtype=np.float32)
    for _ in range(int(rng.integers(1, 4))):
        gain = np.float32(10.0 ** (rng.uniform(-12.0, 0.0) / 20.0))
        tones += gain * augment.harmonic_tones(rng, n)
    return [*layers, Layer(Signal(tones, (gains,)))]


def _beating(rng: np.random.Generator, mixer: Voices, speaker: int) -> list[Layer]:
    """Noise that swells and fades in a rhythm: engines, trains, mills."""
    envelope = augment.rhythm(rng, mixer.config.samples)
    return [Layer(_spectral(rng, mixer), envelope=envelope)]


def _events(rng: np.random.Generator, mixer: Voices, speaker: int) -> list[Layer]:
    """Short loud sounds with silence between them: a bark, a horn, a door."""
    n = mixer.config.samples
    floor = 10.0 ** (rng.uniform(-50.0, -15.0) / 20.0)
    bed = _one_recording(rng, mixer) if rng.random() < 0.5 else _spectral(rng, mixer)
    total = np.zeros(n, dtype=np.float32)
    group = mixer.noise.group(rng)
    for _ in range(int(rng.integers(1, 1 + max(1, n // SAMPLE_RATE)))):
        x = _event(rng, mixer, group, n)
        at = int(rng.integers(n - len(x) + 1))
        gain = 10.0 ** (rng.uniform(-8.0, 0.0) / 20.0)
        total[at : at + len(x)] += unit(x, mean_power(x) / gain**2)
    return [
        Layer(Signal(total, (mixer.noise_filter(rng),))),
        Layer(bed, floor),
    ]


def _event(rng: np.random.Generator, mixer: Voices, group: int, n: int) -> np.ndarray:
    """A short sound of a family: a whole one, or a piece that dies away."""
    count = min(n, round(SAMPLE_RATE * 0.05 * 16.0 ** rng.random()))
    for _ in range(TRIES):
        clip = mixer.noise.clip(rng, group)
        x = mixer.noise.cut(rng, clip, count)
        if np.mean(x**2) > _AUDIBLE:
            break
    else:
        x = rng.standard_normal(count, dtype=np.float32)
    if rng.random() < 0.5:
        fall = np.float32(rng.uniform(1.0, 6.0) / len(x))
        x = x * np.exp(-fall * np.arange(len(x), dtype=np.float32))
    return augment.fade_ends(x, 2 * _ATTACK if rng.random() < 0.5 else _ATTACK)


NOISES: dict[str, Callable[[np.random.Generator, Voices, int], list[Layer]]] = {
    "recorded": _recorded,
    "babble": _babble,
    "coloured": _coloured,
    "hum": _hum,
    "beating": _beating,
    "events": _events,
}
"""Kind of noise to a function (rng, mixer, index of the speaker) -> its layers."""

# Recordings hold few steady hums, which speech models take for voices.
TRAIN_SHARES = (
    ("recorded", 0.70),
    ("babble", 0.05),
    ("coloured", 0.06),
    ("hum", 0.12),
    ("beating", 0.07),
)
"""Relative frequency of each kind in training, events apart."""
