# SPDX-License-Identifier: BSD-3-Clause
"""Fashion-MNIST: its files, images as sequences, parts, and files that are not it."""

import gzip

import numpy as np
import pytest

from lava_sparse_rnn.tasks.fashion import Fashion, FashionConfig, images, read_idx
from lava_sparse_rnn.train.tasks import find_task


def write(path, array):
    head = bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes()
    path.write_bytes(gzip.compress(head + array.tobytes()))


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for part, count in (("train", 12), ("t10k", 5)):
        x = rng.integers(0, 256, (count, 4, 6), np.uint8)
        write(tmp_path / f"{part}-images-idx3-ubyte.gz", x)
        labels = (np.arange(count) % 10).astype(np.uint8)
        write(tmp_path / f"{part}-labels-idx1-ubyte.gz", labels)
    return tmp_path


def test_images_pixel_by_pixel(folder):
    assert find_task("fashion") is Fashion
    task = Fashion.open(FashionConfig(path=folder, watched=3, normalise=False), 0)
    x, y = images(folder, "train")
    assert (task.d_in, task.d_out) == (1, 10)
    assert [len(p) for p in (task._train, task._validation, task._test)] == [9, 3, 5]
    assert np.array_equal(task._train.x[2, :, 0], (x[2] / np.float32(255)).ravel())
    assert task._validation.y.tolist() == y[9:].tolist() == [9, 0, 1]
    lines = Fashion.open(FashionConfig(path=folder, watched=3, columns=6), 0)
    assert lines._train.x.shape == (9, 4, 6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"watched": 12}, "data.watched is 12, of 12 images"),
        ({"columns": 7, "watched": 3}, "does not divide the 24 pixels"),
    ],
)
def test_settings_that_do_not_fit(folder, settings, message):
    with pytest.raises(ValueError, match=message):
        Fashion.open(FashionConfig(path=folder, **settings), 0)


def test_files_that_are_something_else(tmp_path, folder):
    with pytest.raises(ValueError, match="the Debian package dataset-fashion-mnist"):
        images(tmp_path / "nowhere", "train")
    (tmp_path / "plain.gz").write_bytes(b"plain")
    with pytest.raises(ValueError, match="is not gzipped"):
        read_idx(tmp_path / "plain.gz", 3)
    with pytest.raises(ValueError, match="no MNIST file of 1 axes.*00000803"):
        read_idx(folder / "train-images-idx3-ubyte.gz", 1)
    whole = gzip.decompress((folder / "train-labels-idx1-ubyte.gz").read_bytes())
    (tmp_path / "cut.gz").write_bytes(gzip.compress(whole[:-1]))
    with pytest.raises(ValueError, match="holds 11 numbers, its head says"):
        read_idx(tmp_path / "cut.gz", 1)
    write(folder / "train-labels-idx1-ubyte.gz", np.zeros(11, np.uint8))
    with pytest.raises(ValueError, match="12 images and 11 labels"):
        images(folder, "train")
