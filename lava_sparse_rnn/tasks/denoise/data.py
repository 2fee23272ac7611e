# SPDX-License-Identifier: BSD-3-Clause
"""Batches of noisy and clean waveforms, a function of (seed, step) alone.

Mixing a fresh batch costs most of what a training step does on one core, so that speech
and noise of the last fresh batches stay in a pool, and every step pairs random
speech with random noise at a random ratio and level. A run that restarts at step k
refills the pool and sees exactly what it would have seen.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from lava_sparse_rnn.audio import prefetch
from lava_sparse_rnn.audio.mixing import Mixer, MixerConfig
from lava_sparse_rnn.audio.ndns import NdnsSegments, SegmentsConfig
from lava_sparse_rnn.audio.sound.rate import SAMPLE_RATE
from lava_sparse_rnn.tasks.denoise.config import DataConfig
from lava_sparse_rnn.tasks.denoise.pairing import (
    Mixes,
    Parts,
    Pool,
    mixed,
    normalised,
    remix,
)
from lava_sparse_rnn.train.distributed import Group

Batches = Generator[Mixes, None, None]

_PREFETCH = 4  # batches that each worker keeps ready
_FIXED = 20260101  # seed of validation, whatever that of the run

# Settings that the mixer has under the same name.
_AS_THEY_ARE = (
    *("corpus", "own_share", "speech_group", "noise_group", "noise_kind"),
    *("speech_held_out", "noise_held_out"),
    *("ratio", "event_share", "room_share", "second_share", "family"),
    *("narrow_share", "pause_share"),
)


class Source(Protocol):
    """Where fresh material comes from."""

    parts: int
    """Signals of which a mixture is made: 2, or 3 with rooms."""

    def is_narrow(self, number: int) -> bool:
        """Whether a batch's speech goes with noise of such batches only."""
        ...

    def fresh(self, start: int, stride: int = 1, at_once: int = 0) -> Iterator[Parts]:
        """What endless batches are mixed of: `start`, `start` + `stride`, ...

        They are made ahead, or, with `at_once` above 0, so many at once by as many
        processes, once the first of them is asked for.
        """
        ...

    def validation(self, snr: float) -> Mixes:
        """A fixed batch of mixtures at one ratio."""
        ...


def mixer_config(
    config: DataConfig, split: str, seconds: float, seed: int
) -> MixerConfig:
    """What a mixer of the source ``corpus`` is told by the settings of a training.

    Parameters
    ----------
    config : DataConfig
    split : str
        ``"train"``, ``"validation"`` or ``"test"``.
    seconds : float
        Of a pair.
    seed : int

    Returns
    -------
    MixerConfig
    """
    folders = {"cache": config.root, "own_cache": config.own_cache}
    more: dict[str, Any] = {name: getattr(config, name) for name in _AS_THEY_ARE}
    more |= {name: str(path) for name, path in folders.items() if path is not None}
    told = MixerConfig(
        seconds=seconds,
        seed=seed,
        snr_db=(config.snr_min, config.snr_max),
        level_db=(config.level_min, config.level_max),
        speech=tuple(map(str, config.speech)),
        noise=tuple(map(str, config.noise)),
        rooms=tuple(map(str, config.rooms)),
        **more,
    )
    return told if split == "train" else told.to_measure(split)


class CorpusSource:
    """Real recordings, mixed by a process of its own (`audio.mixing`)."""

    def __init__(self, config: DataConfig, seed: int) -> None:
        self._config, self._seed = config, seed
        self._mixer = mixer_config(config, "train", config.seconds, seed)
        self.parts = self._mixer.parts
        self.is_narrow = self._mixer.is_narrow

    def fresh(self, start: int, stride: int = 1, at_once: int = 0) -> Iterator[Parts]:
        """See `Source`."""
        config, mixer = self._config, self._mixer
        yield from prefetch.parts(
            mixer,
            config.batch,
            start=start,
            prefetch=0 if at_once else _PREFETCH,
            workers=max(at_once, config.workers),
            stride=stride,
        )

    def validation(self, snr: float) -> Mixes:
        """See `Source`."""
        # The same mixtures in every run, whatever its seed.
        config = self._config
        mixer = mixer_config(config, "validation", config.validation_seconds, _FIXED)
        mixer = Mixer(replace(mixer, snr_db=(snr, snr)))
        return mixer.batch(0, config.validation_mixes)


class SyntheticSource:
    """Gliding harmonic tones in white noise; needs no data, for tests and timing."""

    parts = 2

    def is_narrow(self, number: int) -> bool:
        """See `Source`."""
        return False

    def __init__(self, config: DataConfig, seed: int) -> None:
        self._config, self._seed = config, seed

    def _batch(self, rng: np.random.Generator, count: int, seconds: float, snr: float):
        t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
        f0 = rng.uniform(90, 300, (count, 1)) * (1 + 0.2 * np.sin(2 * np.pi * 2 * t))
        phase = 2 * np.pi * np.cumsum(f0, axis=1) / SAMPLE_RATE
        clean = sum(np.sin(h * phase) / h for h in range(1, 8))
        clean = clean * (np.sin(2 * np.pi * rng.uniform(1, 3, (count, 1)) * t) > 0)
        noise = rng.standard_normal(clean.shape)
        noise *= np.sqrt((clean**2).mean() / (noise**2).mean()) * 10 ** (-snr / 20)
        clean, noise = (0.05 * x.astype(np.float32) for x in (clean, noise))
        return clean + noise, clean

    def fresh(self, start: int, stride: int = 1, at_once: int = 0) -> Iterator[Parts]:
        """See `Source`."""
        number = start
        while True:
            rng = np.random.default_rng([self._seed, number])
            config = self._config
            mixes = self._batch(rng, config.batch, config.seconds, snr=5.0)
            yield normalised(mixes, config)
            number += stride

    def validation(self, snr: float) -> Mixes:
        """See `Source`."""
        config = self._config
        rng = np.random.default_rng(_FIXED)
        return self._batch(rng, config.validation_mixes, config.validation_seconds, snr)


