# SPDX-License-Identifier: BSD-3-Clause
"""Heights above floors, and changes, of what a denoiser hears."""

import math
import pickle

import numpy as np
import pytest

from lava_sparse_rnn import spec
from lava_sparse_rnn.audio import AudioError, Denoiser, FrontEnd
from lava_sparse_rnn.audio.sound.contrast import GRAIN, SMOOTH_S, Contrast
from lava_sparse_rnn.audio.sound.silence import SILENCE, Beginning

FRONT = FrontEnd(
    hop_length=256, feature_mean=2.0, feature_scale=0.5, floor_rise=6.0, level_s=1.0
)
TOKEN_S = 0.016


def contrast_of(rise, hops=2):
    return Contrast.of(TOKEN_S, rise, Beginning(hops))


def loud(count):
    """Frames without silence."""
    return np.ones(count)


def written_out(numbers, rise, heard, hops=2):
    """The equations, a token and a number at a time."""
    part = 1 - math.exp(-TOKEN_S / SMOOTH_S)
    heights, changes = [], []
    for column in numbers.T.tolist():
        since = 0
        for x, now in zip(column, heard, strict=True):
            since = 0 if now < SILENCE else since + 1
            if since <= hops:
                smooth = floor = before = x
            smooth += part * (x - smooth)
            floor = min(smooth, floor + rise)
            heights.append(x - floor)
            changes.append(x - before)
            before = x
    return (np.reshape(v, numbers.T.shape).T for v in (heights, changes))


def test_it_is_what_its_equations_say():
    rng = np.random.default_rng(0)
    numbers = rng.standard_normal((300, 5)) * np.repeat([1, 0, 3], 100)[:, None]
    heard = loud(300)
    heard[[0, 1, 20, 21, 22, 200]] = 0.9 * SILENCE
    contrast = contrast_of(0.5)
    assert abs(contrast.rise - 0.5 * TOKEN_S) <= GRAIN / 2
    heights, changes = contrast.next(numbers, heard)
    assert not heights[20:25].any()
    assert heights[25].all()
    expected = written_out(numbers, contrast.rise, heard)
    for found, right in zip((heights, changes), expected, strict=True):
        assert np.allclose(found, right, rtol=1e-12, atol=1e-12)


def test_noise_has_a_floor_and_speech_stands_above_it():
    """Bursts 20 dB above noise: heights tell them apart, after any number of them."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((64, 16000 * 8 // 64))
    x *= np.where(np.arange(64)[:, None] % 8 < 3, 10.0, 1.0) * 0.01
    front = FrontEnd(hop_length=256, floor_rise=4.0)
    X = front.stft().analysis(x.ravel().astype(np.float32), tail=False)
    heights = front.features(X)[:, 257:514].mean(1)
    late = heights[len(heights) // 2 :]
    # A token of 256 samples; a row above is 2000 samples, 7.8 tokens.
    loud = (np.arange(len(heights)) * 256 // 2000 % 8 < 3)[len(heights) // 2 :]
    assert np.median(late[loud]) > 1.5  # of natural logarithms: 20 dB are 2.3
    assert 0 < np.median(late[~loud]) < 0.7


def test_a_floor_falls_at_once_and_rises_by_so_many_decibels_a_second():
    contrast = contrast_of(1.0)
    numbers = np.concatenate([np.full(100, 5.0), np.full(20, 1.0), np.full(300, 5.0)])
    heights, changes = contrast.next(numbers[:, None], loud(len(numbers)))
    floors = numbers - heights[:, 0]
    assert np.all(floors[:100] == 5)
    assert floors[119] < 1.01
    expected = floors[119] + contrast.rise * np.arange(1, 250)
    assert np.allclose(floors[120 : 120 + 249], np.minimum(expected, 5.0), atol=1e-9)
    assert changes[100, 0] == -4
    assert changes[120, 0] == 4
    assert np.count_nonzero(changes) == 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_long_rise_is_the_same_in_any_float(dtype):
    """What a sum of roundings would take away is a token's unit and more."""
    contrast = contrast_of(0.23 * 0.5)
    numbers = np.full((4000, 1), 7.0, dtype)
    numbers[:3] = -1.0
    heights, _ = contrast.next(numbers, loud(len(numbers)))
    assert heights.dtype == dtype
    expected = 8.0 - contrast.rise * np.arange(1, 3001)
    assert np.array_equal(heights[3:3003, 0], expected.astype(dtype))


def test_a_token_is_features_then_heights_then_changes():
    X = FRONT.stft().analysis(
        np.random.default_rng(2).standard_normal(16000).astype(np.float32), tail=False
    )
    x = FRONT.features(X)
    assert x.shape == (len(X), FRONT.d_in)
    assert FRONT.d_in == 3 * FRONT.d_out == 3 * 257
    alone = FrontEnd(hop_length=256, feature_mean=2.0, feature_scale=0.5, level_s=1.0)
    features, heights, changes = np.split(x, 3, axis=1)
    assert np.array_equal(features, alone.features(X))
    rise = FRONT.contrast().rise
    assert abs(rise - 6 * math.log(10) / 20 * 0.5 * TOKEN_S) <= GRAIN / 2
    expected = written_out(features, rise, loud(len(X)))
    for found, right in zip((heights, changes), expected, strict=True):
        assert np.allclose(found, right, rtol=1e-9, atol=1e-9)


