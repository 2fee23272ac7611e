# SPDX-License-Identifier: BSD-3-Clause
"""Spoken digits: recordings, parts of the set, tokens, and how they are varied."""

import numpy as np
import pytest

from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.sound import wav
from lava_sparse_rnn.audio.sound.mel import LogMel
from lava_sparse_rnn.tasks.digits import Digits, DigitsConfig
from lava_sparse_rnn.tasks.digits.task import part_of, recordings, tokens
from lava_sparse_rnn.train.distributed import Group
from lava_sparse_rnn.train.tasks import find_task


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Tones for digits; unequal lengths, two speakers, numbers of every part."""
    made = tmp_path_factory.mktemp("digits")
    for digit in (0, 1, 7):
        for speaker, pitch in (("ann", 1.0), ("bob", 0.8)):
            for number in (0, 5, 10, 11):
                t = np.arange(4000 + 300 * number) / 16000
                tone = 0.3 * np.sin(2 * np.pi * 300 * (1 + digit) * pitch * t)
                name = f"{digit}_{speaker}_{number}.wav"
                wav.write(made / name, tone.astype(np.float32))
    (made / "notes.txt").write_text("not a recording")
    return made


def test_the_set_s_own_rule_and_a_speaker_held_out(folder):
    found = recordings(folder)
    assert len(found) == 24
    parts = {one.path.name: part_of(one, None) for one in found}
    assert parts["7_ann_0.wav"] == "test"
    assert parts["7_bob_5.wav"] == "validation"
    assert parts["7_bob_10.wav"] == parts["7_bob_11.wav"] == "train"
    apart = {one.path.name: part_of(one, "bob") for one in found}
    assert {part for name, part in apart.items() if "bob" in name} == {"test"}
    assert apart["7_ann_0.wav"] == "train"
    assert apart["7_ann_5.wav"] == "validation"


def test_a_task_by_name(folder):
    assert find_task("digits") is Digits
    task = Digits.open(DigitsConfig(path=folder, bands=8), 0)
    assert (task.d_in, task.d_out) == (8, 8)
    assert [len(p) for p in (task._train, task._validation, task._test)] == [12, 6, 6]
    assert task.test()._validation is task._test
    meta = task.meta()
    assert meta["task"] == "digits"
    assert meta["classes"][7] == "seven"
    assert "path" not in meta["settings"]
    assert meta["settings"]["bands"] == 8


def test_batches_repeat_themselves_and_vary(folder):
    task = Digits.open(DigitsConfig(path=folder, bands=8, batch=12), 0)
    first, later = task.batches(0, 0, Group()), task.batches(0, 1, Group())
    a, b = next(first), next(first)
    assert all(np.array_equal(x, y) for x, y in zip(b, next(later), strict=True))
    assert not np.array_equal(a[0][:, :10], b[0][:, :10])
    x, y, lengths = a
    assert x.dtype == np.float32
    assert np.isfinite(x).all()
    assert x.shape[:2] == (12, lengths.max())
    assert sorted(set(y.tolist())) == [0, 1, 7]
    for row, end in zip(x, lengths, strict=True):
        assert (row[end:] == task._mean).all()
    plain = Digits.open(DigitsConfig(path=folder, bands=8, batch=12, vary=False), 0)
    kept = next(plain.batches(0, 0, Group()))
    assert sorted(kept[2].tolist()) == sorted(task._train.lengths.tolist())


def test_a_training_waits_for_no_other_process_to_draw(folder):
    task = Digits.open(DigitsConfig(path=folder, bands=8, batch=12), 0)
    whole = next(task.batches(0, 2, Group()))
    halves = [next(task.batches(0, 2, Group(rank, 2))) for rank in (0, 1)]
    assert np.array_equal(whole[0], np.concatenate([h[0] for h in halves]))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "data.path is missing: folder of {digit}_{speaker}_{number}.wav"),
        ({"held_out": "eve"}, "held_out is 'eve'; the speakers of .* are ann, bob"),
    ],
)
def test_settings_that_do_not_fit(folder, settings, message):
    path = folder if settings else None
    with pytest.raises(ValueError, match=message):
        Digits.open(DigitsConfig(path=path, **settings), 0)


def test_folders_that_hold_none(tmp_path):
    with pytest.raises(ValueError, match="no recordings named like"):
        Digits.open(DigitsConfig(path=tmp_path), 0)
    (tmp_path / "1_ann_0.wav").write_bytes(b"no sound")
    with pytest.raises(ValueError, match="holds no recordings for train"):
        Digits.open(DigitsConfig(path=tmp_path), 0)
    with pytest.raises(ValueError, match="1_ann_0.wav: not an audio file"):
        tokens(tmp_path / "1_ann_0.wav", LogMel(8), 1.0)


def test_a_tone_is_in_its_band():
    front = LogMel(16)
    t = np.arange(8000) / 16000
    edges = np.linspace(*(2595 * np.log10(1 + hz / 700) for hz in (60, 4000)), 18)
    for band in (3, 9, 14):
        hz = 700 * (10 ** (edges[band + 1] / 2595) - 1)
        x = front(np.sin(2 * np.pi * hz * t).astype(np.float32))
        assert x.shape == (33, 16)  # the last one ends after the samples do
        assert (x[4:-2].argmax(axis=1) == band).all()
    assert front(np.zeros(512, np.float32)) == pytest.approx(np.log(1e-6))


def test_bands_that_cannot_be():
    with pytest.raises(AudioError, match="mel bands from 60 to 9000 Hz"):
        LogMel(16, high=9000)
    with pytest.raises(AudioError, match="lies between two bins"):
        LogMel(64, high=1000)


def test_a_token_lasts_16_ms(folder):
    assert Digits.open(DigitsConfig(path=folder), 0).meta()["token_s"] == 0.016
