# SPDX-License-Identifier: BSD-3-Clause
"""Levels and ratios are those asked for; the same index gives the same pair."""

import contextlib
import copy
import itertools
import json
import os
import pickle
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

from lava_sparse_rnn.audio import AudioError, Mixer, MixerConfig, batches
from lava_sparse_rnn.audio.corpus.packages import SOURCES, UNLIKE
from lava_sparse_rnn.audio.mixing import augment, pool, rooms
from lava_sparse_rnn.audio.mixing.layers import loudest_power
from lava_sparse_rnn.audio.mixing.noises import NOISES
from lava_sparse_rnn.audio.mixing.wear import Wear, worn
from lava_sparse_rnn.audio.sound.power import active_power


def db(power):
    return 10 * np.log10(power)


def powers_of_frames(x):
    return np.array([np.mean(f**2) for f in np.split(x, len(x) // 320)])


@pytest.mark.parametrize("kind", sorted(NOISES))
@pytest.mark.parametrize("index", range(6))
def test_levels_measured_are_levels_asked(cache, kind, index):
    mixer = Mixer(cache, seconds=2.0, shares=((kind, 1.0),), level_db=(-45, -35))
    mix = mixer.mix(index)
    assert mix.noise_kind == kind
    frames = powers_of_frames(mix.clean.astype(np.float64))
    active = np.mean(frames[frames > frames.max() / 1000])
    noise = np.mean(mix.noise.astype(np.float64) ** 2)
    assert db(active / noise) == pytest.approx(mix.snr_db, abs=1e-3)
    assert db(np.mean(mix.noisy.astype(np.float64) ** 2)) == pytest.approx(
        mix.level_db, abs=1e-3
    )
    assert -5 <= mix.snr_db <= 20
    assert -45 <= mix.level_db <= -35
    np.testing.assert_allclose(mix.noisy, mix.clean + mix.noise, atol=1e-6)
    assert mix.noisy.dtype == mix.clean.dtype == np.float32
    assert mix.noisy.shape == (32000,)


def test_loud_mix_is_scaled_not_clipped(cache):
    mix = Mixer(cache, seconds=1.0, level_db=(-1.0, -1.0)).mix(0)
    peak = max(np.max(np.abs(x)) for x in (mix.noisy, mix.clean, mix.noise))
    assert peak == pytest.approx(0.99, abs=1e-5)
    assert mix.level_db < -1.0
    assert db(np.mean(mix.noisy.astype(float) ** 2)) == pytest.approx(
        mix.level_db, abs=1e-3
    )


def test_given_ratio_changes_nothing_else(cache):
    mixer = Mixer(cache, seconds=1.0)
    a, b = mixer.mix(3), mixer.mix(3, snr_db=7.0, level_db=-40.0)
    assert (b.snr_db, b.level_db) == (7.0, pytest.approx(-40.0))
    assert (a.voice, a.noise_kind) == (b.voice, b.noise_kind)
    scale = np.max(np.abs(b.clean)) / np.max(np.abs(a.clean))
    np.testing.assert_allclose(b.clean, a.clean * scale, atol=1e-6)


def test_same_seed_and_index_same_pair(cache):
    a, b = Mixer(cache, seconds=1.0, seed=3), Mixer(cache, seconds=1.0, seed=3)
    b[9]  # what was drawn before must not matter
    assert np.array_equal(a[4], b[4])
    assert not np.array_equal(a[4], a[5])
    assert not np.array_equal(a[4], Mixer(cache, seconds=1.0, seed=4)[4])
    assert np.array_equal(next(iter(a)), a[0])


def test_splits_stay_apart(cache):
    for split in ("train", "validation", "test"):
        mixer = Mixer(cache, split, seconds=0.5)
        voices = {mixer.mix(i).voice for i in range(20)}
        assert len(voices) == 3
        assert all(voice.startswith(split) for voice in voices)


def test_only_training_is_augmented(cache):
    assert Mixer(cache, "train", augment=None).augment
    for split in ("validation", "test"):
        mixer = Mixer(cache, split, seconds=1.0)
        assert not mixer.augment
        assert {mixer.mix(i).noise_kind for i in range(12)} == {"recorded"}


def test_babble_is_without_the_speaker(cache, monkeypatch):
    heard = []
    original = pool.say

    def listen(rng, voices, group, n):
        heard.append(group)
        return original(rng, voices, group, n)

    for place in ("draws", "noises"):
        monkeypatch.setattr(f"lava_sparse_rnn.audio.mixing.{place}.say", listen)
    mixer = Mixer(cache, seconds=0.5, shares=(("babble", 1.0),))
    for i in range(10):
        heard.clear()
        mixer.mix(i)
        assert 4 <= len(heard) - 1 <= 8
        assert heard[0] not in heard[1:]


def test_dirty_clips_are_left_out(cache):
    with pytest.raises(AudioError, match="no usable speech"):
        Mixer(cache, min_floor_db=60.0)


def test_a_clip_that_is_mostly_pause(tmp_path, store, voice):
    """The speech must not be a pause blown up to full level."""
    rng = np.random.default_rng(0)
    x = np.zeros(16000 * 20, np.int16)
    x[:32000] = voice(2.0, 150)
    x[32000:] = rng.integers(-3, 4, len(x) - 32000)
    store(tmp_path, "train", "speech", [("s", x)])
    store(tmp_path, "train", "noise", [("n", voice(3.0, 90))])
    mixer = Mixer(tmp_path, seconds=4.0, augment=False)
    starts = [mixer.mix(i, snr_db=0.0).clean for i in range(12)]
    tonal = [np.max(np.abs(np.fft.rfft(c))) / np.linalg.norm(c) for c in starts]
    # Noise spreads over all bins, the voice is a few lines.
    assert min(tonal) > 20


def test_a_speaker_who_says_nothing(tmp_path, store):
    store(tmp_path, "train", "speech", [("mute", np.zeros(40000, np.int16))])
    store(tmp_path, "train", "noise", [("n", np.ones(40000, np.int16))])
    with pytest.raises(AudioError, match="speaker 'mute'.*no speech"):
        Mixer(tmp_path, seconds=1.0).mix(0)


def test_silent_noise_is_replaced(tmp_path, store, voice):
    store(tmp_path, "train", "speech", [("s", voice(2.0, 150))])
    store(tmp_path, "train", "noise", [("n", np.zeros(40000, np.int16))])
    mix = Mixer(tmp_path, seconds=1.0, shares=(("recorded", 1.0),)).mix(0, snr_db=3.0)
    clean = powers_of_frames(mix.clean)
    active = np.mean(clean[clean > clean.max() / 1000])
    assert db(active / np.mean(mix.noise**2)) == pytest.approx(3.0, abs=1e-3)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"snr_db": (5, 1)}, "snr_db 5..1"),
        ({"seconds": 0.01}, "seconds is 0.01, must lie in 0.1..3600"),
        ({"seconds": 1e9}, "seconds is 1000000000.0, must lie in 0.1..3600"),
        ({"seconds": np.nan}, "seconds is nan, must"),
        ({"speed": (0.0, 1.0)}, "speed is 0.0, must lie in 0.1..10"),
        ({"speed": (1.0, np.inf)}, "speed is inf, must"),
        ({"snr_db": (-5000.0, 1)}, "snr_db is -5000.0, must lie in -100..100"),
        ({"level_db": (-35.0, 5000)}, "level_db is 5000, must lie in -100..100"),
        ({"split": "exam"}, "split 'exam': known are train"),
        ({"shares": (("sirens", 1.0),)}, "noise 'sirens': known are recorded"),
        ({"shares": (("babble", 0.0),)}, "above 0"),
        ({"room_share": 1.5}, "room_share 1.5: must lie in 0..1"),
        ({"ratio": "peak"}, "ratio 'peak': known are active, whole"),
        ({"shares": (("babble", -1.0),)}, "must not be < 0"),
    ],
)
def test_bad_settings(cache, settings, words):
    with pytest.raises(AudioError, match=words):
        Mixer(cache, **settings)


