# SPDX-License-Identifier: BSD-3-Clause
"""Parts of a challenge set: the right ones, in any order, without loading the set."""

import itertools
import os
import shutil
import time
import tracemalloc

import numpy as np
import pytest
import soundfile

from lava_sparse_rnn.audio import (
    AudioError,
    NdnsFolder,
    NdnsSegments,
    SegmentsConfig,
    batches,
)
from lava_sparse_rnn.audio.sound import wav

RATE = 16000


def put_pair(folder, key, clean, noise, rate=RATE):
    for kind, x in (("clean", clean), ("noisy", clean + noise)):
        path = folder / kind / f"{kind}_fileid_{key}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, x, rate, subtype="PCM_16")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Seven examples of 1.5 s; every sample tells its example and its place."""
    root = tmp_path_factory.mktemp("set")
    rng = np.random.default_rng(0)
    for key in range(7):
        clean = 0.1 * np.sin(np.arange(24000) * (0.02 + 0.01 * key))
        put_pair(root, key, clean, 0.01 * rng.standard_normal(24000))
    return root


def segments(root, **changes):
    return NdnsSegments(SegmentsConfig(str(root), **{"seconds": 0.25, **changes}))


def place_of(part, whole):
    """Index of `part` in `whole`."""
    windows = np.lib.stride_tricks.sliding_window_view(whole, len(part))
    (found,) = np.flatnonzero((windows[:, :50] == part[:50]).all(1))
    assert np.array_equal(windows[found], part)
    return int(found)


def test_parts_are_those_of_the_files_at_one_place(folder):
    found, whole = segments(folder), NdnsFolder(folder)
    places = []
    for index in range(10):
        noisy, clean = found[index]
        assert noisy.shape == clean.shape == (4000,)
        assert noisy.dtype == clean.dtype == np.float32
        item = whole[whole.file_ids.index(found.file_id(index))]
        places.append(place_of(noisy, item.noisy))
        start = places[-1]
        assert np.array_equal(clean, item.clean[start : start + 4000])
    assert len(set(places)) > 5
    assert max(places) <= 20000


def test_every_example_comes_once_before_any_comes_again(folder):
    found = segments(folder)
    ids = [found.file_id(i) for i in range(21)]
    rounds = [ids[i : i + 7] for i in (0, 7, 14)]
    assert all(sorted(r) == list(range(7)) for r in rounds)
    assert len({tuple(r) for r in rounds}) == 3
    assert [found.file_id(i) for i in range(21)] == ids


def test_a_part_depends_on_seed_and_index_only(folder):
    found, again = segments(folder, seed=3), segments(folder, seed=3)
    for index in (9, 0, 15):
        assert np.array_equal(found[index][0], again[index][0])
    other = segments(folder, seed=4)
    assert any((found[i][0] != other[i][0]).any() for i in range(3))


@pytest.mark.parametrize("held", [1, 3])
def test_what_is_held_out_is_never_drawn(folder, held):
    parts = [
        segments(folder, seed=seed, held_out=held, only_held_out=only)
        for seed in (0, 1)
        for only in (False, True)
    ]
    rest, kept, rest_2, kept_2 = ({p.file_id(i) for i in range(40)} for p in parts)
    assert rest == rest_2
    assert kept == kept_2
    assert len(kept) == held
    assert not kept & rest
    assert kept | rest == set(range(7))


def test_all_may_not_be_held_out(folder):
    with pytest.raises(AudioError, match="7 examples, more than the 7 that are held"):
        segments(folder, held_out=7)


@pytest.mark.parametrize("seconds", [0.01, 1e9, np.nan])
def test_parts_of_no_such_length(folder, seconds):
    text = f"seconds is {seconds}, must lie in 0.1..3600"
    with pytest.raises(AudioError, match=text):
        segments(folder, seconds=seconds)


def test_short_files_are_repeated(tmp_path):
    t = np.arange(1000)
    put_pair(tmp_path, 0, 0.1 * np.sin(0.1 * t), 0.05 * np.cos(t))
    noisy, clean = segments(tmp_path)[0]
    assert np.array_equal(noisy.reshape(4, 1000), np.tile(noisy[:1000], (4, 1)))
    assert np.array_equal(clean[:1000], clean[3000:])


