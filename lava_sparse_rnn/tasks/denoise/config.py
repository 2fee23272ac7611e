# SPDX-License-Identifier: BSD-3-Clause
"""Settings of the denoising task: the section ``data`` of a configuration."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, NonNegativeInt, model_validator

from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.frontend import FrontEnd
from lava_sparse_rnn.audio.frontend_rules import (
    FASTEST_RISE,
    LONGEST_LEVEL,
    LOOKAHEAD,
    STRONGEST,
)
from lava_sparse_rnn.audio.mixing.wear import Wear
from lava_sparse_rnn.audio.oversubtraction import MOST
from lava_sparse_rnn.train.sections import FINISH, FREE, FilePath, Section

_LIFTED = ("front_end", "magnitude_loss", "compressed_loss")


Paths = Annotated[tuple[Path, ...], BeforeValidator(lambda v: _listed(v))]
"""Any number of paths, one of them without brackets."""


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str | Path) else value


class FrontEndConfig(Section):
    """Window and hop in samples, lookahead in tokens, bands; the rest is measured."""

    n_fft: int = Field(default=512, ge=2)
    hop_length: int | None = Field(
        default=None,
        ge=1,
        description="divides n_fft at least twice; else that of the start, or 128",
    )
    lookahead: int | None = Field(
        default=None,
        ge=0,
        le=LOOKAHEAD,
        description="tokens that the network hears after one before it answers: each a "
        "hop of delay, and no operation, more; else that of the start, or 0",
    )
    linear_bins: int | None = Field(
        default=None,
        ge=0,
        description="so many bins from 0 Hz on are numbers of a token each; together "
        "with erb_bands, or neither: then as the start has it, or all",
    )
    erb_bands: int | None = Field(
        default=None,
        ge=0,
        description="bands, equally far from each other on the ERB scale, that stand "
        "for the bins above the linear ones; 0 and linear_bins=0 for none",
    )
    strength: int | None = Field(
        default=None,
        ge=1,
        le=STRONGEST,
        description="dB, the most by which anything is attenuated, kept in the file "
        f"for whoever says nothing else; else that of the start, which {STRONGEST} all "
        "but lifts, or no limit",
    )

    level_s: float | None = Field(
        default=None,
        ge=0,
        le=LONGEST_LEVEL,
        description="seconds in which the running level is forgotten that magnitudes "
        "are divided by, so that recordings of any loudness are alike; 0 for none; "
        "else as the start has it, or none",
    )
    floor_rise: float | None = Field(
        default=None,
        ge=0,
        le=FASTEST_RISE,
        description="dB by which the tracked floor of a feature may rise in a second; "
        "the network then hears how far each is above it, and by how much it changed, "
        "too; 0 for none of this; else as the start has it, or none",
    )

    @model_validator(mode="after")
    def _check(self) -> FrontEndConfig:
        given = {"linear_bins": self.linear_bins, "erb_bands": self.erb_bands}
        missing = [name for name, value in given.items() if value is None]
        if len(missing) == 1:
            raise ValueError(f"{missing[0]} is missing: both are given, or neither")
        # A hop that is not given may be the start's: any that fits will do here.
        hop = self.hop_length or max(self.n_fft // 2, 1)
        try:
            self.model_copy(update={"hop_length": hop}).build()
        except AudioError as error:
            raise ValueError(str(error)) from None
        return self

    def build(self) -> FrontEnd:
        """A front end whose mean and scale are still to be measured."""
        return FrontEnd(**self._given())

    def after(self, before: FrontEnd) -> FrontEnd:
        """The front end of a start, or of the run so far, with what is given here.

        Raises
        ------
        ValueError
            If its window is another one, or its bands do not fit what is given.
        """
        if before.n_fft != self.n_fft:
            raise ValueError(
                f"start: its n_fft is {before.n_fft}, data.front_end.n_fft is "
                f"{self.n_fft}; they must be equal"
            )
        return replace(before, **self._given())

    def _given(self) -> dict[str, Any]:
        """What is said, as `FrontEnd` has it."""
        given = self.model_dump(exclude_none=True)
        for name in ("level_s", "floor_rise"):
            if given.get(name) == 0:
                given[name] = None
        return given


class DataConfig(Section):
    """Where mixtures come from, how they become tokens, what is made smaller."""

    source: Literal["corpus", "ndns", "synthetic"] = "corpus"
    root: FilePath | None = Field(
        default=None,
        description="folder of the corpus, or of the N-DNS set: noisy/, clean/",
        json_schema_extra=FREE,
    )
    validation_root: FilePath | None = Field(
        default=None,
        description="N-DNS set to validate on; without it the training leaves "
        "`validation_mixes` examples of `root` out for that",
        json_schema_extra=FREE,
    )
    speech: Paths = Field(default=(), description="own folders of clean speech")
    noise: Paths = Field(default=(), description="own folders of noise")
    family: Literal["usual", "unlike"] = Field(
        default="usual",
        description="unlike: some packages of the corpus are held out whole, and what "
        "is watched is mixed of them, too: one noise each, a fifth of them loud "
        "events, ratios of the whole clip",
    )
    second_share: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="share of the recorded noises that are two at once",
    )
    corpus: bool = Field(
        default=True, description="whether recordings of `root` are used, too"
    )
    own_share: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="share of speech, and of recorded noise, from own folders of it; "
        "the rest is the corpus again",
    )
    speech_group: str = Field(
        default="",
        description="regular expression that finds the speaker in a path below an own "
        "folder; else the first sub-folder, or the file",
    )
    noise_group: str = Field(
        default="", description="the same for the place or recording of a noise"
    )
    noise_kind: str = Field(
        default="", description="for its kind; else the first sub-folder"
    )
    speech_held_out: tuple[NonNegativeInt, NonNegativeInt] | None = Field(
        default=None,
        description="groups of each own folder for validation and test; else 20 and 20 "
        "of 100 or more, a tenth each of 5 or more",
    )
    noise_held_out: tuple[NonNegativeInt, NonNegativeInt] | None = None
    own_cache: FilePath | None = Field(
        default=None,
        description="folder of what own recordings are decoded to; else `own` in that "
        "of the corpus",
        json_schema_extra=FREE,
    )
    batch: int = Field(default=16, ge=1)
    seconds: float = Field(default=3.0, gt=0.05)
    pool: int = Field(default=48, ge=1, description="fresh batches kept for remixing")
    fresh_every: int = Field(default=3, ge=1, description="steps per fresh batch")
    workers: int = Field(default=1, ge=1, json_schema_extra=FREE)
    long_share: float = Field(
        default=0.25, ge=0, le=1, description="steps of long sequences"
    )
    long_factor: int = Field(
        default=4, ge=1, description="how much longer, batch permitting"
    )
    snr_min: float = -5.0
    snr_max: float = 20.0
    level_min: float = Field(default=-35.0, description="dBFS of the mixture")
    level_max: float = -15.0
    narrow_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="share of batches of voices whose band ends at 5 kHz, with noise "
        "that ends there too; such voices are left out without it",
    )
    ratio: Literal["active", "whole"] = Field(
        default="active",
        description="what is compared with the noise: the speech where somebody "
        "speaks, or all of the clean recording, pauses too; of validation as well",
    )
    event_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="share of noises that are short loud events, up to 15 dB louder "
        "than the ratio says",
    )
    pause_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="share of voices that say nothing for a while, noise or not",
    )
    room_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="share of voices, and of half as many noises, that are in a room; "
        "what is clean ends 50 ms after the direct sound",
    )
    rooms: Paths = Field(
        default=(), description="folders of measured responses; else simulated ones"
    )
    clip_share: float = Field(
        default=0.0, ge=0, le=1, description="of clipped mixtures"
    )
    gain_share: float = Field(
        default=0.0, ge=0, le=1, description="of mixtures whose gain steps"
    )
    line_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="of mixtures with the band of a line, half of them with 8 bits",
    )
    mute_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="of mixtures in which nothing comes for a while",
    )
    validation_mixes: int = Field(default=20, ge=1)
    validation_seconds: float = Field(default=4.0, gt=0.05)
    validation_snrs: tuple[float, ...] = Field(default=(0.0, 10.0), min_length=1)
    front_end: FrontEndConfig = Field(default_factory=FrontEndConfig)
    magnitude_loss: float = Field(
        default=0.0, ge=0, description="weight of the MSE term"
    )
    compressed_loss: float = Field(
        default=0.0,
        ge=0,
        description="weight of the MSE of magnitudes to the power of 0.3",
    )
    gain_loss: float = Field(
        default=0.0,
        ge=0,
        description="weight of the distance in dB between gains and ideal ones",
    )
    oversubtraction: float = Field(
        default=1.0,
        ge=1,
        le=MOST,
        description="what the network takes away is multiplied by this after the float "
        "training, then the level is set; a fine-tune goes on from there, for SI-SNR",
        json_schema_extra=FINISH,
    )

    @model_validator(mode="after")
    def _check(self) -> DataConfig:
        if self.snr_min > self.snr_max:
            raise ValueError(f"snr_min {self.snr_min} exceeds snr_max {self.snr_max}")
        if self.level_min > self.level_max:
            raise ValueError(
                f"level_min {self.level_min} exceeds level_max {self.level_max}"
            )
        if self.source == "ndns" and self.root is None:
            raise ValueError("source is ndns, and root is missing: the folder of a set")
        if self.source != "ndns" and self.validation_root is not None:
            raise ValueError(
                f"validation_root is {self.validation_root}, which only the source "
                f"ndns reads; source is {self.source}"
            )
        if self.source == "corpus" and not self.corpus:
            for name in ("speech", "noise"):
                if not getattr(self, name):
                    raise ValueError(f"{name} is missing, and corpus is false")
        own = [name for name in ("speech", "noise", "rooms") if getattr(self, name)]
        if self.source != "corpus" and own:
            raise ValueError(
                f"{own[0]} is a folder that only the source corpus reads; source is "
                f"{self.source}"
            )
        return self

    def check_seconds(self, front: FrontEnd) -> None:
        """Refuse sequences too short for any sound to come out of a front end.

        Raises
        ------
        ValueError
        """
        for name in ("seconds", "validation_seconds"):
            value, least = getattr(self, name), front.delay / front.sample_rate
            if round(value * front.sample_rate) < front.delay:
                raise ValueError(
                    f"data.{name} is {value:g}, must be at least {least:g}: a window "
                    "and what the network hears ahead"
                )

    @property
    def wear(self) -> Wear:
        """What happens to mixtures."""
        return Wear(self.clip_share, self.gain_share, self.line_share, self.mute_share)


def lift(values: dict[str, Any]) -> dict[str, Any]:
    """Settings that stood beside the section ``data`` before there were tasks."""
    older = {k: values.pop(k) for k in _LIFTED if k in values}
    if not older:
        return values
    data = values.get("data", {})
    twice = sorted(older.keys() & data.keys())
    if twice:
        raise ValueError(f"{twice[0]} is given twice, also as data.{twice[0]}")
    return {**values, "data": {**data, **older}}
