# SPDX-License-Identifier: BSD-3-Clause
"""Draw clips and string them together: a voice that talks on, a noise that lasts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from lava_sparse_rnn.audio.corpus.flat import UNIT, Clip, FlatFile
from lava_sparse_rnn.audio.mixing import augment
from lava_sparse_rnn.audio.sound.power import active_power
from lava_sparse_rnn.audio.sound.rate import SAMPLE_RATE

FADE = 80
"""Samples, 5 ms: no click where a recording is cut."""

_CROSSFADE = 800  # 50 ms: no audible seam where a noise is looped


def pick(rng: np.random.Generator, cdf: np.ndarray) -> int:
    """Draw an index with the weights that ``cdf`` is the running sum of."""
    return int(np.searchsorted(cdf, rng.random() * cdf[-1], side="right"))


def unit(x: np.ndarray, power: float, out: np.ndarray | None = None) -> np.ndarray:
    """Divide by the square root of ``power``; silence stays silence."""
    scale = np.float32(1.0 / np.sqrt(power) if power > 0 else 1.0)
    return np.multiply(x, scale, out=out)


class Pool:
    """Clips of flat files with weights for drawing them.

    The weight of a group and of a clip is the square root of its length: long ones
    are heard more often, short ones often enough.

    Parameters
    ----------
    corpus : sequence of (FlatFile, callable)
        The function tells of a clip whether it is used.
    own : sequence of (FlatFile, callable)
        The same of a user's own folders.
    own_share : float
        Share of the draws that are of those, where there is a corpus too.

    Attributes
    ----------
    groups : list of str
        Speakers, or kinds of noise.
    clips : list of Clip
    """

    def __init__(
        self,
        corpus: Sequence[tuple[FlatFile, Callable[[Clip], bool]]],
        own: Sequence[tuple[FlatFile, Callable[[Clip], bool]]] = (),
        own_share: float = 0.5,
    ):
        members: dict[str, list[int]] = {}
        self.clips: list[Clip] = []
        self._homes: list[tuple[FlatFile, int]] = []
        for flat, keep in (*corpus, *own):
            first = len(self.clips)
            for i, clip in enumerate(flat):
                if keep(clip):
                    members.setdefault(clip.kind, []).append(first + i)
            self.clips.extend(flat)
            self._homes.extend((flat, i) for i in range(len(flat)))
        self.groups = sorted(members)
        self.members = [np.array(members[name]) for name in self.groups]
        lengths = [
            np.array([self.clips[i].seconds for i in rows]) for rows in self.members
        ]
        self._clip_cdf = [np.cumsum(np.sqrt(s)) for s in lengths]
        weights = np.array([np.sqrt(s.sum()) for s in lengths])
        others = sum(len(flat) for flat, _ in corpus)
        owned = np.array([rows[0] >= others for rows in self.members], dtype=bool)
        if owned.any() and not owned.all():
            weights[owned] *= own_share / weights[owned].sum()
            weights[~owned] *= (1.0 - own_share) / weights[~owned].sum()
        self._group_cdf = np.cumsum(weights)
        self._loudness: dict[int, float] = {}

    def group(self, rng: np.random.Generator) -> int:
        """Draw a speaker or a family of noises."""
        return pick(rng, self._group_cdf)

    def clip(self, rng: np.random.Generator, group: int) -> int:
        """Draw a clip of a group."""
        return int(self.members[group][pick(rng, self._clip_cdf[group])])

    def cut(self, rng: np.random.Generator, clip: int, count: int) -> np.ndarray:
        """Take at most ``count`` samples of a clip, from a random place."""
        return np.multiply(self.raw_cut(rng, clip, count), UNIT, dtype=np.float32)

    def raw_cut(self, rng: np.random.Generator, clip: int, count: int) -> np.ndarray:
        """The same in int16, a view; times `UNIT` it is `cut`."""
        spare = self.clips[clip].length - count
        start = int(rng.integers(spare + 1)) if spare > 0 else 0
        flat, i = self._homes[clip]
        return flat.raw(i)[start : start + count]

    def samples(self, clip: int) -> np.ndarray:
        """All samples of a clip, see `FlatFile.samples`."""
        flat, i = self._homes[clip]
        return flat.samples(i)

    def loudness(self, clip: int) -> float:
        """Mean square of a whole clip where it is active, remembered."""
        if clip not in self._loudness:
            self._loudness[clip] = active_power(self.samples(clip))
        return self._loudness[clip]


def say(rng: np.random.Generator, pool: Pool, group: int, n: int) -> np.ndarray:
    """Let one speaker talk for ``n`` samples, with pauses; float32 (n,)."""
    out = np.zeros(n, dtype=np.float32)
    at = int(rng.uniform(0.0, min(0.4 * SAMPLE_RATE, n / 4)))
    while at < n - FADE:
        clip = pool.clip(rng, group)
        raw = pool.raw_cut(rng, clip, n - at)
        gain = 10.0 ** (rng.normal(0.0, 1.5) / 20.0)
        # The level is that of the whole clip: a short cut may be a pause.
        power = pool.loudness(clip) / gain**2
        scale = UNIT * np.float32(1.0 / np.sqrt(power)) if power > 0 else UNIT
        x = np.multiply(raw, scale, out=out[at : at + len(raw)])
        augment.fade(x, FADE)
        at += len(x) + int(SAMPLE_RATE * rng.uniform(0.05, 0.5))
    return out


def loop(x: np.ndarray, n: int) -> np.ndarray:
    """Repeat ``x`` with crossfades until ``n`` samples."""
    fade = min(_CROSSFADE, len(x) // 4)
    ramp = np.linspace(0.0, 1.0, fade, dtype=np.float32)
    body = x[fade:].copy()
    # The end of each round turns into the beginning of the next one.
    if fade:
        body[-fade:] = body[-fade:] * (1 - ramp) + x[:fade] * ramp
    return np.tile(body, -(-n // len(body)))[:n]


def noise_bed(rng: np.random.Generator, pool: Pool, group: int, n: int) -> np.ndarray:
    """Noise of one family for ``n`` samples; float32 (n,)."""
    x = pool.cut(rng, pool.clip(rng, group), n)
    if len(x) >= n:
        return x
    if len(x) > SAMPLE_RATE or rng.random() < 0.3:
        return np.roll(loop(x, n), int(rng.integers(n)))
    # Short sounds: others of the family follow, as on a street or in a workshop.
    out = np.zeros(n, dtype=np.float32)
    at = 0
    while at < n:
        x = augment.fade(x, FADE)[: n - at]
        out[at : at + len(x)] += x
        at += max(FADE, int(len(x) * rng.uniform(0.6, 1.3)))
        x = pool.cut(rng, pool.clip(rng, group), n)
    return out
