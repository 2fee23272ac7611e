# SPDX-License-Identifier: BSD-3-Clause
"""Noisy and clean pairs, drawn from the corpus as training needs them.

Pair ``index`` of a mixer depends on ``(seed, index)`` only: a training run that
restarts at step k sees exactly what it would have seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from lava_sparse_rnn.audio.corpus.corpus import DEFAULT_CACHE, open_family
from lava_sparse_rnn.audio.corpus.flat import Clip
from lava_sparse_rnn.audio.corpus.folders import (
    NONE_HELD_OUT,
    open_folders,
    open_responses,
)
from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.mixing import augment
from lava_sparse_rnn.audio.mixing.augment import Curves
from lava_sparse_rnn.audio.mixing.config import MixerConfig, check_limits
from lava_sparse_rnn.audio.mixing.draws import Draw, Material
from lava_sparse_rnn.audio.mixing.gains import twice
from lava_sparse_rnn.audio.mixing.layers import (
    Layer,
    Signal,
    combined,
    loudest_power,
    rendered,
)
from lava_sparse_rnn.audio.mixing.noises import NOISES, TRAIN_SHARES
from lava_sparse_rnn.audio.mixing.pool import Pool, pick, unit
from lava_sparse_rnn.audio.mixing.rooms import Rooms, measured
from lava_sparse_rnn.audio.sound.power import active_power, mean_power
from lava_sparse_rnn.fixed_point import Brief


@dataclass(frozen=True)
class Mix(Brief):
    """One pair and how it was made.

    Attributes
    ----------
    noisy, clean, noise : numpy.ndarray
        float32 (samples,) in [-1, 1]; ``noisy = clean + noise``.
    snr_db : float
        Active speech over noise, dB.
    level_db : float
        Root mean square of the noisy mix, dB below full scale.
    voice : str
        Speaker.
    noise_kind : str
        Name in :data:`NOISES`.
    noise_name : str
        Kind of the recording, or else ``noise_kind``; of events, of what they are.
    """

    noisy: np.ndarray = field(repr=False)
    clean: np.ndarray = field(repr=False)
    noise: np.ndarray = field(repr=False)
    snr_db: float
    level_db: float
    voice: str
    noise_kind: str
    noise_name: str


@dataclass(frozen=True)
class _Plan:
    """What was drawn for a pair; nothing is filtered yet."""

    speaker: str
    voice: Signal
    kind: str
    layers: list[Layer]
    snr_db: float
    level_db: float
    event_db: float | None

    @property
    def noise_name(self) -> str:
        name = self.layers[0].name or self.kind
        return f"{name} (events)" if self.kind == "events" else name


@dataclass(frozen=True)
class _Sounds:
    clean: np.ndarray
    heard: list[np.ndarray]  # none where it is as clean
    power: float  # of the clean one
    noise: np.ndarray


class Mixer(Brief):
    """Endless noisy and clean pairs of one split.

    Parameters
    ----------
    cache : str, pathlib.Path or MixerConfig
        Folder of the corpus, or the whole configuration.
    split, seconds, seed, **more
        Fields of :class:`MixerConfig`.

    Raises
    ------
    AudioError
        When the corpus is missing or has no usable clip, or a value is out of range.

    Examples
    --------
    >>> mixer = Mixer("corpus", "train", seconds=3.0, seed=0)   # doctest: +SKIP
    >>> noisy, clean = mixer[0]                                 # doctest: +SKIP
    """

    def _about(self) -> str:
        c = self.config
        return f"{c.cache!r}, {c.split!r}, {c.seconds} s, seed {c.seed}"

    kind = "mixer"
    """Name by which a worker process knows this class."""

    def __init__(
        self,
        cache: str | Path | MixerConfig = DEFAULT_CACHE,
        split: str = "train",
        seconds: float = 3.0,
        seed: int = 0,
        **more,
    ):
        if isinstance(cache, MixerConfig):
            self.config = cache
        else:
            self.config = MixerConfig(str(cache), split, seconds, seed, **more)
        config = self.config
        self.augment = (
            config.split == "train" if config.augment is None else config.augment
        )
        self.speech = self._pool("speech")
        self.noise = self._pool("noise")
        self._set_shares()
        responses = open_responses(config.rooms, config.own_place)
        self.rooms = Rooms(
            config.samples,
            config.seed,
            config.room_early_s,
            [measured(x) for x in responses],
        )
        curves = Curves(config.samples, config.colour_db, config.seed)
        self._material = Material(
            config, self.augment, self.speech, self.noise, curves, self.rooms
        )
        self._narrow: Material | None = None
        if config.narrow_share:
            voices = self._pool("speech", narrow=True)
            lowest = min(clip.edge_hz for clip in voices.clips if clip.edge_hz)
            edge = twice(augment.low_pass(config.samples, lowest))
            self._narrow = replace(self._material, speech=voices, edge=edge)

    def __reduce__(self) -> tuple[type[Mixer], tuple[MixerConfig]]:
        return type(self), (self.config,)  # opened again, nothing else is sent along

    def _pool(self, kind: str, narrow: bool = False) -> Pool:
        config = self.config
        least = config.min_floor_db if kind == "speech" else -np.inf

        def clean(keep: Callable[[Clip], bool]) -> Callable[[Clip], bool]:
            return lambda clip: (
                clip.floor_db >= least and (clip.edge_hz > 0) == narrow and keep(clip)
            )

        split = config.split
        corpus = (
            open_family(config.cache, config.family, split, kind)
            if config.corpus
            else []
        )
        folders = config.speech if kind == "speech" else config.noise
        place = config.own_place
        own = open_folders(folders, kind, split, config.grouping(kind), place)
        pool = Pool(
            [(flat, clean(keep)) for flat, keep in corpus],
            [(flat, clean(lambda clip: True)) for flat in own],
            config.own_share,
        )
        if not pool.groups:
            what = f"narrow {kind}" if narrow else kind
            raise AudioError(
                f"{config.source(kind)}: no usable {what} clip for {split!r}"
                + ("" if config.corpus else NONE_HELD_OUT)
            )
        return pool

    def _set_shares(self) -> None:
        shares = self.config.shares
        if shares is None:
            train = self.config.split == "train"
            shares = TRAIN_SHARES if train else (("recorded", 1.0),)
        for name, share in shares:
            if name not in NOISES:
                raise AudioError(f"noise {name!r}: known are {', '.join(NOISES)}")
            if share < 0:
                raise AudioError(f"share {share} of noise {name!r}: must not be < 0")
        if self.config.event_share:
            total = sum(share for _, share in shares)
            share = self.config.event_share
            others = [(name, (1.0 - share) * value) for name, value in shares]
            shares = (*others, ("events", share * total))
        self._kinds = [name for name, _ in shares]
        self._share_cdf = np.cumsum([share for _, share in shares])
        if self._share_cdf[-1] <= 0:
            raise AudioError("shares: at least one must be above 0")

    def _plan(self, index: int, narrow: bool = False) -> _Plan:
        """All that is drawn for pair ``index``."""
        config = self.config
        material = (self._narrow if narrow else None) or self._material
        draw = Draw(material, index)
        rng = draw.rng
        group = material.speech.group(rng)
        voice = draw.voice(group)
        kind = self._kinds[pick(rng, self._share_cdf)]
        layers = NOISES[kind](draw, group)
        return _Plan(
            material.speech.groups[group],
            voice,
            kind,
            layers,
            snr_db=rng.uniform(*config.snr_db),
            level_db=rng.uniform(*config.level_db),
            event_db=rng.uniform(0.0, config.event_db) if kind == "events" else None,
        )

    def _sounds(self, plans: Sequence[_Plan]) -> Iterator[_Sounds]:
        """Clean and heard speech and noise of each, at any level."""
        signals = [s for p in plans for s in (p.voice, *(x.signal for x in p.layers))]
        waves = iter(rendered(signals, self.config.samples))
        power = active_power if self.config.ratio == "active" else mean_power
        for plan in plans:
            clean, *heard = next(waves)
            level = power(clean)
            parts = [next(waves)[0] for _ in plan.layers]
            yield _Sounds(clean, heard, level, combined(plan.layers, parts))

    def parts(self, number: int, size: int) -> np.ndarray:
        """What batch ``number`` is mixed of.

        Returns
        -------
        numpy.ndarray
            float32 (3, size, samples), or (2, size, samples) without rooms: clean
            speech at a power of 1, noise, and the speech as it is heard, which is the
            clean one without rooms. The noise has a power of 1, or, if it consists of
            events, more or less, so that it is as loud as asked while they sound.
        """
        narrow = self.config.is_narrow(number)
        rows = range(number * size, (number + 1) * size)
        plans = [self._plan(i, narrow) for i in rows]
        out = np.empty((self.config.parts, size, self.config.samples), np.float32)
        for i, sounds in enumerate(self._sounds(plans)):
            event_db = plans[i].event_db
            power = mean_power(sounds.noise)
            if event_db is not None:
                power = loudest_power(sounds.noise) / 10.0 ** (event_db / 10.0)
            unit(sounds.clean, sounds.power, out[0, i])
            unit(sounds.noise, power, out[1, i])
            if len(out) > 2:
                out[2, i] = out[0, i]
            for heard in sounds.heard:
                unit(heard, sounds.power, out[2, i])
        return out

    def mix(
        self, index: int, snr_db: float | None = None, level_db: float | None = None
    ) -> Mix:
        """Make pair ``index``.

        Parameters
        ----------
        index : int
            Not negative.
        snr_db, level_db : float, optional
            Given instead of drawn; all else stays what it would be.

        Returns
        -------
        Mix

        Raises
        ------
        AudioError
            When one of them is out of range.
        """
        plan = self._plan(index)
        snr_db = check_limits("snr_db", plan.snr_db if snr_db is None else snr_db)
        level_db = plan.level_db if level_db is None else level_db
        level_db = check_limits("level_db", level_db)
        (sounds,) = self._sounds([plan])
        clean, noise = unit(sounds.clean, sounds.power), sounds.noise
        noise_power = float(np.mean(noise**2)) * 10.0 ** (snr_db / 10.0)
        noise = unit(noise, noise_power)
        for heard in sounds.heard:
            noise = noise + (unit(heard, sounds.power) - clean)
        noisy = clean + noise
        scale = 10.0 ** (level_db / 20.0) / np.sqrt(np.mean(noisy**2) + 1e-20)
        peak = max(np.max(np.abs(noisy)), np.max(np.abs(clean)), np.max(np.abs(noise)))
        if scale * peak > 0.99:  # all are scaled down together: clipping is no noise
            level_db += float(20.0 * np.log10(0.99 / (scale * peak)))
            scale = 0.99 / peak
        scale = np.float32(scale)
        return Mix(
            noisy * scale,
            clean * scale,
            noise * scale,
            snr_db=float(snr_db),
            level_db=float(level_db),
            voice=plan.speaker,
            noise_kind=plan.kind,
            noise_name=plan.noise_name,
        )

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return (noisy, clean), each float32 (samples,), of pair ``index``."""
        mix = self.mix(index)
        return mix.noisy, mix.clean

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        index = 0
        while True:
            yield self[index]
            index += 1

    def batch(self, number: int, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Return batch ``number``: pairs ``number * size`` and following.

        Returns
        -------
        tuple of numpy.ndarray
            noisy and clean, float32 (size, samples).
        """
        return stacked(self, range(number * size, (number + 1) * size))

    def to_dict(self) -> dict:
        """Return the configuration as plain values, for another process."""
        return asdict(self.config)

    @classmethod
    def from_dict(cls, values: dict) -> Mixer:
        """Make a mixer of what `to_dict` returned, by way of JSON or not."""
        return cls(MixerConfig.from_dict(values))


def stacked(pairs, rows: range) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of a mixer, or of what is like it, as two float32 (rows, samples)."""
    out = np.empty((2, len(rows), pairs.config.samples), dtype=np.float32)
    for to, row in enumerate(rows):
        out[0, to], out[1, to] = pairs[row]
    return out[0], out[1]
