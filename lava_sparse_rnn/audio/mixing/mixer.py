# SPDX-License-Identifier: BSD-3-Clause
"""Noisy and clean pairs, drawn from the corpus as training needs them.

Pair ``index`` of a mixer depends on ``(seed, index)`` only: a training run that
restarts at step k sees exactly what it would have seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from lava_sparse_rnn.audio.corpus.corpus import DEFAULT_CACHE, open_split
from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.mixing import augment
from lava_sparse_rnn.audio.mixing.pool import Pool, noise_bed, pick, say, unit
from lava_sparse_rnn.audio.sound.power import active_power
from lava_sparse_rnn.audio.sound.rate import SAMPLE_RATE
from lava_sparse_rnn.fixed_point import Brief

_TRIES = 50
_LEAST_POWER = 0.02  # of a voice whose clips have a power of 1 where they are active
_AUDIBLE = 1e-7  # of a recording whose peak is 0.9


@dataclass(frozen=True)
class MixerConfig:
    """What a mixer draws; plain values, so that another process can be told.

    Attributes
    ----------
    cache : str
        Folder of the corpus.
    split : str
        ``"train"``, ``"validation"`` or ``"test"``.
    seconds : float
        Length of a pair.
    seed : int
        Of all draws.
    snr_db : tuple of float
        Range of the ratio of active speech to noise, dB.
    level_db : tuple of float
        Range of the level of the noisy mix, dB below full scale (root mean square).
    augment : bool or None
        Change speed, pitch and colour; None means only in the training split.
    speed : tuple of float
        Range of the speed and pitch change.
    colour_db : float
        Standard deviation of the random filters over frequency, dB.
    change_share : float
        Share of the signals whose speed is changed, and of those that are coloured;
        the rest stays as recorded, which is what a network will hear.
    band_share : float
        Share of the noises that end at a frequency between 2.5 and 7.5 kHz, as
        recordings made at lower rates do.
    shares : tuple of (str, float)
        Relative frequency of each kind of noise in :data:`NOISES`; None means the
        default of the split: babble and coloured noise are for training.
    min_floor_db : float
        Speech clips whose pauses are less than this far below the voice are left
        out: their noise would be learnt as speech.
    """

    cache: str = str(DEFAULT_CACHE)
    split: str = "train"
    seconds: float = 3.0
    seed: int = 0
    snr_db: tuple[float, float] = (-5.0, 20.0)
    level_db: tuple[float, float] = (-35.0, -15.0)
    augment: bool | None = None
    speed: tuple[float, float] = (0.75, 1.3)
    colour_db: float = 3.0
    change_share: float = 0.5
    band_share: float = 0.35
    shares: tuple[tuple[str, float], ...] | None = None
    min_floor_db: float = 20.0

    def __post_init__(self) -> None:
        for name in ("snr_db", "level_db", "speed"):
            low, high = getattr(self, name)
            if not low <= high:
                raise AudioError(f"{name} {low}..{high}: the range is empty")
        if self.seconds < 0.1:
            raise AudioError(f"seconds {self.seconds}: at least 0.1 is needed")
        if self.speed[0] <= 0.1:
            raise AudioError(f"speed {self.speed[0]}: must be above 0.1")
        for name in ("change_share", "band_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise AudioError(f"{name} {getattr(self, name)}: must lie in 0..1")

    @property
    def samples(self) -> int:
        """Samples of a pair."""
        return round(self.seconds * SAMPLE_RATE)


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
    """

    noisy: np.ndarray = field(repr=False)
    clean: np.ndarray = field(repr=False)
    noise: np.ndarray = field(repr=False)
    snr_db: float
    level_db: float
    voice: str
    noise_kind: str


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
        self.speech = Pool(
            open_split(config.cache, config.split, "speech"),
            lambda clip: clip.floor_db >= config.min_floor_db,
        )
        self.noise = Pool(open_split(config.cache, config.split, "noise"))
        for kind, pool in (("speech", self.speech), ("noise", self.noise)):
            if not pool.groups:
                raise AudioError(
                    f"{config.cache}: no usable {kind} clip for {config.split!r}"
                )
        self._set_shares()

    def _set_shares(self) -> None:
        shares = self.config.shares
        if shares is None:
            train = self.config.split == "train"
            shares = _TRAIN_SHARES if train else (("recorded", 1.0),)
        for name, share in shares:
            if name not in NOISES:
                raise AudioError(f"noise {name!r}: known are {', '.join(NOISES)}")
            if share < 0:
                raise AudioError(f"share {share} of noise {name!r}: must not be < 0")
        self._kinds = [name for name, _ in shares]
        self._share_cdf = np.cumsum([share for _, share in shares])
        if self._share_cdf[-1] <= 0:
            raise AudioError("shares: at least one must be above 0")

    def _changes(self, rng: np.random.Generator) -> bool:
        return self.augment and rng.random() < self.config.change_share

    def length(self, rng: np.random.Generator) -> int:
        """Draw the samples to take for one signal: the speed change."""
        if not self._changes(rng):
            return self.config.samples
        return augment.source_length(
            self.config.samples, rng.uniform(*self.config.speed)
        )

    def colour(self, rng: np.random.Generator) -> np.ndarray | None:
        """Draw a random filter, or None without augmentation."""
        if not self._changes(rng):
            return None
        return augment.random_colour(rng, self.config.samples, self.config.colour_db)

    def noise_colour(self, rng: np.random.Generator) -> np.ndarray | None:
        """Draw a random filter for a noise: the colour, and where its band ends."""
        gains = self.colour(rng)
        if not self.augment or rng.random() >= self.config.band_share:
            return gains
        band = augment.random_band(rng, self.config.samples)
        return band if gains is None else gains * band

    def _voice(self, rng: np.random.Generator, group: int) -> np.ndarray:
        """Let a speaker talk, at an active power of 1."""
        for _ in range(_TRIES):
            x = say(rng, self.speech, group, self.length(rng))
            # A piece cut out of a long clip can be one pause: draw again.
            if active_power(x) > _LEAST_POWER:
                break
        else:
            raise AudioError(
                f"speaker {self.speech.groups[group]!r}: {_TRIES} draws held no speech"
            )
        x = augment.resample_and_colour(x, self.config.samples, self.colour(rng))
        return unit(x, active_power(x))

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
        """
        config = self.config
        rng = np.random.default_rng([config.seed, index])
        group = self.speech.group(rng)
        clean = self._voice(rng, group)
        kind = self._kinds[pick(rng, self._share_cdf)]
        noise = NOISES[kind](rng, self, group)
        drawn = rng.uniform(*config.snr_db), rng.uniform(*config.level_db)
        snr_db = float(drawn[0] if snr_db is None else snr_db)
        level_db = float(drawn[1] if level_db is None else level_db)
        noise_power = float(np.mean(noise**2)) * 10.0 ** (snr_db / 10.0)
        noise = unit(noise, noise_power)
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
            snr_db=snr_db,
            level_db=level_db,
            voice=self.speech.groups[group],
            noise_kind=kind,
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
        ranges = {name: tuple(values[name]) for name in ("snr_db", "level_db", "speed")}
        return cls(MixerConfig(**{**values, **ranges}))


def stacked(pairs, rows: range) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of a mixer, or of what is like it, as two float32 (rows, samples)."""
    out = np.empty((2, len(rows), pairs.config.samples), dtype=np.float32)
    for to, row in enumerate(rows):
        out[0, to], out[1, to] = pairs[row]
    return out[0], out[1]


