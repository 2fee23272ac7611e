# SPDX-License-Identifier: BSD-3-Clause
"""The running level of a sound."""

import math
from dataclasses import replace

import numpy as np
import pytest

from lava_sparse_rnn import spec
from lava_sparse_rnn.audio import AudioError, Denoiser, FrontEnd
from lava_sparse_rnn.audio.sound.level import ATTACK, REFERENCE, Level
from lava_sparse_rnn.audio.sound.silence import SILENCE, loudness

FRONT = FrontEnd(hop_length=256, level_s=0.5)


def spectrum(samples):
    return FRONT.stft().analysis(np.asarray(samples, np.float32), tail=False)


def heard(X):
    return loudness(np.square(np.abs(X), dtype=np.float64).mean(1), 512)


def written_out(X, level_s):
    """The equations, a frame and a bin at a time."""
    level, n, factors = SILENCE, 0, []
    for frame in X:
        now = math.sqrt(2 * sum(abs(complex(z)) ** 2 for z in frame) / len(frame) / 512)
        if now >= SILENCE:
            n += 1
            part = max(1 / n, 1 - math.exp(-256 / 16000 / level_s))
            level = max(level + part * (now - level), ATTACK * now)
        factors.append(REFERENCE / level)
    return factors


def test_it_is_what_its_equations_say():
    rng = np.random.default_rng(0)
    sound = rng.standard_normal(16000) * np.repeat([0.0, 0.3, 1e-5, 0.02, 0.5], 3200)
    X = spectrum(sound)
    assert np.allclose(FRONT.level().factors(heard(X)), written_out(X, 0.5), rtol=1e-6)


@pytest.mark.parametrize("level_db", [-70, -45, -5])
def test_steady_noise_comes_to_the_reference(level_db):
    noise = np.random.default_rng(1).standard_normal(32000) * 10 ** (level_db / 20)
    X = spectrum(noise)
    at_level = X * FRONT.level().factors(heard(X))[:, None]
    power = 2 / 512 * np.square(np.abs(at_level)).mean()
    assert abs(10 * math.log10(power) + 25) < 0.3


def test_features_do_not_know_how_loud_a_recording_is():
    sound = np.random.default_rng(2).standard_normal(16000).astype(np.float32) / 10
    loud, soft = FRONT.features(spectrum(sound)), FRONT.features(spectrum(sound / 256))
    assert np.allclose(loud, soft, rtol=1e-6)
    as_it_is = FrontEnd(hop_length=256)
    assert np.abs(as_it_is.features(spectrum(sound / 256))).max() < 0.7 * loud.max()


def test_silence_is_silence_and_what_follows_is_bounded():
    X = np.zeros((300, 257), np.complex64)
    assert not FRONT.features(X[:10]).any()
    X[200:] = 3.0
    features = FRONT.features(X)
    usual = math.log1p(100 * REFERENCE * math.sqrt(512 / 2))
    assert np.allclose(features[200:], usual)
    X[:200] = 0.01  # soft noise, 50 dB below
    most = math.log1p(100 * REFERENCE / ATTACK * math.sqrt(512 / 2))
    assert 0.99 * most < FRONT.features(X).max() <= most


def test_silence_before_a_recording_changes_nothing():
    X = spectrum(np.random.default_rng(7).standard_normal(16000) / 10)
    soft = 1e-5 * spectrum(np.random.default_rng(8).standard_normal(8000))
    for front in (FRONT, replace(FRONT, floor_rise=5.0)):
        for silence in (np.zeros((50, 257), np.complex64), soft):
            after = front.features(np.concatenate([silence, X]))[len(silence) :]
            assert np.array_equal(after, front.features(X))


def test_a_stream_is_a_recording_however_it_is_cut():
    X = spectrum(np.random.default_rng(3).standard_normal(16000))
    whole, hearing = FRONT.features(X), FRONT.hearing()
    parts = [FRONT.features(part, hearing) for part in np.split(X, [0, 1, 7, 40])]
    assert np.array_equal(np.concatenate(parts), whole)


def test_several_sounds_at_once_are_each_by_itself():
    sizes = np.random.default_rng(4).random((30, 5))
    together = Level(20.0).factors(sizes)
    for b in range(5):
        assert np.array_equal(Level(20.0).factors(sizes[:, b]), together[:, b])


def levelled(network, level_s=0.5):
    meta = network.meta | {"level_s": level_s, "feature": "log1p of levelled"}
    return spec.Network(network.layers, network.recipe, meta)


def test_a_denoiser_does_not_know_how_loud_a_recording_is():
    network = levelled(spec.load("denoiser_small"))
    rng = np.random.default_rng(5)
    sound = (rng.standard_normal(16000) * 0.05).astype(np.float32)
    denoiser = Denoiser(network, "engine")
    assert np.array_equal(denoiser.tokens(sound), denoiser.tokens(sound / 64))
    loud, soft = denoiser.denoise(sound), denoiser.denoise(sound / 64)
    assert np.array_equal(loud / 64, soft)


def test_a_stream_of_it_goes_on_from_its_state():
    network = levelled(spec.load("denoiser_small"))
    sound = np.random.default_rng(6).standard_normal(9000).astype(np.float32) * 0.1
    with Denoiser(network, "engine") as one, Denoiser(network, "engine") as other:
        whole = one.process(sound)
        first = other.process(sound[:4000])
        state = other.state
        other.reset()
        other.state = state
        again = other.process(sound[4000:])
        assert np.array_equal(np.concatenate([first, again]), whole)
    another = Denoiser(levelled(network, 2.0), "engine")
    with another, pytest.raises(AudioError, match="another running level"):
        another.state = state


@pytest.mark.parametrize("value", [0, -1, 61, float("inf"), "1", True])
def test_a_level_out_of_range_is_refused(value):
    meta = FRONT.metadata() | {"level_s": value}
    with pytest.raises(AudioError, match="level_s is .*must be seconds above 0"):
        FrontEnd.from_metadata(meta)
    with pytest.raises(AudioError, match="level_s is"):
        FrontEnd(level_s=value)


def test_a_file_with_a_level_is_none_to_those_who_know_of_none():
    assert FrontEnd.from_metadata(FRONT.metadata()) == FRONT
    assert FRONT.metadata()["feature"] != FrontEnd().metadata()["feature"]
    with pytest.raises(AudioError, match="feature is 'log1p'"):
        FrontEnd.from_metadata(FRONT.metadata() | {"feature": "log1p"})
    assert "running level" in str(FRONT)
    assert "level" not in str(FrontEnd())