def test_other_sampling_rates_are_brought_to_ours(tmp_path):
    t = np.arange(48000) / 48000
    put_pair(tmp_path, 0, 0.3 * np.sin(2 * np.pi * 500 * t), 0 * t, rate=48000)
    _, clean = segments(tmp_path)[0]
    assert len(clean) == 4000
    spectrum = np.abs(np.fft.rfft(clean * np.hanning(4000)))
    assert np.argmax(spectrum) * RATE / 4000 == pytest.approx(500, abs=4)


def test_where_nobody_speaks_another_part_is_taken(tmp_path):
    silent, tone = np.zeros(40000), 0.1 * np.sin(0.1 * np.arange(40000))
    for key in range(4):
        put_pair(tmp_path, key, tone if key == 2 else silent, 0.01 * tone)
    found = segments(tmp_path)
    for index in range(6):
        assert np.abs(found[index][1]).max() > 0.05


def test_a_set_without_speech_is_an_error(tmp_path):
    put_pair(tmp_path, 5, np.zeros(8000), 0.1 * np.cos(np.arange(8000)))
    with pytest.raises(AudioError, match=r"32 parts in a row have no speech"):
        segments(tmp_path)[0]


def test_partners_of_different_lengths_are_named(tmp_path):
    put_pair(tmp_path, 1, np.full(9000, 0.1), np.zeros(9000))
    wav.write(tmp_path / "clean" / "clean_fileid_1.wav", np.full(9001, 0.1))
    with pytest.raises(AudioError, match=r"clean_fileid_1.wav: 9001 samples.*has 9000"):
        segments(tmp_path)[0]


@pytest.mark.slow
def test_workers_draw_what_this_process_draws(folder):
    found = segments(folder, seed=2)
    stream = batches(found, 3, start=4, workers=2, count=4)
    for number, (noisy, clean) in zip(range(4, 8), stream, strict=True):
        expected = found.batch(number, 3)
        assert np.array_equal(noisy, expected[0])
        assert np.array_equal(clean, expected[1])


@pytest.mark.slow
def test_two_streams_share_the_batches(folder):
    found = segments(folder)
    whole = [n for n, _ in itertools.islice(batches(found, 2), 6)]
    halves = [
        [n for n, _ in batches(found, 2, start=i, stride=2, workers=2, count=3)]
        for i in (0, 1)
    ]
    for i, noisy in enumerate(whole):
        assert np.array_equal(noisy, halves[i % 2][i // 2])


@pytest.mark.slow
def test_a_bad_file_is_one_line_also_out_of_a_worker(tmp_path):
    put_pair(tmp_path, 1, np.full(9000, 0.1), np.zeros(9000))
    (tmp_path / "noisy" / "noisy_fileid_1.wav").write_bytes(b"no sound at all")
    with pytest.raises(AudioError, match=r"^\S+noisy_fileid_1.wav: not an audio file"):
        next(batches(segments(tmp_path), 1))


@pytest.mark.slow
def test_a_whole_challenge_set_opens_at_once(tmp_path, monkeypatch):
    """60,000 names in three folders: neither seconds nor memory go with the sound."""
    count = 60_000
    put_pair(folder_of_one := tmp_path / "one", 0, *np.full((2, 8000), 0.1))
    for kind in ("noisy", "clean", "noise"):
        (tmp_path / kind).mkdir()
        path = tmp_path / f"{kind}.wav"  # a file has at most 65,000 names
        source = "clean" if kind == "noise" else kind
        shutil.copy(next((folder_of_one / source).iterdir()), path)
        for key in range(count):
            label = f"book_{key % 97:05d}_reader_{key % 11}_snr{key % 25}_tl-25_"
            name = f"{label if kind == 'noisy' else kind + '_'}fileid_{key}.wav"
            os.link(path, tmp_path / kind / name)

    with monkeypatch.context() as patch:

        def opened(*args, **kwargs):
            raise AssertionError("a file was opened")

        patch.setattr(soundfile, "SoundFile", opened)
        patch.setattr(soundfile, "info", opened)
        begun = time.process_time()
        segments(tmp_path, held_out=20)
        seconds = time.process_time() - begun
        tracemalloc.start()
        found = segments(tmp_path, held_out=20)
        held, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    print(f"opened in {seconds:.2f} s, {held / 1e6:.0f} MB, peak {peak / 1e6:.0f} MB")
    assert len(found) == count - 20
    assert seconds < 5
    assert held < 60e6
    assert peak < 120e6
    noisy, clean = found[count * 3 + 7]
    assert noisy.shape == clean.shape == (4000,)
