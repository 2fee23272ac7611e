# SPDX-License-Identifier: BSD-3-Clause
"""Two processes hold the same model and write one network."""

import csv
import json
import multiprocessing
import socket

import numpy as np
import pytest

from lava_sparse_rnn import spec
from lava_sparse_rnn.tasks.denoise import Denoise
from lava_sparse_rnn.train import TrainConfig, run
from lava_sparse_rnn.train.distributed import Group

_MEMBER = """
import os, torch
os.environ.update(environment)
torch.set_num_threads(1)
"""

_PROGRAM = """
from lava_sparse_rnn.train import TrainConfig, run
network, path = run(TrainConfig.model_validate_json(arguments[0]))
network.save(f"{arguments[1]}/{os.environ['RANK']}.net")
"""

_WORSE = """
from lava_sparse_rnn.train import FloatStage
FloatStage.validate = lambda stage: {"si_snri_0dB": -stage.step, "si_snri_10dB": 0}
"""

_NORMS = """
import torch
from lava_sparse_rnn.train.distributed import Group
group = Group.start()
torch.manual_seed(0)
x, goal = torch.randn(2, 10, 3) * 4 + 7
whole, shared = (torch.nn.BatchNorm1d(3, eps=1e-3) for _ in range(2))
for norm in (whole, shared):
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([1.0, -2.0, 0.5]))
group.share_batch_norms(shared)
mine = slice(5 * group.rank, 5 * group.rank + 5)
for _ in range(2):
    inputs = [x.clone().requires_grad_(), x[mine].clone().requires_grad_()]
    outputs = [whole(inputs[0]), shared(inputs[1])]
    for norm, y, target in zip((whole, shared), outputs, (goal, goal[mine])):
        norm.zero_grad()
        (y - target).square().mean().backward()
group.average_gradients(shared)
torch.testing.assert_close(outputs[1], outputs[0][mine])
# This process' loss is the mean over half as many rows.
torch.testing.assert_close(inputs[1].grad / 2, inputs[0].grad[mine])
for a, b in zip(shared.parameters(), whole.parameters()):
    torch.testing.assert_close(a.grad, b.grad)
for a, b in zip(shared.buffers(), whole.buffers()):
    torch.testing.assert_close(a, b)
shared.eval(), whole.eval()
torch.testing.assert_close(shared(x), whole(x))
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture(scope="module")
def run_two():
    """A function: run a program in two processes that know of each other.

    They are forked from one that has imported torch, which takes longer than the
    programs do.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["lava_sparse_rnn.train", "torch.utils.tensorboard", "torch._dynamo"]
    )

    def run(program, *arguments):
        shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
        crew = []
        for rank in range(2):
            environment = {**shared, "WORLD_SIZE": "2", "RANK": str(rank)}
            names = {"environment": environment, "arguments": arguments}
            crew.append(context.Process(target=exec, args=(_MEMBER + program, names)))
        for process in crew:
            process.start()
        for process in crew:
            process.join(timeout=240)
        assert [process.exitcode for process in crew] == [0, 0]

    return run


@pytest.fixture
def train_in_two(run_two, tmp_path):
    """A function: networks of both processes that train by a configuration."""

    def train(config, program=_PROGRAM):
        run_two(program, config.model_dump_json(), str(tmp_path))
        return [spec.load(tmp_path / f"{rank}.net") for rank in range(2)]

    return train


def curve(config, stage="float"):
    """Rows of a run's CSV, the time left out."""
    with (config.directory / f"{stage}.csv").open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        del row["seconds_per_step"]
    return [{k: float(v) for k, v in row.items() if v} for row in rows]


@pytest.mark.slow
def test_two_processes_train_one_model(tiny, train_in_two):
    whole = {"data": {"long_factor": 2}}
    config = tiny(**whole)
    first, second = train_in_two(config)
    assert first == second == spec.load(config.directory / "tiny.net")
    assert json.loads((config.directory / "config.json").read_text())["steps"] == 12
    assert train_in_two(config) == [first, first]
    longer, other = train_in_two(tiny(steps=16, **whole))
    assert longer == other != first  # a stale fine-tune


@pytest.mark.slow
def test_two_processes_have_the_loss_curve_of_one(tiny, train_in_two):
    changes = {"steps": 24, "log_every": 1, "precision": "float32"}
    changes["data"] = {"long_factor": 2, "fresh_every": 2}
    one, two = tiny(name="one", **changes), tiny(name="two", **changes)
    run(one, lambda text: None)
    train_in_two(two)
    for stage in ("float", "integer"):
        expected, found = curve(one, stage), curve(two, stage)
        assert len(expected) == len(found) == {"float": 24, "integer": 4}[stage]
        for a, b in zip(expected, found, strict=True):
            assert a.keys() == b.keys()
            for name, value in a.items():
                assert b[name] == pytest.approx(value, rel=2e-3, abs=2e-3), (a, b)
    losses = [row["loss"] for row in curve(two)]
    assert np.ptp(losses) > 1  # a curve, not a line


@pytest.mark.slow
def test_two_processes_train_on_arrays_as_one_does(train_in_two, tmp_path):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((24, 6, 3)).astype(np.float32)
    np.savez(tmp_path / "own.npz", x=x, y=(x[..., 0].mean(1) > 0).astype(int))
    values = {
        "task": "arrays", "runs": tmp_path, "steps": 12, "log_every": 1,
        "validate_every": 6, "precision": "float32", "pruning": {"sparsity": 0.5},
        "model": {"d_model": 8, "d_state": 8, "n_layers": 1, "hippo_blocks": 2},
        "quantize": {"steps": 4, "calibration_batches": 2},
        "data": {"path": tmp_path / "own.npz", "head": "mean", "batch": 8},
    }  # fmt: skip
    one, two = (TrainConfig.model_validate({**values, "name": n}) for n in "ab")
    run(one, lambda text: None)
    first, second = train_in_two(two)
    assert first == second
    for stage, steps in (("float", 12), ("integer", 4)):
        expected, found = curve(one, stage), curve(two, stage)
        assert len(expected) == len(found) == steps
        for a, b in zip(expected, found, strict=True):
            assert a.keys() == b.keys()
            for name in ("loss", "grad_norm"):
                assert b[name] == pytest.approx(a[name], rel=2e-3, abs=2e-3), (a, b)


@pytest.mark.slow
def test_two_processes_stop_together(tiny, train_in_two):
    config = tiny(
        log_every=2, validate_every=2, patience=2, pruning={"sparsity": 0},
        quantize={"steps": 0}, data={"long_factor": 2},
    )  # fmt: skip
    first, second = train_in_two(config, _WORSE + _PROGRAM)
    assert [row["step"] for row in curve(config)] == [2, 4, 6]
    assert first == second  # of the weights of step 2, which only process 0 has judged


@pytest.mark.slow
def test_shared_batch_norms_are_those_of_the_whole_batch(run_two):
    run_two(_NORMS)


def test_a_batch_that_cannot_be_shared_is_an_error(tiny):
    task = Denoise.open(tiny().data, 0)
    with pytest.raises(ValueError, match=r"data.batch is 4.*multiple of the 3"):
        next(task.batches(0, 0, Group(0, 3)))
    message = r"data.batch=4 with data.long_factor=4 makes 1 long.*of the 2 processes"
    with pytest.raises(ValueError, match=message):
        next(task.batches(0, 0, Group(0, 2)))
