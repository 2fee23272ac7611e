# SPDX-License-Identifier: BSD-3-Clause
"""What chance decides for one pair: its voice, and what each signal goes through."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.mixing import augment
from lava_sparse_rnn.audio.mixing.augment import Curves, source_length
from lava_sparse_rnn.audio.mixing.config import MixerConfig
from lava_sparse_rnn.audio.mixing.gains import Gains, product
from lava_sparse_rnn.audio.mixing.layers import Signal
from lava_sparse_rnn.audio.mixing.pool import FADE, Pool, say
from lava_sparse_rnn.audio.mixing.rooms import Rooms
from lava_sparse_rnn.audio.sound.power import active_power

TRIES = 50
"""Draws after which material is given up."""

_LEAST_POWER = 0.02  # of a voice whose clips have a power of 1 where they are active
_NEIGHBOURS = 8  # pairs that share a few speeds, so that their transforms go together
_SPEEDS = 2
_STREAM = 9  # of random numbers, beside those of the pairs


@dataclass(frozen=True)
class Material:
    """What there is to draw from."""

    config: MixerConfig
    augment: bool
    speech: Pool
    noise: Pool
    curves: Curves
    rooms: Rooms
    edge: Gains | None = None
    """Where the band of voices ends early, and that of the noise has to end."""


@functools.lru_cache(maxsize=8)
def _lengths(n: int, low: float, high: float, seed: int, block: int) -> tuple[int, ...]:
    """Samples to take for signals of changed speed, in some neighbouring pairs."""
    rng = np.random.default_rng([seed, _STREAM, block])
    return tuple(source_length(n, rng.uniform(low, high)) for _ in range(_SPEEDS))


class Draw:
    """The draws of one pair.

    Parameters
    ----------
    material : Material
    index : int
        Of the pair; with the seed all that the draws depend on.
    """

    def __init__(self, material: Material, index: int):
        self.material, self.config = material, material.config
        self.rng = np.random.default_rng([self.config.seed, index])
        self._block = index // _NEIGHBOURS

    def _changes(self) -> bool:
        changed = self.material.augment
        return changed and self.rng.random() < self.config.change_share

    def length(self) -> int:
        """Samples to take for one signal: the speed change."""
        config = self.config
        # Another speed would move the end of a narrow band.
        if not self._changes() or self.material.edge is not None:
            return config.samples
        lengths = _lengths(config.samples, *config.speed, config.seed, self._block)
        return lengths[int(self.rng.integers(_SPEEDS))]

    def _colour(self) -> Gains | None:
        return self.material.curves.colour(self.rng) if self._changes() else None

    def noise_filter(self) -> Gains | None:
        """What a noise has gone through: its colour, band and room."""
        gains = self._colour()
        if self.material.augment and self.rng.random() < self.config.band_share:
            gains = product(gains, self.material.curves.band(self.rng))
        gains = self._narrowed(gains)
        room = self._room(self.config.room_share / 2)
        return gains if room is None else product(gains, room[0])

    def _narrowed(self, gains: Gains | None) -> Gains | None:
        edge = self.material.edge
        return gains if edge is None else product(gains, edge)

    def _room(self, share: float) -> tuple[Gains, Gains] | None:
        if not (self.material.augment and share) or self.rng.random() >= share:
            return None
        rooms = self.material.rooms
        return rooms.spectra(int(self.rng.integers(len(rooms))))

    def _paused(self, x: np.ndarray) -> np.ndarray:
        """A voice that is silent for a while, or not; in place."""
        share, rng = self.config.pause_share, self.rng
        if not (self.material.augment and share) or rng.random() >= share:
            return x
        where = augment.silent(rng, len(x))
        x[where] = 0.0
        for part in (x[: where.start], x[where.stop :]):
            augment.fade(part, FADE)
        return x

    def voice(self, group: int) -> Signal:
        """Let a speaker talk: what is to be heard of it, and what is heard.

        Raises
        ------
        AudioError
            For one who says nothing.
        """
        speech = self.material.speech
        for _ in range(TRIES):
            x = self._paused(say(self.rng, speech, group, self.length()))
            # A piece cut out of a long clip can be one pause: draw again.
            if active_power(x) > _LEAST_POWER:
                break
        else:
            raise AudioError(
                f"speaker {speech.groups[group]!r}: {TRIES} draws held no speech"
            )
        colour = self._narrowed(self._colour())
        room = self._room(self.config.room_share)
        if room is None:
            return Signal(x, (colour,))
        whole, early = room
        return Signal(x, (product(colour, early), product(colour, whole)))