@pytest.mark.parametrize("name", ["snr_db", "level_db"])
@pytest.mark.parametrize("value", [5000, -5000, np.nan, np.inf])
def test_a_pair_of_no_such_ratio_or_level(cache, name, value):
    with pytest.raises(AudioError, match=f"{name} is {value}, must lie in -100..100"):
        Mixer(cache, seconds=1.0).mix(0, **{name: value})


def test_missing_corpus(tmp_path):
    with pytest.raises(AudioError, match="fetch the corpus"):
        Mixer(tmp_path / "none")


def test_resampling_moves_a_tone():
    t = np.arange(16000) / 16000
    x = np.sin(2 * np.pi * 1000 * t).astype(np.float32)
    y = augment.resample_and_colour(x, 12800, None)  # 1.25 times faster
    z = np.sin(2 * np.pi * 1250 * np.arange(12800) / 16000)
    np.testing.assert_allclose(y, z, atol=1e-4)
    assert augment.resample_and_colour(x, 20000, None).shape == (20000,)


def test_colour_has_the_depth_asked():
    rng = np.random.default_rng(0)
    gains = [20 * np.log10(augment.random_colour(rng, 8000, 4.0)) for _ in range(300)]
    assert np.sqrt(np.mean(np.square(gains))) == pytest.approx(4.0, rel=0.15)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
