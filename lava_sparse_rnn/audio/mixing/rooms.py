# SPDX-License-Identifier: BSD-3-Clause
"""Responses of rooms: what a voice sounds like from some way off.

A response is simulated for a box with a talker and a microphone in it: the images of
the talker in the walls [1]_ give the direct sound and the early reflections, and noise
that decays as the room does the dense ones after them.  The walls' absorption follows
from the reverberation time by Eyring's formula.  What was measured in rooms can be used
instead.

References
----------
.. [1] J. B. Allen, D. A. Berkley: Image method for efficiently simulating small-room
   acoustics.  J. Acoust. Soc. Am. 65, 943-950 (1979).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lava_sparse_rnn.audio.sound.fft import irfft, rfft, rfftfreq
from lava_sparse_rnn.audio.sound.rate import SAMPLE_RATE

EARLY_S = 0.05
"""Seconds after the direct sound that belong to the voice: they help to understand."""

COUNT = 192
"""Simulated responses of a run."""

_STREAM = 7  # of random numbers, beside those of the pairs
_SOUND = 343.0  # m/s
_LONGEST_S = 1.0
_DENSE_S = 0.08  # after the direct sound; then reflections are too many to be told
_FADE = 80  # samples: 5 ms
_SMALLEST = np.array([2.5, 2.5, 2.2])  # metres
_LARGEST = np.array([10.0, 8.0, 4.0])
_WALL = 0.3  # metres that nobody comes closer to a wall


def simulate(rng: np.random.Generator) -> np.ndarray:
    """Draw a room, a talker and a microphone: the response from one to the other.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    numpy.ndarray
        float32 (samples,), at most a second; it begins with the direct sound, whose
        amplitude is 1. The reverberation time lies between 0.1 and 0.8 s, the distance
        between 0.2 and 4 m.
    """
    size = rng.uniform(_SMALLEST, _LARGEST)
    decay_s = 0.1 * 8.0 ** rng.random()  # of 60 dB
    volume = float(size.prod())
    surface = 2.0 * (volume / size).sum()
    absorption = 1.0 - math.exp(-0.161 * volume / (surface * decay_s))
    microphone = rng.uniform(_WALL, size - _WALL)
    direction = rng.standard_normal(3)
    direction *= 0.2 * 20.0 ** rng.random() / np.linalg.norm(direction)
    talker = np.clip(microphone + direction, _WALL, size - _WALL)
    distance = max(float(np.linalg.norm(talker - microphone)), 0.05)
    length = round(min(_LONGEST_S, decay_s + _DENSE_S) * SAMPLE_RATE)
    response = np.zeros(length)
    early = _images(rng, size, talker, microphone, math.sqrt(1.0 - absorption))
    response[: len(early)] = early
    # Where direct and reverberant sound are equally strong.
    critical = 0.057 * math.sqrt(volume / decay_s)
    response += (distance / critical) * _tail(rng, length, decay_s)
    return response.astype(np.float32)


def _images(
    rng: np.random.Generator,
    size: np.ndarray,
    talker: np.ndarray,
    microphone: np.ndarray,
    reflection: float,
) -> np.ndarray:
    """Direct sound and early reflections."""
    direct = max(float(np.linalg.norm(talker - microphone)), 0.05)
    reach = direct + _SOUND * _DENSE_S
    squares, bounces = [], []
    for extent, at, heard in zip(size, talker, microphone, strict=True):
        most = math.ceil(reach / extent) + 1
        order = np.arange(-most, most + 1)
        # An even image is the talker moved, an odd one mirrored.
        place = order * extent + np.where(order % 2, extent - at, at)
        squares.append((place - heard) ** 2)
        bounces.append(np.abs(order))
    square = squares[0][:, None, None] + squares[1][:, None] + squares[2]
    count = bounces[0][:, None, None] + bounces[1][:, None] + bounces[2]
    near = square < reach**2
    count = count[near]
    # Walls are not quite flat: a perfect lattice would ring.
    jitter = np.where(count, rng.uniform(0.99, 1.01, count.shape), 1.0)
    paths = np.maximum(np.sqrt(square[near]) * jitter, direct)
    gains = direct / paths * reflection**count
    times = (paths - direct) / _SOUND * SAMPLE_RATE
    first = times.astype(int)
    part = times - first
    count = round(_DENSE_S * SAMPLE_RATE)
    out = np.bincount(first, gains * (1.0 - part), count)[:count]
    out[1:] += np.bincount(first, gains * part, count)[: count - 1]
    return out


def _tail(rng: np.random.Generator, length: int, decay_s: float) -> np.ndarray:
    """Dense reflections of a room whose whole reverberation has an energy of 1."""
    rate = math.log(1e6) / decay_s  # of the energy, per second
    t = np.arange(length) / SAMPLE_RATE
    tail = rng.standard_normal(length)
    # Air and soft walls take the high tones first.
    hz = rfftfreq(length, 1.0 / SAMPLE_RATE)
    tail = irfft(rfft(tail) / np.sqrt(1.0 + (hz / rng.uniform(2e3, 8e3)) ** 2), length)
    start = round(_DENSE_S * SAMPLE_RATE)
    rise = np.clip((np.arange(length) - start) / _FADE + 1.0, 0.0, 1.0)
    return rise * tail * np.sqrt(rate / SAMPLE_RATE * np.exp(-rate * t))


def measured(samples: np.ndarray) -> np.ndarray:
    """A measured response as `simulate` gives them: from its direct sound on.

    Parameters
    ----------
    samples : numpy.ndarray
        float32 (samples,) at 16 kHz.
    """
    peak = int(np.argmax(np.abs(samples)))
    start = max(0, peak - _FADE // 5)
    x = samples[start : start + round(_LONGEST_S * SAMPLE_RATE)].astype(np.float32)
    x = x / np.max(np.abs(x))
    fade = min(_FADE, len(x) // 2)
    if fade:
        x[-fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    return x


class Rooms:
    """A bank of responses, by their spectra.

    Parameters
    ----------
    n : int
        Samples of the signals they are for. They act in a circle: what rings on after
        the end is heard at the beginning, as of words before.
    seed : int
        Of the simulated ones.
    early_s : float
        Seconds after the direct sound that belong to the voice.
    measured : sequence of ndarray
        Responses to use instead of simulated ones, as `measured` returns them.
    """

    def __init__(
        self,
        n: int,
        seed: int,
        early_s: float = EARLY_S,
        measured: Sequence[np.ndarray] = (),
    ):
        self._n, self._seed, self._early = n, seed, round(early_s * SAMPLE_RATE)
        self._measured = list(measured)
        self._made: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def __len__(self) -> int:
        return len(self._measured) or COUNT

    def response(self, number: int) -> np.ndarray:
        """Response ``number``, float32 (samples,)."""
        if self._measured:
            return self._measured[number]
        return simulate(np.random.default_rng([self._seed, _STREAM, number]))

    def spectra(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Of all that is heard, and of what belongs to the voice.

        Returns
        -------
        tuple of numpy.ndarray
            complex64 (n // 2 + 1,) each.
        """
        if number not in self._made:
            whole = self.response(number)[: self._n]
            fade = np.clip(
                1.0 - (np.arange(len(whole)) - self._early) / _FADE, 0.0, 1.0
            )
            early = (whole * fade).astype(np.float32)
            self._made[number] = rfft(whole, self._n), rfft(early, self._n)
        return self._made[number]
