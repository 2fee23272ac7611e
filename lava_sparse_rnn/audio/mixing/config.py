# SPDX-License-Identifier: BSD-3-Clause
"""What a mixer draws, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from lava_sparse_rnn.audio.corpus.corpus import DEFAULT_CACHE
from lava_sparse_rnn.audio.corpus.folders import Grouping
from lava_sparse_rnn.audio.corpus.packages import FAMILIES, SPLITS
from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.sound.rate import SAMPLE_RATE
from lava_sparse_rnn.fixed_point import shown

RATIOS = ("active", "whole")
"""What of the speech a ratio is of."""

LIMITS = {
    "seconds": (0.1, 3600.0),
    "snr_db": (-100.0, 100.0),
    "level_db": (-100.0, 100.0),
    "speed": (0.1, 10.0),
}
"""Least and most. A pair is mixed as a whole, and an hour of it takes 2 GB of memory;
of two sounds that are 100 dB apart, samples of 16 bits have but one."""

_NAMES = {"ratio": RATIOS, "family": FAMILIES, "split": SPLITS}

_STREAM = 11  # of random numbers, beside those of the pairs

_SHARES = (
    *("change_share", "band_share", "own_share"),
    *("event_share", "room_share", "second_share", "narrow_share", "pause_share"),
)

# What is measured in a family: one noise at a time, so that a table by their kinds is
# of them; some are loud and short; pauses of the speech are part of a ratio.
_MEASURED = {"unlike": {"ratio": "whole", "event_share": 0.2, "second_share": 0.0}}


def check_limits(name: str, value: float, called: str | None = None) -> float:
    """A number that a mixer is given, where it lies in its range.

    Parameters
    ----------
    name : str
        One of :data:`LIMITS`.
    value : float
    called : str, optional
        What messages call it.

    Raises
    ------
    AudioError
        Also for what is no number.
    """
    least, most = LIMITS[name]
    if not isinstance(value, Real) or not least <= value <= most:
        raise AudioError(
            f"{called or name} is {shown(value)}, must lie in {least:g}..{most:g}"
        )
    return value


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
    family : str
        Which packages of the corpus are held out, see
        :func:`lava_sparse_rnn.audio.corpus.corpus.open_family`.
    second_share : float
        Share of the recorded noises that are two at once.
    narrow_share : float
        Share of the batches whose voices' band ends below what 16 kHz can hold, and
        whose noise ends there too; such voices are in no other batch.
    corpus : bool
        Whether the recordings of ``cache`` are used, or the own folders only.
    speech, noise : tuple of str
        Own folders, see :mod:`lava_sparse_rnn.audio.corpus.folders`.
    own_share : float
        Share of the speech, and of the recorded noise, that is from own folders, of
        which any were given, where the corpus is used too.
    speech_group, noise_group, noise_kind : str
        Regular expressions that tell what belongs together in own folders, see
        :class:`lava_sparse_rnn.audio.corpus.folders.Grouping`.
    speech_held_out, noise_held_out : tuple of int or None
        Groups of each own folder for validation and for the test.
    own_cache : str or None
        Folder of what was decoded of own folders; None means ``own`` in ``cache``.
    ratio : str
        What a ratio compares with the noise: ``"active"``, the speech where somebody
        speaks, or ``"whole"``, all of the clean recording, pauses too.
    event_share : float
        Share of the noises that are short loud events.
    event_db : float
        The loudest 100 ms of events may be that much louder than the ratio says.
    pause_share : float
        Share of the voices that say nothing for a tenth to three quarters of the pair
        when augmented, half of these at its beginning: noise alone is what a denoiser
        hears most of the time.
    room_share : float
        Share of the voices that are heard in a room when augmented, and of half as
        many noises; what is clean ends ``room_early_s`` after the direct sound.
    rooms : tuple of str
        Folders of measured responses; without any, rooms are simulated.
    room_early_s : float
        Seconds.
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
    family: str = "usual"
    second_share: float = 0.5
    narrow_share: float = 0.0
    corpus: bool = True
    speech: tuple[str, ...] = ()
    noise: tuple[str, ...] = ()
    own_share: float = 0.5
    speech_group: str = ""
    noise_group: str = ""
    noise_kind: str = ""
    speech_held_out: tuple[int, int] | None = None
    noise_held_out: tuple[int, int] | None = None
    own_cache: str | None = None
    ratio: str = "active"
    event_share: float = 0.0
    event_db: float = 15.0
    pause_share: float = 0.0
    room_share: float = 0.0
    rooms: tuple[str, ...] = ()
    room_early_s: float = 0.05

    def __post_init__(self) -> None:
        for name in ("snr_db", "level_db", "speed"):
            low, high = getattr(self, name)
            if not low <= high:
                raise AudioError(f"{name} {low}..{high}: the range is empty")
            for value in (low, high):
                check_limits(name, value)
        check_limits("seconds", self.seconds)
        for name in _SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise AudioError(f"{name} {getattr(self, name)}: must lie in 0..1")
        for name, known in _NAMES.items():
            if (value := getattr(self, name)) not in known:
                raise AudioError(f"{name} {value!r}: known are {', '.join(known)}")

        for kind in ("speech", "noise"):
            self.grouping(kind)
            if not self.source(kind):
                raise AudioError(f"{kind}: no own folder, and the corpus is not used")

    def to_measure(self, split: str) -> MixerConfig:
        """What a split other than the training is mixed like, given the training's.

        Parameters
        ----------
        split : str
            ``"validation"`` or ``"test"``.
        """
        shares = ("event_share", "pause_share", "room_share", "narrow_share")
        usual = {**dict.fromkeys(shares, 0.0), "second_share": 0.5}
        how = {**usual, **_MEASURED.get(self.family, {})}
        return replace(self, split=split, **how)

    def grouping(self, kind: str) -> Grouping:
        """How the recordings of own folders of a kind belong together."""
        try:
            if kind == "speech":
                return Grouping(self.speech_group, "", self.speech_held_out)
            return Grouping(self.noise_group, self.noise_kind, self.noise_held_out)
        except AudioError as error:
            raise AudioError(f"{kind}: {error}") from None

    def source(self, kind: str) -> str:
        """Where the recordings of a kind are from, for messages."""
        own = self.speech if kind == "speech" else self.noise
        return ", ".join(([self.cache] if self.corpus else []) + list(own))

    @classmethod
    def from_dict(cls, values: dict) -> MixerConfig:
        """Made of what `dataclasses.asdict` returned, by way of JSON or not."""
        plain: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        return cls(**plain)

    def is_narrow(self, number: int) -> bool:
        """Whether the voices of batch ``number`` are those whose band ends early."""
        rng = np.random.default_rng([self.seed, _STREAM, number])
        return bool(rng.random() < self.narrow_share)

    @property
    def own_place(self) -> Path:
        """Folder of what was decoded of own folders."""
        return Path(self.own_cache or Path(self.cache) / "own")

    @property
    def parts(self) -> int:
        """Signals that `Mixer.parts` gives for each pair."""
        return 3 if self.room_share else 2

    @property
    def samples(self) -> int:
        """Samples of a pair."""
        return round(self.seconds * SAMPLE_RATE)