def test_slope_of_coloured_noise(exponent):
    white = augment.white_spectrum(np.random.default_rng(1), 80001)
    spectrum = np.abs(white * augment.slope(160000, exponent)) ** 2
    low, high = (np.mean(spectrum[hz * 10 : hz * 12]) for hz in (500, 5000))
    assert db(low / high) == pytest.approx(10 * exponent, abs=0.6)


def test_loop_has_no_seam():
    x = np.cos(np.arange(2000) / 500).astype(np.float32)
    y = pool.loop(x, 9000)
    assert y.shape == (9000,)
    assert np.max(np.abs(np.diff(y))) < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("prefetch", [0, 2])
def test_without_shared_memory_batches_come_through_a_pipe(
    cache, monkeypatch, prefetch
):
    def forbidden(name):
        raise PermissionError(f"{name}: not permitted")

    mixer = MixerConfig(str(cache), seconds=0.3)
    wanted = list(batches(mixer, 2, count=3, prefetch=prefetch))
    monkeypatch.setattr(os, "memfd_create", forbidden, raising=False)
    got = list(batches(mixer, 2, count=3, prefetch=prefetch))
    assert all(np.array_equal(a, b) for a, b in zip(got, wanted, strict=True))


@pytest.mark.slow
def test_a_caller_without_standard_input_mixes(cache):
    code = (
        "import os, sys; os.close(0); from lava_sparse_rnn.audio import *;"
        "made = batches(MixerConfig(sys.argv[1], seconds=0.3), 2, count=2);"
        "print(*[len(noisy) for noisy, _ in made])"
    )
    call = [sys.executable, "-c", code, str(cache)]
    assert subprocess.run(call, capture_output=True, check=True).stdout == b"2 2\n"


@pytest.mark.slow
def test_nothing_is_made_before_it_is_needed(cache):
    mixer = Mixer(cache, seconds=0.3, seed=1)
    stream = batches(mixer, 3, start=5, workers=2, prefetch=0)
    for k in range(3):
        assert np.array_equal(next(stream), mixer.batch(5 + k, 3))
        crew = stream.gi_frame.f_locals["crew"]
        # Two come at once: the second waits for the one who asks next.
        wanted, end = [0, 0] if k == 1 else [0, 1], time.monotonic() + 120
        while [w._made.waiting for w in crew] != wanted and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(0.3)
        assert [w._made.waiting for w in crew] == wanted
    stream.close()


@pytest.mark.slow
def test_background_batches_are_the_mixers(cache):
    mixer = Mixer(cache, seconds=0.3, seed=1)
    got = list(batches(mixer, 3, start=5, count=5, workers=2, prefetch=1))
    assert len(got) == 5
    for k, (noisy, clean) in enumerate(got):
        assert np.array_equal(noisy, mixer.batch(5 + k, 3)[0])
        assert np.array_equal(clean, mixer.batch(5 + k, 3)[1])


def test_configuration_survives_json(cache):
    config = MixerConfig(str(cache), seconds=0.3, shares=(("babble", 1.0),))
    again = json.loads(json.dumps(Mixer(config).to_dict()))
    for name in ("snr_db", "level_db", "speed"):
        again[name] = tuple(again[name])
    assert np.array_equal(Mixer(MixerConfig(**again))[0], Mixer(config)[0])


@pytest.mark.slow
def test_leaving_early_ends_the_process(cache):
    stream = batches(MixerConfig(str(cache), seconds=0.3), 2)
    next(stream)
    (worker,) = stream.gi_frame.f_locals["crew"]
    stream.close()
    assert worker._process.poll() is not None
    assert not worker._thread.is_alive()


