# SPDX-License-Identifier: BSD-3-Clause
"""Tasks are found by name, by entry point and by place; runs keep out of each other."""

import subprocess
import sys

import numpy as np
import pytest

from lava_sparse_rnn.tasks.arrays import Arrays
from lava_sparse_rnn.tasks.denoise import Denoise
from lava_sparse_rnn.train import (
    TASKS,
    TrainConfig,
    find_task,
    fit,
    lock,
    open_float,
    register,
    run,
)
from lava_sparse_rnn.train.config import read_config


class Own(Arrays):
    """A task of a user's module."""


def test_a_task_is_found_wherever_it_is(monkeypatch):
    assert find_task("denoise") is Denoise
    assert find_task("lava_sparse_rnn.tasks.arrays:Arrays") is Arrays
    monkeypatch.setattr("lava_sparse_rnn.train.tasks.TASKS", {})
    assert find_task("arrays") is Arrays
    with pytest.raises(ValueError, match="task is 'own'; known: arrays, denoise"):
        find_task("own")


def test_a_registered_task_goes_first(monkeypatch):
    monkeypatch.setitem(TASKS, "x", Own)
    assert find_task("x") is Own
    try:
        assert register("y", Own) is Own
        assert TrainConfig(task="y").name == "y"
    finally:
        TASKS.pop("y", None)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_such_module:Task", "cannot be found: No module named"),
        ("lava_sparse_rnn.train:Nothing", "cannot be found: module"),
        ("lava_sparse_rnn.train:TrainConfig", "not a Task"),
    ],
)
def test_what_is_no_task_is_named(name, message):
    with pytest.raises(ValueError, match=message):
        read_config(None, [f"task={name}"])


def test_settings_of_the_task_are_named():
    with pytest.raises(ValueError, match=r"^data.batch is 0, must be at least 1"):
        read_config(None, ["task=arrays", "data.batch=0"])
    with pytest.raises(ValueError, match="data.pool is not known"):
        read_config(None, ["task=arrays", "data.pool=4"])
    for setting, meant in (
        ("modl.d_model=3", r"modl is not known, did you mean model\? \(known: task, "),
        ("model.d_modle=3", r"did you mean model.d_model\? \(known: d_model, d_state"),
        ("data.bacth=3", r"did you mean data.batch\? \(known: "),
        ("data.front_end.n_ftt=3", r"did you mean data.front_end.n_fft\? \(known: "),
    ):
        with pytest.raises(ValueError, match=meant + ".*`lava-sparse-rnn train --show"):
            read_config(None, [setting])
    with pytest.raises(ValueError, match=r"did you mean data.batch\? \(known: head, "):
        read_config(None, ["task=arrays", "data.bacth=4"])
    with pytest.raises(ValueError, match="front_end is given twice"):
        read_config(None, ["front_end.n_fft=256", "data.front_end.n_fft=256"])
    with pytest.raises(ValueError, match="nonsense is not known"):
        fit(Arrays(np.zeros((4, 3, 2)), [0, 1, 0, 1], head="last"), nonsense=1)


@pytest.mark.parametrize("name", [".", "..", "a/b", "a b"])
def test_a_name_is_a_folder_of_its_own(name):
    with pytest.raises(ValueError, match=r"^name[: ]"):
        read_config(None, [f"name={name}"])


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("seed=-1", "seed is .*must be at least 0"),
        ("seed=99999999999999999999", "seed is .*must be at most 9223372036854775807"),
        ("optim.lr=Infinity", "optim.lr is .*must be a finite number"),
        ("data.snr_min=NaN", "data.snr_min is .*must be a finite"),
        ("data.level_max=Infinity", "data.level_max is .*must be a finite"),
        ("model.dt_max=Infinity", "model.dt_max is .*must be a finite"),
        ("data.validation_snrs=[]", r"data.validation_snrs is .*must have at least 1"),
    ],
)
def test_numbers_are_finite_and_in_range(setting, message):
    with pytest.raises(ValueError, match=message):
        read_config(None, [setting])


@pytest.mark.slow
def test_one_training_at_a_time_in_a_folder(tiny, tmp_path):
    config = tiny()
    code = (
        "import sys, pathlib; from lava_sparse_rnn.train import lock;"
        "lock.claim(pathlib.Path(sys.argv[1])); print('mine', flush=True);"
        "sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(config.directory)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert other.stdout.readline() == "mine\n"
    message = rf"tiny is in use by another training \(process {other.pid}\)"
    with pytest.raises(ValueError, match=message):
        open_float(config)
    other.kill()  # the lock goes with its process, however that ends
    other.communicate()
    open_float(config)
    open_float(config)  # one process may look twice
    lock.release(config.directory)


@pytest.mark.slow
def test_a_start_that_is_none_is_named(tiny, tmp_path):
    net = tmp_path / "x.net"
    net.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(ValueError, match=r"start: .*x\.net: not a readable network"):
        open_float(tiny(name="a", start=net))
    config = tiny(steps=2, quantize={"steps": 1})
    run(config, lambda text: None)
    fine = config.directory / "integer.safetensors"
    with pytest.raises(ValueError, match=r"start: .* is of a fine-tune; a training"):
        open_float(tiny(name="b", start=fine))
