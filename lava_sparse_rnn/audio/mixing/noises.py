# SPDX-License-Identifier: BSD-3-Clause
"""Kinds of noise that a mixer adds: recorded ones, and some that are computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from lava_sparse_rnn.audio.mixing import augment
from lava_sparse_rnn.audio.mixing.config import MixerConfig
from lava_sparse_rnn.audio.mixing.pool import Pool, noise_bed, say, unit

TRIES = 50
"""Draws after which material is given up."""
_AUDIBLE = 1e-7  # of a recording whose peak is 0.9


class Voices(Protocol):
    """What a noise needs of its mixer."""

    config: MixerConfig
    speech: Pool
    noise: Pool

    def length(self, rng: np.random.Generator) -> int:
        """Samples to take for one signal."""
        ...

    def noise_colour(self, rng: np.random.Generator) -> np.ndarray | None:
        """A filter for a noise, or none."""
        ...


def _one_recording(rng: np.random.Generator, mixer: Voices) -> np.ndarray:
    for _ in range(TRIES):
        x = noise_bed(rng, mixer.noise, mixer.length(rng))
        if np.mean(x**2) > _AUDIBLE:
            break
    else:
        x = augment.coloured_noise(rng, mixer.config.samples, 1.0, None)
    x = augment.resample_and_colour(x, mixer.config.samples, mixer.noise_colour(rng))
    return unit(x, float(np.mean(x**2)))


def _recorded(rng: np.random.Generator, mixer: Voices, speaker: int) -> np.ndarray:
    """One noise file, or a second one with it."""
    x = _one_recording(rng, mixer)
    if rng.random() < 0.5:
        gain = np.float32(10.0 ** (rng.uniform(-10.0, 3.0) / 20.0))
        x = x + gain * _one_recording(rng, mixer)
    return x


def _babble(rng: np.random.Generator, mixer: Voices, speaker: int) -> np.ndarray:
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
    return augment.resample_and_colour(
        total, mixer.config.samples, mixer.noise_colour(rng)
    )


def _coloured(rng: np.random.Generator, mixer: Voices, speaker: int) -> np.ndarray:
    exponent = rng.uniform(-0.5, 2.0)
    n = mixer.config.samples
    return augment.coloured_noise(rng, n, exponent, mixer.noise_colour(rng))


def _hum(rng: np.random.Generator, mixer: Voices, speaker: int) -> np.ndarray:
    """Steady tones: transformers, motors, turbines, over a floor of noise."""
    n = mixer.config.samples
    floor = np.float32(10.0 ** (rng.uniform(-30.0, -3.0) / 20.0))
    x = floor * _coloured(rng, mixer, speaker)
    for _ in range(int(rng.integers(1, 4))):
        gain = np.float32(10.0 ** (rng.uniform(-12.0, 0.0) / 20.0))
        x = x + gain * augment.harmonic_tones(rng, n)
    gains = mixer.noise_colour(rng)
    return x if gains is None else augment.resample_and_colour(x, n, gains)


def _beating(rng: np.random.Generator, mixer: Voices, speaker: int) -> np.ndarray:
    """Noise that swells and fades in a rhythm: engines, trains, mills."""
    n = mixer.config.samples
    return _coloured(rng, mixer, speaker) * augment.rhythm(rng, n)


NOISES: dict[str, Callable[[np.random.Generator, Voices, int], np.ndarray]] = {
    "recorded": _recorded,
    "babble": _babble,
    "coloured": _coloured,
    "hum": _hum,
    "beating": _beating,
}
"""Kind of noise to a function (rng, mixer, index of the speaker) -> (samples,)."""

# Recordings hold few steady hums, which speech models take for voices.
TRAIN_SHARES = (
    ("recorded", 0.70),
    ("babble", 0.05),
    ("coloured", 0.06),
    ("hum", 0.12),
    ("beating", 0.07),
)
"""Relative frequency of each kind in training."""
