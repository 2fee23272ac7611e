# SPDX-License-Identifier: BSD-3-Clause
"""Tasks that other installed packages offer by name."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from lava_sparse_rnn import spec
from lava_sparse_rnn.study import read_study, trials
from lava_sparse_rnn.study.trial import run_trial
from lava_sparse_rnn.tasks.digits import Digits
from lava_sparse_rnn.train import find_task, register
from lava_sparse_rnn.train.tasks import ENTRY_POINTS, TASKS, task_name

CODE = """
from pathlib import Path
from typing import Literal

import numpy as np

from lava_sparse_rnn.tasks.arrays import Arrays, Parts, SequenceConfig, Sequences

class Config(SequenceConfig):
    path: Path | None = None
    head: Literal["mean", "last"] = "last"
    window: int = 8

class Ups(Arrays):
    Settings = Config
    classes = ("down", "up")

    @classmethod
    def read(cls, settings):
        x = np.loadtxt(settings.path).reshape(-1, settings.window, 1)
        y = (x[:, -1, 0] > x[:, 0, 0]).astype(int)
        parts = np.split(np.arange(len(x)), [len(x) // 2, len(x) * 3 // 4])
        return Parts(*(Sequences.of(x[p], y[p], head=settings.head) for p in parts))

no_class = 3
"""
SETTINGS = (
    *("runs=runs", "steps=6", "validate_every=6", "log_every=3", "precision=float32"),
    *("model.d_model=8", "model.d_state=8", "model.n_layers=1", "data.batch=8"),
    *("model.hippo_blocks=2", "quantize.steps=2", "quantize.calibration_batches=1"),
)
STUDY = {
    "name": "foreign",
    "runs": "runs",
    "task": "ups",
    "steps": 4,
    "base": {
        "precision": "float32",
        "validate_every": 4,
        "model": {"d_model": 8, "d_state": 8, "n_layers": 1, "hippo_blocks": 2},
        "data": {"path": "walk.txt", "window": 12},
        "quantize": {"steps": 0, "calibration_batches": 1},
    },
    "families": {"dense": {"widths": [1]}},
}


def install(folder, distribution, points, code=None):
    """What an installer leaves of a package: a module and its metadata."""
    info = folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n"
    )
    lines = [f"[{ENTRY_POINTS}]", *(f"{n} = {v}" for n, v in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    if code is not None:
        package = folder / distribution.replace("-", "_")
        package.mkdir()
        (package / "__init__.py").write_text("")
        (package / "walks.py").write_text(code)


@pytest.fixture
def packages(tmp_path):
    """A folder in which packages are installed, one of them."""
    folder = tmp_path / "site"
    folder.mkdir()
    points = {"ups": "ups_of_a_test.walks:Ups", "three": "ups_of_a_test.walks:no_class"}
    install(folder, "ups-of-a-test", points, CODE)
    return folder


@pytest.fixture
def installed(packages, monkeypatch):
    """They are where this interpreter looks."""
    monkeypatch.syspath_prepend(packages)
    yield packages
    for name in list(sys.modules):
        if name.partition(".")[0] in ("ups_of_a_test", "broken"):
            del sys.modules[name]


@pytest.fixture
def walk(tmp_path, monkeypatch):
    """Material, in the folder that is worked in."""
    monkeypatch.chdir(tmp_path)
    steps = np.random.default_rng(0).standard_normal(960)
    np.savetxt("walk.txt", np.cumsum(steps) % 7)


@pytest.mark.slow
def test_the_command_trains_and_scores_a_task_of_another_package(
    installed, walk, command
):
    code, out, err = command(
        *("train", "task=ups", "data.path=walk.txt", "data.window=12"), *SETTINGS
    )
    assert code == 0, err
    assert out.splitlines()[-1].endswith("runs/ups/ups.net")
    network = spec.load("runs/ups/ups.net")
    assert network.meta["task"] == "ups"
    assert network.meta["settings"]["window"] == 12
    code, out, err = command("evaluate", "runs/ups/ups.net", "--data", "walk.txt")
    assert code == 0, err
    assert "walk.txt (test): 20 sequences" in out
    assert "down" in out


@pytest.mark.slow
def test_a_study_names_a_task_of_another_package(installed, walk, command, tmp_path):
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(STUDY))
    code, out, _ = command("study", "run", "study.yaml", "--show")
    assert (code, out.strip()) == (0, "dense-w1-s0-relu-w8a16-0")
    (trial,) = trials(read_study(tmp_path / "study.yaml"))
    row = run_trial(trial, "loihi1")
    assert (row.status, row.figures) == ("done", "accuracy"), row.error


@pytest.mark.slow
def test_in_processes_of_their_own(packages, walk):
    """As a user has it: nothing of it was imported before."""
    environment = {**os.environ, "PYTHONPATH": str(packages), "COLUMNS": "200"}
    (packages / "study.yaml").write_text(yaml.safe_dump(STUDY))
    calls = (
        ("train", "task=ups", "data.path=walk.txt", *SETTINGS),
        ("evaluate", "runs/ups/ups.net", "--data", "walk.txt", "-o", "scores.json"),
        ("study", "run", packages / "study.yaml", "--show"),
    )
    for call in calls:
        done = subprocess.run(
            [sys.executable, "-m", "lava_sparse_rnn", *map(str, call)],
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "dense-w1-s0-relu-w8a16-0"
    scores = json.loads(Path("scores.json").read_text())
    assert scores["sequences"] == 30
    assert scores["classes"] == ["down", "up"]


def test_the_name_of_a_task_is_the_one_that_finds_it(installed, monkeypatch):
    ups = find_task("ups")
    assert task_name(ups) == "ups"
    assert task_name(Digits) == "digits"
    own = type("Own", (ups,), {"__module__": "somewhere"})
    assert task_name(own) == "somewhere:Own"
    monkeypatch.setitem(TASKS, "first", None)
    assert register("first", own) is own
    assert task_name(own) == "first"
    assert find_task("first") is own


BROKEN = {
    "no_module": ("gone.away:Task", None, "ModuleNotFoundError: No module named 'gone"),
    "no_object": ("broken.walks:Nothing", "", "AttributeError: .*'Nothing'"),
    "no_python": ("broken.walks:Task", "class Task(", "SyntaxError: "),
    "raises": ("broken.walks:Task", "1 / 0", "ZeroDivisionError: division by zero"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_entry_point_is_a_sentence(installed, command, name):
    value, code, message = BROKEN[name]
    install(installed, "broken", {name: value}, code)
    start = rf"task is '{name}', which broken \({value}\) offers and which cannot be "
    with pytest.raises(ValueError, match=f"^{start}loaded: {message}"):
        find_task(name)
    status, out, err = command("train", f"task={name}")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert f"which broken ({value}) offers" in err
    # The others are not harmed by it, nor are they named wrongly.
    assert task_name(find_task("ups")) == "ups"


def test_an_entry_point_that_is_no_task(installed):
    with pytest.raises(ValueError, match="task is 'three', which is 3 and not a Task"):
        find_task("three")


def test_a_name_that_finds_another_task_is_not_remembered(installed, monkeypatch):
    ups = find_task("ups")
    monkeypatch.setitem(TASKS, "ups", Digits)
    assert find_task(task_name(ups)) is ups


def test_two_packages_of_one_name(installed, walk, command):
    ups = find_task("ups")
    install(installed, "other-walks", {"ups": "elsewhere:Ups"})
    assert task_name(ups) == "ups_of_a_test.walks:Ups"
    both = (
        "task is 'ups', which other-walks (elsewhere:Ups) and ups-of-a-test "
        "(ups_of_a_test.walks:Ups) offer; uninstall all but one, or name a task as "
        "module:object"
    )
    status, out, err = command("train", "task=ups", "data.path=walk.txt")
    assert (status, out) == (1, "")
    assert both in err
    find_task("ups_of_a_test.walks:Ups")  # which one is meant is clear


def test_the_name_of_a_task_that_is_here(installed, command):
    install(installed, "other-digits", {"digits": "ups_of_a_test.walks:Ups"})
    both = (
        r"^task is 'digits', which lava-sparse-rnn "
        r"\(lava_sparse_rnn.tasks.digits:Digits\) and other-digits "
        r"\(ups_of_a_test.walks:Ups\) offer; "
    )
    with pytest.raises(ValueError, match=both):
        find_task("digits")
    assert find_task("lava_sparse_rnn.tasks.digits:Digits") is Digits
    status, _, err = command("evaluate", "digits", "--data", "nowhere")
    assert status == 1
    assert "which lava-sparse-rnn" in err
    assert find_task("watch").__name__ == "Watch"