@pytest.mark.slow
def test_error_in_the_background_surfaces(cache, tmp_path):
    """The corpus is there for this process and gone for the other."""
    for path in cache.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    mixer = Mixer(tmp_path, seconds=0.3)
    (tmp_path / "train_noise.json").unlink()
    with pytest.raises(AudioError, match=r"train_noise\.json: not found"):
        next(batches(mixer, 2))


@pytest.mark.slow
def test_ctrl_c_of_a_terminal_is_not_for_the_worker(cache):
    """It gets it, too, and the training may still have to end its step."""
    with contextlib.closing(batches(MixerConfig(str(cache), seconds=0.3), 2)) as stream:
        next(stream)
        (worker,) = stream.gi_frame.f_locals["crew"]
        worker._process.send_signal(signal.SIGINT)
        assert len(list(itertools.islice(stream, 50))) == 50
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == set()


@pytest.mark.slow
@pytest.mark.parametrize("prefetch", [0, 2])
@pytest.mark.parametrize(("ends", "code"), [("", 0), ("raise ValueError", 1)])
def test_batches_that_nobody_closes_end_with_python(cache, prefetch, ends, code):
    """Their thread stands still by the time that Python lets go of the generator."""
    script = f"""
import os, sys
from lava_sparse_rnn.audio import MixerConfig, batches
stream = batches(MixerConfig({str(cache)!r}, seconds=0.3), 2, prefetch={prefetch})
next(stream)
if not (child := os.fork()):
    sys.exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
next(stream)
{ends}
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == code, done.stderr
    assert done.stderr.count("Traceback") == code


@pytest.mark.slow
def test_killed_worker_is_reported(cache):
    stream = batches(MixerConfig(str(cache), seconds=0.3), 2, prefetch=1)
    next(stream)
    (worker,) = stream.gi_frame.f_locals["crew"]
    worker._process.kill()
    with pytest.raises(RuntimeError, match="exit code -9"):
        list(itertools.islice(stream, 50))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"size": 0}, "size 0"),
        ({"size": 1, "workers": 0}, "workers 0"),
        ({"size": 1, "prefetch": -1}, "prefetch -1: must not be below 0"),
        ({"size": 1, "start": -1}, "start -1"),
    ],
)
def test_bad_batches(cache, settings, words):
    with pytest.raises(AudioError, match=words):
        batches(MixerConfig(str(cache)), **settings)


@pytest.mark.parametrize("copied", [copy.deepcopy, pickle.loads])
def test_a_mixer_for_another_process_opens_the_corpus_again(cache, copied):
    mixer = Mixer(cache, seconds=1.0)
    mix, data = mixer.mix(3), pickle.dumps(mixer)
    assert len(data) < 20_000  # the corpus has 3 million samples
    other = copied(data if copied is pickle.loads else mixer)
    again = pickle.loads(pickle.dumps(other.mix(3)))
    np.testing.assert_array_equal(again.noisy, mix.noisy)
    assert (again.voice, again.snr_db) == (mix.voice, mix.snr_db)


def test_parts_are_those_of_the_mixtures(cache):
    mixer = Mixer(cache, seconds=1.0, seed=2)
    clean, noise = mixer.parts(1, 6)
    for i in range(6):
        mix = mixer.mix(6 + i)
        for part, mixed in ((clean[i], mix.clean), (noise[i], mix.noise)):
            unlike = part / np.linalg.norm(part) - mixed / np.linalg.norm(mixed)
            assert np.linalg.norm(unlike) < 1e-4
        assert np.mean(noise[i] ** 2) == pytest.approx(1.0, rel=1e-3)
    assert np.array_equal(
        mixer.parts(1, 6), Mixer(cache, seconds=1.0, seed=2).parts(1, 6)
    )


@pytest.mark.parametrize(("ratio", "part"), [("active", active_power), ("whole", None)])
def test_what_a_ratio_is_of(cache, ratio, part):
    mixer = Mixer(cache, seconds=2.0, ratio=ratio)
    for i in range(4):
        mix = mixer.mix(i, snr_db=3.0)
        speech = part(mix.clean) if part else np.mean(mix.clean**2)
        assert db(speech / np.mean(mix.noise**2)) == pytest.approx(3.0, abs=1e-2)


def test_events_are_loud_while_they_sound(cache):
    mixer = Mixer(cache, seconds=3.0, event_share=1.0, event_db=15.0)
    _, noise = mixer.parts(0, 24)
    loud = np.array([db(loudest_power(x)) for x in noise])
    assert np.all((loud > -0.1) & (loud < 15.1))
    assert loud.max() - loud.min() > 7
    mean = np.array([db(np.mean(x**2)) for x in noise])
    assert np.median(loud - mean) > 6
    assert mixer.mix(0).noise_kind == "events"
    mixer = Mixer(cache, seconds=0.3, event_share=0.25)
    kinds = [mixer.mix(i).noise_kind for i in range(120)]
    assert kinds.count("events") == pytest.approx(30, abs=14)


def test_a_voice_in_a_room(cache):
    """The clean speech is what is heard, without what comes late."""
    mixer = Mixer(cache, seconds=2.0, room_share=1.0, augment=True, change_share=0.0)
    clean, _, heard = mixer.parts(0, 8)
    for i in range(8):
        assert active_power(clean[i]) == pytest.approx(1.0, rel=1e-3)
        late = heard[i] - clean[i]
        assert 0 < np.mean(late**2) < 60 * np.mean(clean[i] ** 2)
    mix = mixer.mix(3)
    np.testing.assert_allclose(mix.noisy, mix.clean + mix.noise, atol=1e-6)
    assert len(Mixer(cache, "validation", seconds=1.0, room_share=1.0).parts(0, 1)) == 3


def test_what_of_a_room_belongs_to_the_voice():
    bank = rooms.Rooms(32000, seed=0, early_s=0.05)
    whole, early = (np.fft.irfft(x, 32000) for x in bank.spectra(3))
    np.testing.assert_allclose(early[:800], whole[:800], atol=1e-4)
    np.testing.assert_allclose(early[880:], 0.0, atol=1e-4)
    assert np.max(np.abs(whole[880:])) > 1e-2


def test_measured_rooms(cache, tmp_path):
    pytest.importorskip("av")
    soundfile.write(tmp_path / "r.wav", np.eye(1, 4000, 700)[0], 16000)
    mixer = Mixer(
        cache, seconds=1.0, room_share=1.0, rooms=(str(tmp_path),), change_share=0.0,
        own_cache=str(tmp_path / "c"),
    )  # fmt: skip
    assert len(mixer.rooms) == 1
    clean, _, heard = mixer.parts(0, 2)
    np.testing.assert_allclose(clean, heard, atol=1e-3)


def test_simulated_rooms_decay():
    for seed in range(12):
        response = rooms.simulate(np.random.default_rng(seed))
        assert response[0] == pytest.approx(1.0, abs=0.2)
        assert len(response) <= 16000
        rest = np.cumsum(response[::-1] ** 2)[::-1]
        level = db(rest / rest[0] + 1e-12)
        t20 = 3 * (np.argmax(level < -25) - np.argmax(level < -5)) / 16000
        assert 0.02 < t20 < 1.2


@pytest.mark.parametrize("kind", ["clip", "gain", "line", "mute"])
def test_worn_mixtures(kind):
    rng = np.random.default_rng(0)
    clean = 0.1 * rng.standard_normal((6, 16000)).astype(np.float32)
    noisy = np.clip(clean + 0.05 * rng.standard_normal((6, 16000)), -1, 1)
    noisy = noisy.astype(np.float32)
    a, b = worn(np.random.default_rng(1), noisy.copy(), clean.copy(), Wear())
    assert np.array_equal(a, noisy)
    assert np.array_equal(b, clean)
    a, b = worn(np.random.default_rng(1), noisy.copy(), clean.copy(), Wear(**{kind: 1}))
    assert a.dtype == b.dtype == np.float32
    assert np.max(np.abs(a)) <= 1.0
    assert np.array_equal(b, clean) == (kind == "clip")
    assert not np.array_equal(a, noisy)
    if kind == "gain":
        np.testing.assert_allclose(a / noisy, b / clean, rtol=1e-4)
    if kind == "line":
        spectrum = np.abs(np.fft.rfft(b)) ** 2
        assert db(spectrum[:, 7900:].mean() / spectrum[:, 1000:2000].mean()) < -30
    if kind == "mute":
        for row, right, silent in zip(a, noisy, a == 0, strict=True):
            first, last = np.flatnonzero(silent)[[0, -1]]
            assert 1600 <= last + 1 - first <= 12000
            assert silent[first : last + 1].all()
            assert np.array_equal(row[~silent], right[~silent])
        assert np.array_equal(b == 0, a == 0)
        assert (a[:, 0] == 0).any()
        assert (a[:, 0] != 0).any()
    with pytest.raises(AudioError, match=f"{kind} 2: must lie in 0..1"):
        Wear(**{kind: 2})


def test_packages_that_are_held_out(tmp_path, voice, store, monkeypatch):
    held = {"validation": ("game-pkg",), "test": ("other-pkg",)}
    monkeypatch.setattr("lava_sparse_rnn.audio.corpus.corpus.UNLIKE", held)
    for split in ("train", "validation", "test"):
        for kind in ("speech", "noise"):
            names = ("game", "other", "most") if split == "train" else (split,)
            rows = [(name, voice(2.0, 150)) for name in names]
            store(tmp_path, split, kind, rows)
    groups = {
        (family, split): Mixer(tmp_path, split, seconds=0.5, family=family).noise.groups
        for family in ("usual", "unlike")
        for split in ("train", "validation", "test")
    }
    assert groups == {
        ("usual", "train"): ["game", "most", "other"],
        ("usual", "validation"): ["validation"],
        ("usual", "test"): ["test"],
        ("unlike", "train"): ["most"],
        ("unlike", "validation"): ["game", "validation"],
        ("unlike", "test"): ["other", "test"],
    }
    with pytest.raises(AudioError, match="family 'odd': known are usual, unlike"):
        Mixer(tmp_path, family="odd")


def test_what_is_measured_of_a_family(cache):
    training = MixerConfig(
        str(cache), seconds=1.0, family="unlike", event_share=0.5, room_share=0.5
    )
    told = training.to_measure("test")
    assert (told.split, told.ratio, told.second_share) == ("test", "whole", 0.0)
    assert (told.event_share, told.room_share) == (0.2, 0.0)
    names = [Mixer(told).mix(i).noise_name for i in range(40)]
    kinds = {"test-street", "test-rain"}
    assert {*names} == kinds | {f"{kind} (events)" for kind in kinds}
    usual = MixerConfig(str(cache), event_share=0.5).to_measure("test")
    assert (usual.ratio, usual.event_share, usual.second_share) == ("active", 0.0, 0.5)


def test_every_package_that_is_held_out_is_fetched():
    held = [package for packages in UNLIKE.values() for package in packages]
    assert len({*held}) == len(held)
    learnt = {source.package for source in SOURCES if source.split == "train"}
    assert {*held} <= learnt


@pytest.fixture
def with_narrow(tmp_path, voice, store):
    """A corpus of a wide voice and one whose band ends at 5 kHz."""
    rng = np.random.default_rng(0)
    hiss = (rng.standard_normal(64000) * 4000).astype(np.int16)
    rows = [("wide", voice(3.0, 150)), ("telephone", voice(3.0, 110))]
    store(tmp_path, "train", "speech", rows)
    store(tmp_path, "train", "noise", [("hiss", hiss)])
    index = tmp_path / "train_speech.json"
    told = json.loads(index.read_text())
    told["clips"][1]["edge_hz"] = 5000.0
    index.write_text(json.dumps(told))
    return tmp_path


def test_narrow_voices_go_with_narrow_noise(with_narrow):
    mixer = Mixer(with_narrow, seconds=1.0, narrow_share=0.5, band_share=0.0)
    narrow = [k for k in range(12) if mixer.config.is_narrow(k)]
    assert 0 < len(narrow) < 12
    for k in range(12):
        for part in mixer.parts(k, 3):
            spectrum = np.mean(np.abs(np.fft.rfft(part)) ** 2, axis=0)
            above = spectrum[6000:].mean() / spectrum[100:4000].mean()
            assert k not in narrow or above < 2e-3
    voices = {Mixer(with_narrow, seconds=0.5).mix(i).voice for i in range(20)}
    assert voices == {"wide"}  # without a share such voices are left out


def test_a_narrow_share_needs_narrow_voices(cache):
    with pytest.raises(AudioError, match="no usable narrow speech clip for 'train'"):
        Mixer(cache, narrow_share=0.1)
