# SPDX-License-Identifier: BSD-3-Clause
"""Two processes hold the same model and write one network."""

import json
import os
import socket
import subprocess
import sys

import pytest

from lava_sparse_rnn import spec
from lava_sparse_rnn.train.distributed import Group

_PROGRAM = """
import sys
from lava_sparse_rnn.train import TrainConfig, run
network, path = run(TrainConfig.model_validate_json(sys.argv[1]))
network.save(sys.argv[2])
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def train_in_two(config, folder):
    """Networks of both processes."""
    port = str(free_port())
    base = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    base |= {"WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"}
    text, paths = config.model_dump_json(), [folder / f"{r}.net" for r in range(2)]
    crew = [
        subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, text, str(path)],
            env={**base, "RANK": str(rank)},
        )
        for rank, path in enumerate(paths)
    ]
    assert [p.wait(timeout=120) for p in crew] == [0, 0]
    return [spec.load(path) for path in paths]


@pytest.mark.slow
def test_two_processes_train_one_model(tiny, tmp_path):
    first, second = train_in_two(tiny(), tmp_path)
    assert first == second == spec.load(tmp_path / "tiny" / "tiny.net")
    assert json.loads((tmp_path / "tiny" / "config.json").read_text())["steps"] == 12
    assert train_in_two(tiny(), tmp_path) == [first, first]
    longer, other = train_in_two(tiny(steps=16), tmp_path)  # a stale fine-tune
    assert longer == other != first


def test_a_batch_that_cannot_be_shared_is_an_error(tiny):
    with pytest.raises(ValueError, match=r"data.batch is 4.*multiple of the 3"):
        Group(0, 3).batches(tiny().data, 0, 0)


def test_processes_see_different_material(tiny):
    data = tiny().data
    (a, _), (b, _) = (next(Group(rank, 2).batches(data, 0, 0)) for rank in (0, 1))
    assert len(a) == len(b) == 2
    assert (a != b).any()
