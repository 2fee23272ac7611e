# SPDX-License-Identifier: BSD-3-Clause
"""A set written is a set read; bad folders are told apart."""

import pickle

import numpy as np
import pytest

from lava_sparse_rnn.audio import (
    AudioError,
    Mixer,
    MixerConfig,
    NdnsFolder,
    write_set,
)
from lava_sparse_rnn.audio.sound import wav


@pytest.fixture(scope="module")
def written(cache, tmp_path_factory):
    mixer = Mixer(cache, "test", seconds=1.0, level_db=(-30, -20))
    done = []
    folder = tmp_path_factory.mktemp("set")
    write_set(mixer, folder, 4, snr_db=(0, -5, 10), on_file=done.append)
    assert done == [1, 2, 3, 4]
    return mixer, folder


def test_round_trip(written):
    mixer, folder = written
    found = pickle.loads(pickle.dumps(NdnsFolder(folder)))  # also by a worker
    assert len(found) == 4
    for i, item in enumerate(found):
        snr = (0, -5, 10)[i % 3]
        mix = mixer.mix(i, snr_db=snr)
        assert (item.file_id, item.snr_db) == (i, snr)
        assert item.level_db == round(mix.level_db)
        assert (item.voice, item.noise_name) == (mix.voice, mix.noise_name)
        assert mix.noise_name in ("test-street", "test-rain")
        for kind in ("noisy", "clean", "noise"):
            np.testing.assert_allclose(
                getattr(item, kind), getattr(mix, kind), atol=0.6 / 32768
            )


def test_names_and_attribution(written):
    _, folder = written
    assert (folder / "clean" / "clean_fileid_2.wav").is_file()
    assert (folder / "noise" / "noise_fileid_3.wav").is_file()
    (name,) = (p.name for p in (folder / "noisy").glob("*fileid_1_*"))
    assert name.startswith("noisy_fileid_1_snr-5_tl-2")
    text = (folder / "ATTRIBUTION.txt").read_text()
    assert "test-low-pkg: CC0" in text
    assert "test-rain-pkg: CC0" in text


def test_second_set_is_refused(written):
    mixer, folder = written
    with pytest.raises(AudioError, match="holds WAV files already"):
        write_set(mixer, folder, 1)


def test_bad_numbers(written, tmp_path):
    mixer, _ = written
    with pytest.raises(AudioError, match="count 0"):
        write_set(mixer, tmp_path, 0)
    with pytest.raises(AudioError, match=r"2\.5"):
        write_set(mixer, tmp_path, 1, snr_db=(2.5,))
    for snr in (5000, np.nan, np.inf):
        with pytest.raises(AudioError, match=f"snr_db is {snr}, must lie in -100..100"):
            write_set(mixer, tmp_path, 1, snr_db=(0, snr))
    with pytest.raises(AudioError, match="whole numbers"):
        write_set(mixer, tmp_path, 1, snr_db=())


def put(folder, name, samples=160):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    wav.write(path, np.full(samples, 0.1))


def test_names_of_the_challenge(tmp_path):
    """Number last, words before it that look like labels."""
    name = "book_bottl3_snrx_00_door_Freesound_validated_snr-5_tl-31_fileid_1042.wav"
    put(tmp_path, f"noisy/{name}")
    put(tmp_path, "clean/clean_fileid_1042.wav")
    item = NdnsFolder(tmp_path)[0]
    assert (item.file_id, item.snr_db, item.level_db) == (1042, -5, -31)
    assert item.noise is None


def test_order_is_by_number(tmp_path):
    for i in (10, 9, 1):
        put(tmp_path, f"noisy/noisy_fileid_{i}.wav")
        put(tmp_path, f"clean/clean_fileid_{i}.wav")
    assert NdnsFolder(tmp_path).file_ids == [1, 9, 10]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "no folder 'noisy'"),
        (["noisy/noisy_fileid_1.wav"], "no folder 'clean'"),
        (["clean/clean_fileid_1.wav", "noisy/a/b.wav"], "no WAV files to read"),
        (["noisy/x.wav", "clean/clean_fileid_1.wav"], "no fileid_<number>"),
        (
            ["noisy/a_fileid_1.wav", "noisy/b_fileid_1.wav", "clean/c_fileid_1.wav"],
            "fileid 1 is also in a_fileid_1",
        ),
        (
            ["noisy/a_fileid_1.wav", "noisy/a_fileid_7.wav", "clean/c_fileid_1.wav"],
            r"noisy/a_fileid_7.wav: has no partner in \S+/clean$",
        ),
        (
            [
                "noisy/a_fileid_1.wav",
                "clean/c_fileid_1.wav",
                "noise/n_fileid_2.wav",
            ],
            r"/clean/c_fileid_1.wav: has no partner in \S+/noise; 2 more have none",
        ),
    ],
)
def test_bad_sets(tmp_path, names, words):
    for name in names:
        put(tmp_path, name)
    with pytest.raises(AudioError, match=words):
        NdnsFolder(tmp_path)


def test_names_without_a_number_are_told(tmp_path):
    for name in ("noisy/a.wav", "noisy/b.wav", "clean/a.wav"):
        put(tmp_path, name)
    with pytest.raises(
        AudioError, match=r"no WAV files to read; \S+/noisy/a.wav: no fi"
    ):
        NdnsFolder(tmp_path, lenient=True)


@pytest.mark.parametrize("text", ["[]", "null", '{"1": 5}', '{"1": {"voice": 3}}'])
def test_facts_of_another_shape_are_refused(tmp_path, text):
    put(tmp_path, "noisy/noisy_fileid_1.wav")
    put(tmp_path, "clean/clean_fileid_1.wav")
    (tmp_path / "mixes.json").write_text(text)
    with pytest.raises(AudioError, match="mixes.json: must hold, by the number of a f"):
        NdnsFolder(tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"family": "Unlike"}, "family 'Unlike': known are usual, unlike"),
        ({"split": "foo"}, "split 'foo': known are train, validation, test"),
        ({"ratio": "all"}, "ratio 'all': known are active, whole"),
    ],
)
def test_a_name_that_a_mixer_does_not_know_is_refused(settings, message):
    with pytest.raises(AudioError, match=message):
        MixerConfig(**settings, corpus=False, speech=("a",), noise=("b",))


def test_bad_file_is_met_when_read(tmp_path):
    put(tmp_path, "noisy/noisy_fileid_1.wav")
    put(tmp_path, "clean/clean_fileid_1.wav", 161)
    found = NdnsFolder(tmp_path)
    with pytest.raises(AudioError, match="160 samples.*clean_fileid_1.wav has 161"):
        found[0]


def test_a_set_is_there_whole_or_not_at_all(written, tmp_path):
    mixer, _ = written
    seen = []

    def stop(done):
        seen.append((tmp_path / "set").exists())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_set(mixer, tmp_path / "set", 2, on_file=stop)
    assert seen == [False]
    assert not list(tmp_path.iterdir())
    write_set(mixer, tmp_path / "set", 1)
    assert len(NdnsFolder(tmp_path / "set")) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["set"]


def test_another_command_s_half_set_is_kept(written, tmp_path):
    mixer, _ = written
    (tmp_path / "set.part").mkdir()
    with pytest.raises(AudioError, match=r"set\.part: is there already"):
        write_set(mixer, tmp_path / "set", 1)
    assert (tmp_path / "set.part").is_dir()
