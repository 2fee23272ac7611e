# SPDX-License-Identifier: BSD-3-Clause
"""Voices that say nothing for a while, as training may have them."""

import numpy as np
import pytest

from lava_sparse_rnn.audio import Mixer, MixerConfig
from lava_sparse_rnn.audio.mixing.augment import SILENT
from lava_sparse_rnn.audio.mixing.wear import Wear, worn
from lava_sparse_rnn.audio.sound.power import active_power


def longest_silence(x):
    """Start and length of the longest run of zeros."""
    edges = np.flatnonzero(np.diff(np.concatenate([[1], x != 0, [1]])))
    starts, ends = edges[::2], edges[1::2]
    longest = np.argmax(ends - starts)
    return starts[longest], (ends - starts)[longest]


def test_a_voice_pauses(cache):
    """Noise goes on while it does, and the ratio stays that of what is spoken."""
    options = {"seconds": 3.0, "change_share": 0.0, "augment": True}
    mixer = Mixer(cache, pause_share=1.0, **options)
    mixes = [mixer.mix(i, snr_db=0.0) for i in range(40)]
    starts, counts = np.array([longest_silence(x.clean) for x in mixes]).T
    least, most = (share * 48000 for share in SILENT)
    assert counts.min() >= 0.99 * least
    assert counts.max() - counts.min() > 0.6 * (most - least)
    assert 10 < np.sum(starts == 0) < 32
    for mix, start, count in zip(mixes, starts, counts, strict=True):
        assert np.mean(mix.noise[start : start + count] ** 2) > 0
        ratio = active_power(mix.clean) / np.mean(mix.noise**2)
        assert 10 * np.log10(ratio) == pytest.approx(0.0, abs=1e-2)


@pytest.mark.parametrize("other", [{"augment": False}, {"pause_share": 0.0}])
def test_no_voice_pauses_where_none_should(cache, other):
    given = {"seconds": 1.0, "augment": True, "pause_share": 1.0} | other
    usual = Mixer(cache, seconds=1.0, augment=given["augment"])
    np.testing.assert_array_equal(Mixer(cache, **given)[3], usual[3])
    assert MixerConfig(str(cache), pause_share=1.0).to_measure("test").pause_share == 0


def test_a_voice_that_pauses_in_a_room(cache):
    """What it was before rings on for as long as the room does."""
    mixer = Mixer(cache, seconds=3.0, pause_share=1.0, room_share=1.0, augment=True)
    clean, _, heard = mixer.parts(0, 8)
    for wave, late in zip(clean, heard, strict=True):
        assert np.mean(wave**2 < 1e-8 * np.mean(wave**2)) > 0.05
        assert active_power(late) > 0.1


def test_what_is_muted_leaves_some_speech():
    """Of nothing but silence nothing is learnt, and its losses are without bound."""
    rng = np.random.default_rng(0)
    clean = np.zeros((200, 4000), np.float32)
    clean[:, 1800:2200] = 0.1 * rng.standard_normal((200, 400))
    noisy = clean + 0.01 * rng.standard_normal(clean.shape).astype(np.float32)
    a, b = worn(np.random.default_rng(1), noisy.copy(), clean.copy(), Wear(mute=1.0))
    whole = (a == noisy).all(1)
    assert 20 < whole.sum() < 180
    assert (np.square(b).sum(1) > 0.019 * np.square(clean).sum(1)).all()
    assert np.array_equal(b[whole], clean[whole])
