# SPDX-License-Identifier: BSD-3-Clause
"""A user's own folders: parted by groups, decoded once, mixed beside the corpus."""

import json
import shutil
import warnings
from dataclasses import asdict

import numpy as np
import pytest
import soundfile

from lava_sparse_rnn.audio import AudioError, Mixer, MixerConfig
from lava_sparse_rnn.audio.corpus import folders
from lava_sparse_rnn.audio.corpus.folders import Folder, Grouping, open_folders

pytest.importorskip("av")

SPLITS = ("train", "validation", "test")


def sound(seed, seconds=0.5, rate=16000):
    rng = np.random.default_rng(seed)
    x = 0.2 * rng.standard_normal(int(seconds * rate))
    return x * (1 + np.sin(np.arange(len(x)) / rate * 20))


def put(path, seed, rate=16000, seconds=0.5):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, sound(seed, seconds, rate), rate)


@pytest.fixture
def noises(tmp_path):
    """Twelve places, two recordings of each, and what is no recording."""
    root = tmp_path / "noises"
    for place in range(12):
        for take in range(2):
            kind = ("street", "home", "office")[place % 3]
            put(root / kind / f"{place}-{take}.wav", 10 * place + take)
    (root / "LICENSE.md").write_text("free")
    put(root / ".trash" / "0-0.wav", 5)
    return root


def opened(root, split, cache, kind="noise", **rules):
    return open_folders([root], kind, split, Grouping(**rules), cache)


def names(root, split, cache, **more):
    return [c.file for f in opened(root, split, cache, **more) for c in f]


def test_groups_are_never_split(noises, tmp_path):
    rules = {"group": r"(\d+)-", "held_out": (2, 3)}
    found = {s: names(noises, s, tmp_path / "c", **rules) for s in SPLITS}
    assert {s: len(rows) for s, rows in found.items()} == {
        **{"train": 14, "validation": 4, "test": 6}
    }
    groups = {s: {n.rsplit("-")[0] for n in rows} for s, rows in found.items()}
    assert len(set.union(*groups.values())) == sum(map(len, groups.values())) == 12
    clip = next(iter(opened(noises, "test", tmp_path / "c", **rules)[0]))
    assert clip.group == f"noises/{clip.file.split('/')[1].split('-')[0]}"
    assert clip.kind == f"noises/{clip.file.split('/')[0]}"


def test_more_recordings_never_bring_a_learnt_group_into_the_test(noises, tmp_path):
    rules = Grouping(r"(\d+)-", held_out=(2, 3))
    before = Folder(noises, "noise", rules).parts
    for place in range(12, 30):
        put(noises / "street" / f"{place}-0.wav", place)
    after = Folder(noises, "noise", rules).parts
    learnt = [n for n, part in before.items() if part == "train"]
    assert {after[n] for n in learnt} == {"train"}


@pytest.mark.parametrize(
    ("count", "held"), [(4, 0), (5, 1), (24, 2), (99, 10), (100, 20), (231, 20)]
)
def test_how_many_are_held_out(tmp_path, count, held):
    for i in range(count):
        (tmp_path / f"{i}.flac").touch()
    parts = [*Folder(tmp_path, "speech", Grouping()).parts.values()]
    assert [parts.count(s) for s in SPLITS] == [count - 2 * held, held, held]


def test_sub_folders_with_the_names_of_the_parts(tmp_path):
    root = tmp_path / "voices"
    put(root / "train" / "ann" / "1.wav", 1)
    put(root / "test" / "bob" / "1.wav", 2)
    found = {s: opened(root, s, tmp_path / "c", kind="speech") for s in SPLITS}
    assert [c.group for c in found["train"][0]] == ["voices/ann"]
    assert [c.group for c in found["test"][0]] == ["voices/bob"]
    assert found["validation"] == []


@pytest.mark.parametrize(("suffix", "rate"), [("wav", 44100), ("flac", 8000)])
def test_any_rate_and_format(tmp_path, suffix, rate):
    put(tmp_path / "in" / f"a.{suffix}", 1, rate)
    (flat,) = opened(tmp_path / "in", "train", tmp_path / "c")
    assert flat.clips[0].length == pytest.approx(8000, abs=400)
    assert np.max(np.abs(flat.samples(0))) == pytest.approx(0.9, abs=0.01)


