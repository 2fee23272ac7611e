# SPDX-License-Identifier: BSD-3-Clause
"""Speech and noise of the last fresh batches, paired anew for every step."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import numpy as np

from lava_sparse_rnn.audio.mixing.wear import worn
from lava_sparse_rnn.audio.sound.power import (
    ACTIVE_RANGE_DB,
    frame_powers,
    mean_power,
)
from lava_sparse_rnn.tasks.denoise.config import DataConfig

Mixes = tuple[np.ndarray, np.ndarray]
"""Noisy and clean waveforms, float32 (rows, samples)."""

Parts = tuple[np.ndarray, ...]
"""Clean speech at a power of 1, noise, and, of a room, the speech as it is heard."""

Pool = deque[tuple[Parts, bool]]
"""The last fresh batches, and of each whether it is narrow: its speech goes with noise
of such batches only."""


def active_powers(x: np.ndarray) -> np.ndarray:
    """Mean square (rows, 1) over the 20 ms frames that are not pauses."""
    powers = frame_powers(x)
    quietest = 10.0 ** (-ACTIVE_RANGE_DB / 10.0)
    active = powers >= powers.max(axis=1, keepdims=True) * quietest
    return (powers * active).sum(1, keepdims=True) / active.sum(1, keepdims=True)


def whole_powers(x: np.ndarray) -> np.ndarray:
    """Mean square (rows, 1)."""
    return (x**2).mean(1, keepdims=True)


# Of the speech that a ratio is of, by `DataConfig.ratio`.
_POWERS = {"active": active_powers, "whole": whole_powers}


def normalised(batch: Mixes, config: DataConfig) -> Parts:
    """Speech and noise of a power of 1."""
    noisy, clean = batch
    noise = noisy - clean
    clean = clean / np.sqrt(_POWERS[config.ratio](clean) + 1e-12)
    noise = noise / np.sqrt(whole_powers(noise) + 1e-12)
    return clean.astype(np.float32), noise.astype(np.float32)


def remix(rng: np.random.Generator, pool: Pool, config: DataConfig) -> Mixes:
    size = config.batch

    voices, noises = (
        (rng.integers(len(pool), size=size), rng.integers(size, size=size))
        for _ in range(2)
    )
    narrow = [b for b, (_, is_narrow) in enumerate(pool) if is_narrow]
    noises = (
        [
            narrow[b % len(narrow)] if pool[voice][1] else b
            for voice, b in zip(voices[0], noises[0], strict=True)
        ],
        noises[1],
    )

    def taken(part: int, places: tuple) -> list[np.ndarray]:
        return [pool[b][0][part][r] for b, r in zip(*places, strict=True)]

    speech = [taken(part, voices) for part in (0, 2)[: len(pool[0][0]) - 1]]
    noise = taken(1, noises)
    if rng.random() < config.long_share:
        # The same material as fewer, longer sequences: slow states must not drift.
        size //= math.gcd(config.long_factor, size)
    snr = rng.uniform(config.snr_min, config.snr_max, size)
    level = rng.uniform(config.level_min, config.level_max, size)
    noisy, clean = mixed(speech[0], noise, snr, level, speech[-1])
    return worn(rng, noisy, clean, config.wear)


def mixed(
    clean: Sequence[np.ndarray],
    noise: Sequence[np.ndarray],
    snr: np.ndarray,
    level: np.ndarray,
    heard: Sequence[np.ndarray] | None = None,
) -> Mixes:
    """Noisy and clean of normalised speech and noise, rows (samples,) of each.

    Ratios and levels have shape (rows,), in dB; where they are fewer, so many rows of
    the material follow each other in one. The speech is heard as it is clean, unless
    it is heard in a room.

    One row at a time goes through all passes, as it stays in a processor's cache.
    """
    each = len(clean) // len(snr)
    gains = np.repeat((10.0 ** (-snr / 20)).astype(np.float32), each)
    out = np.empty((2, len(clean), len(clean[0])), np.float32)
    noisy, target = out.reshape(2, len(snr), -1)
    for k, wave in enumerate(noisy):
        rows = range(k * each, (k + 1) * each)
        for i in rows:
            np.multiply(noise[i], gains[i], out=out[0, i])
            out[0, i] += clean[i] if heard is None else heard[i]
        rms = np.sqrt(mean_power(wave) + 1e-12)
        peak = max(wave.max(), -wave.min()) + 1e-12
        # Louder than full scale would be clipping, which is another setting's matter.
        scale = np.float32(min(10.0 ** (level[k] / 20) / rms, 0.99 / peak))
        wave *= scale
        for i in rows:
            np.multiply(clean[i], scale, out=out[1, i])
    return noisy, target
