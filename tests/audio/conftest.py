# SPDX-License-Identifier: BSD-3-Clause
"""A small corpus made of tones and noises, in the layout of the real one."""

import numpy as np
import pytest

from lava_sparse_rnn.audio.corpus.flat import Clip, write_flat


def make_voice(seconds, pitch):
    """Harmonics with an envelope of syllables, int16."""
    t = np.arange(int(seconds * 16000)) / 16000
    x = sum(np.sin(2 * np.pi * pitch * k * t) / k for k in range(1, 12))
    x *= 0.5 + 0.5 * np.sin(2 * np.pi * 4 * t)
    return np.round(x / np.max(np.abs(x)) * 29000).astype(np.int16)


def _hiss(rng, seconds):
    """White noise, int16."""
    return (rng.standard_normal(int(seconds * 16000)) * 5000).clip(-32000, 32000)


def store_clips(folder, split, kind, rows):
    """Write rows of (group, samples) as one flat file."""
    clips = [
        Clip(0, len(x), f"{group}/{i}.wav", group, f"{group}-pkg", "CC0", 40.0)
        for i, (group, x) in enumerate(rows)
    ]
    write_flat(folder / f"{split}_{kind}", clips, (x for _, x in rows))


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """A corpus of three speakers and two families of noise in each split."""
    folder = tmp_path_factory.mktemp("corpus")
    rng = np.random.default_rng(5)
    for split in ("train", "validation", "test"):
        speech = [
            (f"{split}-{name}", make_voice(seconds, pitch))
            for name, pitch in (("low", 110), ("mid", 170), ("high", 240))
            for seconds in (0.4, 1.1, 5.0)
        ]
        noise = [
            (f"{split}-{name}", _hiss(rng, seconds))
            for name in ("street", "rain")
            for seconds in (0.3, 0.9, 2.0, 6.0)
        ]
        store_clips(folder, split, "speech", speech)
        store_clips(folder, split, "noise", noise)
    return folder


@pytest.fixture
def voice():
    """A function: (seconds, pitch) to int16 samples of a voice."""
    return make_voice


@pytest.fixture
def store():
    """A function: (folder, split, kind, rows) writes a flat file."""
    return store_clips