def test_silence_is_no_floor_and_what_follows_begins_anew():
    X = FRONT.stft().analysis(
        np.random.default_rng(9).standard_normal(16000).astype(np.float32), tail=False
    )
    gap = np.zeros((40, 257), np.complex64)
    for front in (FRONT, FrontEnd(hop_length=256, floor_rise=2.0)):
        alone, size = front.features(X), front.d_out
        both = front.features(np.concatenate([gap, X, gap, X]))
        assert np.array_equal(both[40:][: len(X)], alone)
        assert not both[:40, size:].any()
        again = both[-len(X) :, size:]
        assert not again[0].any()
        if front.level_s is None:
            assert np.array_equal(again, alone[:, size:])


@pytest.mark.parametrize("level_s", [None, 1.0])
@pytest.mark.parametrize("soft", [0.0, 1e-9, 1e-6])
@pytest.mark.parametrize("new", [1, 4, 8, 16, 64, 255, 256])
def test_sound_may_begin_anywhere_in_a_window(new, soft, level_s):
    """A floor is none of a window that sound has only begun to fill."""
    front = FrontEnd(hop_length=256, floor_rise=4.0, level_s=level_s)
    rng = np.random.default_rng(10)
    sound = 0.01 * rng.standard_normal(16000).astype(np.float32)
    before = soft * rng.standard_normal(4096 - new).astype(np.float32)
    X = front.stft().analysis(np.concatenate([before, sound]), tail=False)
    heights = front.features(X)[16 + 6 :, 257:514]
    assert 0.2 < heights.mean() < 0.6


def test_a_stream_is_a_recording_however_it_is_cut():
    X = FRONT.stft().analysis(
        np.random.default_rng(3).standard_normal(16000).astype(np.float32), tail=False
    )
    whole, hearing = FRONT.features(X), FRONT.hearing()
    parts = [FRONT.features(part, hearing) for part in np.split(X, [0, 1, 7, 40])]
    assert np.array_equal(np.concatenate(parts), whole)


def test_several_sounds_at_once_are_each_by_itself():
    numbers = np.random.default_rng(4).random((30, 5, 3))
    heard = np.random.default_rng(5).random((30, 5)) * 2 * SILENCE
    together = contrast_of(0.3).next(numbers, heard)
    for b in range(5):
        alone = contrast_of(0.3).next(numbers[:, b], heard[:, b])
        for one, other in zip(alone, together, strict=True):
            assert np.array_equal(one, other[:, b])


def denoiser_of(front):
    rng = np.random.default_rng(5)
    made = spec.random_network(rng, front.d_in, 12, 8, front.d_out)
    return spec.Network(made.layers, made.recipe, front.metadata())


def test_a_stream_of_a_denoiser_goes_on_from_its_state():
    front = FrontEnd(n_fft=64, hop_length=16, floor_rise=5.0)
    network = denoiser_of(front)
    sound = np.random.default_rng(6).standard_normal(3000).astype(np.float32) * 0.1
    with Denoiser(network, "engine") as one, Denoiser(network, "engine") as other:
        whole = one.process(sound)
        first = other.process(sound[:1400])
        state = other.state
        other.reset()
        other.state = state
        assert np.array_equal(
            np.concatenate([first, other.process(sound[1400:])]), whole
        )
    faster = FrontEnd(n_fft=64, hop_length=16, floor_rise=9.0)
    another = Denoiser(denoiser_of(faster), "engine")
    with another, pytest.raises(AudioError, match="another tracked floor"):
        another.state = state


def test_states_are_pickled_and_older_ones_say_nothing_of_it():
    front = FrontEnd(n_fft=64, hop_length=16, floor_rise=5.0, level_s=1.0)
    sound = np.random.default_rng(6).standard_normal(3000).astype(np.float32) * 0.1
    with Denoiser(denoiser_of(front), "engine") as one:
        one.process(sound)
        state = pickle.loads(pickle.dumps(one.state))
        right = one.process(sound)
        one.state = state
        assert np.array_equal(one.process(sound), right)
    plain = FrontEnd(n_fft=64, hop_length=16)
    with Denoiser(denoiser_of(plain), "engine") as one:
        one.process(sound)
        state = one.state
        right = one.process(sound)
        del state.__dict__["hearing"]
        one.state = pickle.loads(pickle.dumps(state))
        assert np.array_equal(one.process(sound), right)


@pytest.mark.parametrize("value", [0, -1, 101, float("inf"), "1", True])
def test_a_rise_out_of_range_is_refused(value):
    meta = FRONT.metadata() | {"floor_rise": value}
    with pytest.raises(AudioError, match="floor_rise is .*must be dB a second above 0"):
        FrontEnd.from_metadata(meta)
    with pytest.raises(AudioError, match="floor_rise is"):
        FrontEnd(floor_rise=value)


def test_its_file_is_none_to_those_who_know_of_no_contrasts():
    meta = FRONT.metadata()
    assert FrontEnd.from_metadata(meta) == FRONT
    assert meta["feature"] == "log1p of levelled, and its contrasts"
    with pytest.raises(AudioError, match="feature is 'log1p of levelled'"):
        FrontEnd.from_metadata(meta | {"feature": "log1p of levelled"})


def test_a_network_with_as_many_inputs_as_answers_has_no_contrasts():
    front = FrontEnd(n_fft=64, hop_length=16, floor_rise=5.0)
    rng = np.random.default_rng(5)
    made = spec.random_network(rng, front.d_out, 12, 8, front.d_out)
    network = spec.Network(made.layers, made.recipe, front.metadata())
    with pytest.raises(AudioError, match="33 inputs and 33 outputs.* 3 inputs a numb"):
        Denoiser(network)
