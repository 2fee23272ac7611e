# SPDX-License-Identifier: BSD-3-Clause
"""What is taken for a file of a network, and for real values of its wires."""

import os
import threading

import numpy as np
import pytest

from lava_sparse_rnn import spec
from lava_sparse_rnn.spec import SpecError

NETWORK = spec.random_network(np.random.default_rng(0), d_in=3, d_out=2)


def test_a_path_that_is_no_file_says_what_it_is(tmp_path):
    for path, says in (
        (tmp_path, "is a folder, a file is needed"),
        (os.devnull, "is a device, a file is needed"),
        (tmp_path / "absent.net", "no such file"),
    ):
        with pytest.raises(SpecError, match=f"{path}: {says}"):
            spec.load(path)


@pytest.mark.parametrize("packed", [False, True])
def test_a_pipe_is_read_whole(tmp_path, packed):
    NETWORK.save(tmp_path / "a.net", packed=packed)
    content = (tmp_path / "a.net").read_bytes()
    os.mkfifo(tmp_path / "pipe")
    for sent in (content, content[:999], b""):
        feed = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=[sent])
        feed.start()
        if sent == content:
            assert spec.load(tmp_path / "pipe") == NETWORK
        else:
            with pytest.raises(SpecError, match="pipe: not a readable network"):
                spec.load(tmp_path / "pipe")
        feed.join()


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.ones((2, 1)), r"input: shape \(2, 1\), must be \(..., 3\)"),
        (np.ones((3, 2)), r"input: shape \(3, 2\)"),
        (1.0, r"input: shape \(\)"),
        (np.ones((2, 3), complex), "real numbers, got complex128"),
        (np.full((2, 3), "1"), "real numbers, got <U1"),
        (np.full((2, 3), None), "real numbers, got object"),
        (np.full((2, 3), np.nan), "must be finite"),
        (np.full((2, 3), -np.inf), "must be finite"),
    ],
)
def test_what_is_no_input_is_refused(values, says):
    with pytest.raises(SpecError, match=says):
        NETWORK.to_wire(values)


def test_an_output_has_its_width():
    assert NETWORK.from_wire(np.ones((4, 2), int)).shape == (4, 2)
    with pytest.raises(SpecError, match=r"output: shape \(4, 1\), must be \(..., 2\)"):
        NETWORK.from_wire(np.ones((4, 1), int))