def _one_recording(rng: np.random.Generator, mixer: Mixer) -> np.ndarray:
    for _ in range(_TRIES):
        x = noise_bed(rng, mixer.noise, mixer.length(rng))
        if np.mean(x**2) > _AUDIBLE:
            break
    else:
        x = augment.coloured_noise(rng, mixer.config.samples, 1.0, None)
    x = augment.resample_and_colour(x, mixer.config.samples, mixer.noise_colour(rng))
    return unit(x, float(np.mean(x**2)))


def _recorded(rng: np.random.Generator, mixer: Mixer, speaker: int) -> np.ndarray:
    """One noise file, or a second one with it."""
    x = _one_recording(rng, mixer)
    if rng.random() < 0.5:
        gain = np.float32(10.0 ** (rng.uniform(-10.0, 3.0) / 20.0))
        x = x + gain * _one_recording(rng, mixer)
    return x


def _babble(rng: np.random.Generator, mixer: Mixer, speaker: int) -> np.ndarray:
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


def _coloured(rng: np.random.Generator, mixer: Mixer, speaker: int) -> np.ndarray:
    exponent = rng.uniform(-0.5, 2.0)
    n = mixer.config.samples
    return augment.coloured_noise(rng, n, exponent, mixer.noise_colour(rng))


def _hum(rng: np.random.Generator, mixer: Mixer, speaker: int) -> np.ndarray:
    """Steady tones: transformers, motors, turbines, over a floor of noise."""
    n = mixer.config.samples
    floor = np.float32(10.0 ** (rng.uniform(-30.0, -3.0) / 20.0))
    x = floor * _coloured(rng, mixer, speaker)
    for _ in range(int(rng.integers(1, 4))):
        gain = np.float32(10.0 ** (rng.uniform(-12.0, 0.0) / 20.0))
        x = x + gain * augment.harmonic_tones(rng, n)
    gains = mixer.noise_colour(rng)
    return x if gains is None else augment.resample_and_colour(x, n, gains)


def _beating(rng: np.random.Generator, mixer: Mixer, speaker: int) -> np.ndarray:
    """Noise that swells and fades in a rhythm: engines, trains, mills."""
    n = mixer.config.samples
    return _coloured(rng, mixer, speaker) * augment.rhythm(rng, n)


NOISES: dict[str, Callable[[np.random.Generator, Mixer, int], np.ndarray]] = {
    "recorded": _recorded,
    "babble": _babble,
    "coloured": _coloured,
    "hum": _hum,
    "beating": _beating,
}
"""Kind of noise to a function (rng, mixer, index of the speaker) -> (samples,)."""

# Recordings hold few steady hums, which speech models take for voices.
_TRAIN_SHARES = (
    ("recorded", 0.70),
    ("babble", 0.05),
    ("coloured", 0.06),
    ("hum", 0.12),
    ("beating", 0.07),
)
