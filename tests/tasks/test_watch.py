# SPDX-License-Identifier: BSD-3-Clause
"""Exercises of a smartwatch: persons kept apart, windows, and files that are not it."""

import codecs
import os

import numpy as np
import pytest

from lava_sparse_rnn.tasks.watch import Watch, WatchConfig, load
from lava_sparse_rnn.train.tasks import find_task


def dataset(**changes):
    """As seglearn's: a recording per person and exercise, of unequal lengths."""
    rng = np.random.default_rng(0)
    persons, labels = np.repeat([1, 2, 8, 9, 10], 2), np.tile([0, 6], 5)
    x = [
        np.round(rng.standard_normal((200 + 30 * i, 6)), 3) + 10 * person
        for i, person in enumerate(persons)
    ]
    more = {"side": np.ones(10), "X_labels": list("abcdef"), "y_labels": ["PEN"]}
    return {"X": x, "y": labels, "subject": persons, **more, **changes}


@pytest.fixture
def path(tmp_path):
    np.save(tmp_path / "watch.npy", dataset())
    return tmp_path / "watch.npy"


def test_nobody_is_in_two_parts(path):
    assert find_task("watch") is Watch
    task = Watch.open(WatchConfig(path=path), 0)
    assert (task.d_in, task.d_out) == (6, 7)
    people = [
        set(np.round(part.x.mean(axis=(1, 2)) / 10).astype(int).tolist())
        for part in (task._train, task._validation, task._test)
    ]
    assert people == [{1, 2}, {8}, {9, 10}]
    others = Watch.open(WatchConfig(path=path, test=(1,), watched=(2, 8)), 0)
    assert set(np.round(others._test.x.mean(axis=(1, 2)) / 10)) == {1}
    assert others.meta()["settings"]["test"] == [1]


def test_windows_are_those_of_the_recording(path):
    task = Watch.open(WatchConfig(path=path, window=100, hop=50), 0)
    series = dataset()["X"][0].astype(np.float32)
    assert len(series) == 200
    assert np.array_equal(task._train.x[0], series[:100])
    assert np.array_equal(task._train.x[2], series[100:])
    assert task._train.y[:4].tolist() == [0, 0, 0, 6]
    every = Watch.open(WatchConfig(path=path, window=100, head="sequence"), 0)
    assert every._train.y.shape == every._train.x.shape[:2]


def test_an_exercise_looks_otherwise_each_time(path):
    task = Watch.open(WatchConfig(path=path, batch=8), 0)
    batch = task._train.take(np.arange(7))
    x, y, lengths = task.vary(batch, np.random.default_rng(3))
    again = task.vary(batch, np.random.default_rng(3))
    assert all(
        np.array_equal(a, b) for a, b in zip((x, y, lengths), again, strict=True)
    )
    assert np.array_equal(y, batch[1])
    assert len(set(lengths.tolist())) > 1
    assert lengths.min() >= 150 / 1.36
    assert lengths.max() == x.shape[1] == 150
    for row, before, end in zip(x, batch[0], lengths, strict=True):
        assert not np.array_equal(row, before)
        assert np.allclose(row[end:], task._mean)
        # A turn changes no length: what the sensors feel on average is as strong.
        was = np.linalg.norm(before[:, :3].mean(0))
        assert np.linalg.norm(row[:end, :3].mean(0)) == pytest.approx(was, rel=0.2)
    still = Watch.open(WatchConfig(path=path, vary=False), 0)
    assert still.vary(batch, np.random.default_rng(3)) is batch


def test_a_token_lasts_a_fiftieth_of_a_second(path):
    assert Watch.open(WatchConfig(path=path), 0).meta()["token_s"] == 0.02


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"test": (7,)}, r"data.test: no person 7; the persons are \[1, 2, 8, 9, 10\]"),
        ({"window": 250}, "data.window is 250, recording 0 has 200 samples"),
        ({"test": (1, 2), "watched": (8, 9, 10)}, "leave nobody to train on"),
    ],
)
def test_settings_that_do_not_fit(path, settings, message):
    with pytest.raises(ValueError, match=message):
        Watch.open(WatchConfig(path=path, **settings), 0)
    with pytest.raises(ValueError, match="both have person 8"):
        WatchConfig(test=(8, 9))


class Bytes:
    """As Python 3 writes bytes into a pickle that Python 2 can read."""

    def __init__(self, encoding):
        self.encoding = encoding

    def __reduce__(self):
        return codecs.encode, ("abc", self.encoding)


def test_bytes_of_an_older_pickle(tmp_path):
    np.save(tmp_path / "old.npy", dataset(y_labels=[Bytes("latin1")]))
    assert load(tmp_path / "old.npy")["y_labels"] == [b"abc"]
    np.save(tmp_path / "odd.npy", dataset(y_labels=[Bytes("rot13")]))
    with pytest.raises(ValueError, match="bytes written as 'rot13'"):
        load(tmp_path / "odd.npy")


class Call:
    def __reduce__(self):
        return os.getpid, ()


def test_a_file_can_make_nothing_run(tmp_path):
    path = tmp_path / "evil.npy"
    np.save(path, dataset(side=Call()))
    with pytest.raises(ValueError, match=r"it asks for posix.getpid"):
        load(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no array", "it is no .npy"),
        (b"\x93NUMPY\x09\x00", "is not seglearn's watch_dataset.npy"),
        (b"\x93NUMPY\x01\x00\x10", "is not seglearn's watch_dataset.npy"),
    ],
)
def test_files_that_are_something_else(tmp_path, content, message):
    path = tmp_path / "other.npy"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load(path)


def test_arrays_that_are_something_else(tmp_path):
    with pytest.raises(ValueError, match="does not exist"):
        load(tmp_path / "none.npy")
    np.save(tmp_path / "other.npy", {"X": [1]})
    with pytest.raises(ValueError, match="it holds no X, y and subject"):
        load(tmp_path / "other.npy")
    np.save(tmp_path / "short.npy", dataset(y=np.zeros(3, int)))
    with pytest.raises(ValueError, match="differ in length"):
        load(tmp_path / "short.npy")
    np.save(tmp_path / "plain.npy", np.zeros(3))
    with pytest.raises(ValueError, match="is not seglearn's"):
        load(tmp_path / "plain.npy")
