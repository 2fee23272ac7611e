# SPDX-License-Identifier: BSD-3-Clause
"""Kinds of noise that a mixer adds: recorded ones, and some that are computed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lava_sparse_rnn.audio.mixing import augment
from lava_sparse_rnn.audio.mixing.draws import TRIES, Draw
from lava_sparse_rnn.audio.mixing.gains import product
from lava_sparse_rnn.audio.mixing.layers import Layer, Signal
from lava_sparse_rnn.audio.mixing.pool import noise_bed, say, unit
from lava_sparse_rnn.audio.sound.power import mean_power
from lava_sparse_rnn.audio.sound.rate import SAMPLE_RATE

_AUDIBLE = 1e-7  # of a recording whose peak is 0.9
_ATTACK = 32  # samples: 2 ms, a sudden beginning without a click


def _spectral(draw: Draw) -> Signal:
    """Noise without a recording, whose power falls or rises with the frequency."""
    slope = draw.material.curves.slope(draw.rng)
    white = augment.white_spectrum(draw.rng, len(slope) // 2)
    return Signal(white, (product(draw.noise_filter(), slope),))


def _one_recording(draw: Draw, gain: float = 1.0) -> Layer:
    pool = draw.material.noise
    for _ in range(TRIES):
        n = draw.length()
        group = pool.group(draw.rng)
        x = noise_bed(draw.rng, pool, group, n)
        if mean_power(x) > _AUDIBLE:
            signal = Signal(x, (draw.noise_filter(),))
            return Layer(signal, gain, name=pool.groups[group])
    return Layer(_spectral(draw), gain)


def _recorded(draw: Draw, speaker: int) -> list[Layer]:
    """One noise file, or a second one with it."""
    layers = [_one_recording(draw)]
    if draw.rng.random() < draw.config.second_share:
        gain = 10.0 ** (draw.rng.uniform(-10.0, 3.0) / 20.0)
        layers.append(_one_recording(draw, gain))
    return layers


def _babble(draw: Draw, speaker: int) -> list[Layer]:
    """Four to eight other voices, coloured and played faster or slower together."""
    pool = draw.material.speech
    n = draw.length()
    total = np.zeros(n, dtype=np.float32)
    for _ in range(int(draw.rng.integers(4, 9))):
        other = pool.group(draw.rng)
        while other == speaker and len(pool.groups) > 1:
            other = pool.group(draw.rng)
        gain = 10.0 ** (draw.rng.normal(0.0, 3.0) / 20.0)
        total += np.float32(gain) * say(draw.rng, pool, other, n)
    return [Layer(Signal(total, (draw.noise_filter(),)))]


def _coloured(draw: Draw, speaker: int) -> list[Layer]:
    return [Layer(_spectral(draw))]


def _hum(draw: Draw, speaker: int) -> list[Layer]:
    """Steady tones: transformers, motors, turbines, over a floor of noise."""
    n = draw.config.samples
    floor = 10.0 ** (draw.rng.uniform(-30.0, -3.0) / 20.0)
    layers = [Layer(_spectral(draw), floor)]
    gains = draw.noise_filter()
    tones = np.zeros(n, dtype=np.float32)
    for _ in range(int(draw.rng.integers(1, 4))):
        gain = np.float32(10.0 ** (draw.rng.uniform(-12.0, 0.0) / 20.0))
        tones += gain * augment.harmonic_tones(draw.rng, n)
    return [*layers, Layer(Signal(tones, (gains,)))]


def _beating(draw: Draw, speaker: int) -> list[Layer]:
    """Noise that swells and fades in a rhythm: engines, trains, mills."""
    envelope = augment.rhythm(draw.rng, draw.config.samples)
    return [Layer(_spectral(draw), envelope=envelope)]


def _events(draw: Draw, speaker: int) -> list[Layer]:
    """Short loud sounds with silence between them: a bark, a horn, a door."""
    n = draw.config.samples
    floor = 10.0 ** (draw.rng.uniform(-50.0, -15.0) / 20.0)
    recorded = draw.rng.random() < 0.5
    bed = _one_recording(draw, floor) if recorded else Layer(_spectral(draw), floor)
    total = np.zeros(n, dtype=np.float32)
    group = draw.material.noise.group(draw.rng)
    for _ in range(int(draw.rng.integers(1, 1 + max(1, n // SAMPLE_RATE)))):
        x = _event(draw, group, n)
        at = int(draw.rng.integers(n - len(x) + 1))
        gain = 10.0 ** (draw.rng.uniform(-8.0, 0.0) / 20.0)
        total[at : at + len(x)] += unit(x, mean_power(x) / gain**2)
    name = draw.material.noise.groups[group]
    return [Layer(Signal(total, (draw.noise_filter(),)), name=name), bed]


def _event(draw: Draw, group: int, n: int) -> np.ndarray:
    """A short sound of a family: a whole one, or a piece that dies away."""
    count = min(n, round(SAMPLE_RATE * 0.05 * 16.0 ** draw.rng.random()))
    for _ in range(TRIES):
        clip = draw.material.noise.clip(draw.rng, group)
        x = draw.material.noise.cut(draw.rng, clip, count)
        if mean_power(x) > _AUDIBLE:
            break
    else:
        x = draw.rng.standard_normal(count, dtype=np.float32)
    if draw.rng.random() < 0.5:
        fall = np.float32(draw.rng.uniform(1.0, 6.0) / len(x))
        x = x * np.exp(-fall * np.arange(len(x), dtype=np.float32))
    return augment.fade(x, 2 * _ATTACK if draw.rng.random() < 0.5 else _ATTACK)


NOISES: dict[str, Callable[[Draw, int], list[Layer]]] = {
    "recorded": _recorded,
    "babble": _babble,
    "coloured": _coloured,
    "hum": _hum,
    "beating": _beating,
    "events": _events,
}
"""Kind of noise to a function (draw, index of the speaker) -> its layers."""

# Recordings hold few steady hums, which speech models take for voices.
TRAIN_SHARES = (
    ("recorded", 0.70),
    ("babble", 0.05),
    ("coloured", 0.06),
    ("hum", 0.12),
    ("beating", 0.07),
)
"""Relative frequency of each kind in training, events apart."""