class NdnsSource:
    """A set of the Microsoft DNS or Intel N-DNS challenge, streamed from disk.

    Of every example that is drawn, a part is read by processes of their own; nothing
    else is loaded. Without a set for validation, some examples of this one are kept
    apart: other recordings then, but of the same voices and noises.
    """

    parts = 2

    def is_narrow(self, number: int) -> bool:
        """See `Source`."""
        return False

    def __init__(self, config: DataConfig, seed: int) -> None:
        self._config, self._seed = config, seed
        self._kept: Parts | None = None

    def _segments(self, validation: bool):
        config = self._config
        apart = config.validation_root
        return NdnsSegments(
            SegmentsConfig(
                root=str(apart if validation and apart else config.root),
                seconds=config.validation_seconds if validation else config.seconds,
                seed=_FIXED if validation else self._seed,
                held_out=0 if apart else config.validation_mixes,
                only_held_out=validation and not apart,
            )
        )

    def fresh(self, start: int, stride: int = 1, at_once: int = 0) -> Iterator[Parts]:
        """See `Source`; always ahead, as it waits for the disk more than for a core."""
        config = self._config
        made = prefetch.batches(
            self._segments(validation=False),
            config.batch,
            start=start,
            prefetch=_PREFETCH,
            workers=config.workers,
            stride=stride,
        )
        for noisy, clean in made:
            yield normalised((noisy, clean), config)

    def validation(self, snr: float) -> Mixes:
        """See `Source`; the noises of the examples, brought to that ratio."""
        config = self._config
        if self._kept is None:
            mixes = self._segments(validation=True).batch(0, config.validation_mixes)
            self._kept = normalised(mixes, config)
        clean, noise = self._kept
        level = (config.level_min + config.level_max) / 2
        one = np.ones(len(clean))
        return mixed(clean, noise, snr * one, level * one)  # type: ignore[arg-type]


SOURCES: dict[str, Callable[[DataConfig, int], Source]] = {
    "corpus": CorpusSource,
    "ndns": NdnsSource,
    "synthetic": SyntheticSource,
}
"""Sources by the name used in configurations."""


class SharedSource:
    """A source whose fresh batches the processes make in turn, each for all.

    Parameters
    ----------
    source : Source
        The same in every process.
    config : DataConfig
    group : Group

    Raises
    ------
    ValueError
        If a batch cannot be shared evenly.
    """

    def __init__(self, source: Source, config: DataConfig, group: Group) -> None:
        self._source, self._group = source, group
        self.parts, self.is_narrow = source.parts, source.is_narrow
        samples = round(config.seconds * SAMPLE_RATE)
        self._shape = (self.parts, config.batch, samples)
        group.check_shares("data.batch", config.batch)
        long = config.batch // math.gcd(config.long_factor, config.batch)
        if config.long_share and long % group.size:
            raise ValueError(
                f"data.batch={config.batch} with data.long_factor="
                f"{config.long_factor} makes {long} long sequences; it must be a "
                f"multiple of the {group.size} processes (or data.long_share 0)"
            )

    def fresh(self, start: int, stride: int = 1, at_once: int = 0) -> Iterator[Parts]:
        """See `Source`; all processes have to ask at the same time."""
        group = self._group
        mine = self._source.fresh(start + group.rank * stride, group.size * stride)
        turn = 0
        while True:
            if turn == group.rank:
                batch = np.stack(next(mine)).astype(np.float32, copy=False)
            else:
                batch = np.empty(self._shape, np.float32)
            group.send(batch, turn)
            yield tuple(batch)
            turn = (turn + 1) % group.size

    def validation(self, snr: float) -> Mixes:
        """See `Source`."""
        return self._source.validation(snr)


def training_batches(
    source: Source, config: DataConfig, seed: int, start: int = 0, at_once: int = 0
) -> Batches:
    """Batches of the training from step `start` on.

    Parameters
    ----------
    source : Source
    config : DataConfig
    seed : int
    start : int
        First step.
    at_once : int
        See `Source.fresh`.

    Yields
    ------
    tuple of ndarray, float32 (batch, samples)
        Noisy and clean.
    """
    newest = start // config.fresh_every
    first = max(newest - config.pool + 1, 0)
    fresh = source.fresh(first, at_once=at_once)
    numbers = itertools.count(first)
    made = ((parts, source.is_narrow(k)) for parts, k in zip(fresh, numbers))  # noqa: B905
    pool: Pool = deque(itertools.islice(made, newest - first), config.pool)
    step, have = start, newest
    while True:
        while have <= step // config.fresh_every:
            pool.append(next(made))
            have += 1
        yield remix(np.random.default_rng([seed, 1, step]), pool, config)
        step += 1