def test_decoded_once_and_again_when_changed(noises, tmp_path, monkeypatch):
    decoded = []
    real = folders.decode
    monkeypatch.setattr(
        folders, "decode", lambda f, name: decoded.append(name) or real(f, name)
    )
    for split in SPLITS * 2:
        names(noises, split, tmp_path / "c")
    assert len(decoded) == 24
    put(noises / "street" / "0-0.wav", 99)
    names(noises, "train", tmp_path / "c")
    assert len(decoded) == 48


def test_what_cannot_be_used_is_named_once(noises, tmp_path):
    (noises / "street" / "bad.wav").write_text("no sound")
    soundfile.write(noises / "street" / "mute.wav", np.zeros(9000), 16000)
    shutil.copy(noises / "home" / "1-0.wav", noises / "home" / "copy.wav")
    with pytest.warns(UserWarning, match=r"noises: 3 of 27 recordings are left out"):
        names(noises, "train", tmp_path / "c")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        names(noises, "train", tmp_path / "c")


@pytest.mark.parametrize(
    ("prepare", "rules", "words"),
    [
        (lambda p: None, {}, "no such folder; a folder of noise is needed"),
        (lambda p: p.write_text(""), {}, "is a file; a folder of noise is needed"),
        (lambda p: p.mkdir(), {}, "no recording of noise in it; known endings are"),
        (lambda p: put(p / "a.wav", 1, seconds=0.1), {}, "no usable recording; a.wav:"),
        (
            *(lambda p: put(p / "a.wav", 1), {"held_out": (1, 0)}),
            r"1 groups, of which 1 and 0 .* at least one has to be left",
        ),
    ],
)
def test_problems_of_a_folder(tmp_path, prepare, rules, words):
    prepare(tmp_path / "in")
    with pytest.raises(AudioError, match=words):
        opened(tmp_path / "in", "train", tmp_path / "c", **rules)


def test_a_folder_twice_and_a_pattern_that_is_none(noises, tmp_path):
    with pytest.raises(AudioError, match="this folder of noise is given twice"):
        open_folders([noises, noises], "noise", "train", Grouping(), tmp_path)
    with pytest.raises(AudioError, match=r"noise: group '\(': no regular expression"):
        MixerConfig(noise_group="(")


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_the_share_of_own_noise(cache, noises, tmp_path, share):
    mixer = Mixer(
        cache, seconds=0.3, noise=(str(noises),), own_share=share, augment=False,
        own_cache=str(tmp_path), shares=(("recorded", 1.0),),
    )  # fmt: skip
    rng = np.random.default_rng(0)
    drawn = [mixer.noise.groups[mixer.noise.group(rng)] for _ in range(600)]
    own = sum(name.startswith("noises/") for name in drawn) / len(drawn)
    assert own == pytest.approx(share, abs=0.06)
    speech = [mixer.speech.groups[mixer.speech.group(rng)] for _ in range(50)]
    assert {name.partition("-")[0] for name in speech} == {"train"}


def test_own_folders_alone(noises, tmp_path):
    for reader in range(5):
        put(tmp_path / "voices" / f"{reader}.flac", 100 + reader, 48000, 2.0)
    config = MixerConfig(
        str(tmp_path / "none"), seconds=0.3, corpus=False, min_floor_db=0.0,
        speech=(str(tmp_path / "voices"),), noise=(str(noises),),
        noise_group=r"(\d+)-",
    )  # fmt: skip
    voices = {}
    for split in SPLITS:
        mixer = Mixer(MixerConfig(**{**asdict(config), "split": split}))
        voices[split] = {mixer.mix(i).voice for i in range(9)}
    assert [len(voices[s]) for s in SPLITS] == [3, 1, 1]
    assert len(set.union(*voices.values())) == 5
    again = Mixer.from_dict(json.loads(json.dumps(asdict(config))))
    assert np.array_equal(again[3], Mixer(config)[3])


def test_own_folders_alone_need_both(noises, tmp_path):
    with pytest.raises(AudioError, match="speech: no own folder, and the corpus is"):
        MixerConfig(noise=(str(noises),), corpus=False)
    put(tmp_path / "voices" / "a.wav", 1, seconds=1.0)
    config = MixerConfig(
        str(tmp_path), "test", corpus=False, noise=(str(noises),),
        speech=(str(tmp_path / "voices"),),
    )  # fmt: skip
    with pytest.raises(AudioError, match="no usable speech clip for 'test'; own .* 5"):
        Mixer(config)
