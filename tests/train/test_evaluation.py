# SPDX-License-Identifier: BSD-3-Clause
"""Any task's scores of integers, from the file and from the command."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from lava_sparse_rnn import backends, spec
from lava_sparse_rnn.nn import SparseRNN
from lava_sparse_rnn.tasks.arrays import Arrays, ArraysConfig
from lava_sparse_rnn.train import evaluate, task_of
from lava_sparse_rnn.train.tasks import TASKS, find_task, register

MINE = """
from typing import ClassVar
from lava_sparse_rnn.tasks.arrays import Arrays

class Mine(Arrays):
    classes = ("up", "down")

class Other:
    pass
"""


@pytest.fixture
def path(tmp_path):
    """Sequences of unequal lengths with a label, the test apart."""
    rng = np.random.default_rng(0)
    arrays = {}
    for part, n in (("", 12), ("_test", 7)):
        arrays |= {
            f"x{part}": rng.standard_normal((n, 6, 2)),
            f"y{part}": np.arange(n) % 2,
            f"lengths{part}": rng.integers(2, 7, n),
        }
    np.savez(tmp_path / "mine.npz", **arrays)
    return tmp_path / "mine.npz"


@pytest.fixture
def network(path, tmp_path):
    """Nobody has trained it, but it knows what it is for."""
    torch.manual_seed(0)
    task = Arrays.open(ArraysConfig(path=path, head="mean"), 0)
    model = SparseRNN(
        d_in=2, d_model=8, d_state=8, n_layers=1, hippo_blocks=2, d_out=2, seed=0
    )
    model.eval().export_hdf5(
        tmp_path / "mine.net", torch.randn(4, 6, 2), meta=task.meta()
    )
    return tmp_path / "mine.net"


def test_scores_are_those_of_the_answers(network, path):
    net, arrays = spec.load(network), np.load(path)
    task = task_of(net, path)
    answers = backends.answer(net, arrays["x_test"], arrays["lengths_test"])
    with backends.create("reference", net) as stream:
        found = evaluate(net, task, stream)
    wanted, classes = arrays["y_test"], answers.argmax(axis=1)
    assert found.figures == {
        "accuracy": pytest.approx(100 * np.mean(classes == wanted))
    }
    assert found.sequences == 7
    table = np.zeros((2, 2), int)
    np.add.at(table, (wanted, classes), 1)
    assert np.array_equal(found.confusion, table)
    assert "accuracy" in repr(found)
    watched = task_of(net, path, split="validation")
    assert len(watched.validation_sequences()) == 2
    lengths = [len(tokens) for tokens in task.validation_sequences()]
    assert lengths == arrays["lengths_test"].tolist()


def test_every_backend_scores_alike(network, path):
    pytest.importorskip("lava")
    net = spec.load(network)
    task = task_of(net, path)
    tables = []
    for name in sorted(backends.BACKENDS):
        with backends.create(name, net) as stream:
            tables.append(evaluate(net, task, stream).confusion.tolist())
    assert all(table == tables[0] for table in tables)


def test_settings_of_the_training_are_in_the_file(network, path):
    net = spec.load(network)
    assert net.meta["task"] == "arrays"
    assert net.meta["settings"]["head"] == "mean"
    assert "path" not in net.meta["settings"]
    assert task_of(net, path).settings.head == "mean"
    assert task_of(net, path, settings={"head": "last"}).settings.head == "last"


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        (None, {"heat": 1}, "heat is not known"),
        ("nothing", {}, "task is 'nothing'; known"),
        ("json:loads", {}, "and not a Task"),
    ],
)
def test_what_does_not_fit(network, path, name, settings, message):
    with pytest.raises(ValueError, match=message):
        task_of(spec.load(network), path, name, settings)


def test_another_number_of_inputs(network, path, tmp_path):
    arrays = dict(np.load(path))
    arrays["x"], arrays["x_test"] = arrays["x"][..., :1], arrays["x_test"][..., :1]
    np.savez(tmp_path / "one.npz", **arrays)
    with pytest.raises(ValueError, match="has 1 inputs, the network 2"):
        task_of(spec.load(network), tmp_path / "one.npz")


def test_a_task_in_a_module_of_this_folder(tmp_path, path, monkeypatch):
    (tmp_path / "my_task_of_test.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    before = list(sys.path)
    mine = find_task("my_task_of_test:Mine")
    assert sys.path == before
    task = mine.open(ArraysConfig(path=path, head="mean"), 0)
    meta = task.meta()
    assert meta["task"] == "my_task_of_test:Mine"
    assert meta["classes"] == ["up", "down"]
    with pytest.raises(ValueError, match="is not a Task|and not a Task"):
        find_task("my_task_of_test:Other")
    with pytest.raises(ValueError, match="cannot be found: No module named"):
        find_task("no_such_module_here:Mine")


def test_a_file_does_not_decide_what_is_imported(network, path):
    net = spec.load(network)
    net = replace(net, meta={**net.meta, "task": "antigravity:Task"})
    with pytest.raises(ValueError, match="trained for antigravity:Task; name it"):
        task_of(net, path)
    assert "antigravity" not in sys.modules
    nameless = replace(net, meta={})
    with pytest.raises(ValueError, match="does not say what it was trained for"):
        task_of(nameless, path)
    assert task_of(nameless, path, "arrays", {"head": "mean"}).d_in == 2


def test_a_registered_name(path):
    class Mine(Arrays):
        pass

    try:
        assert register("mine of a test", Mine) is Mine
        assert find_task("mine of a test") is Mine
        meta = Mine.open(ArraysConfig(path=path, head="last"), 0).meta()
        assert meta["task"] == "mine of a test"
    finally:
        TASKS.pop("mine of a test", None)


def test_the_command(command, network, path, tmp_path):
    output = tmp_path / "scores.json"
    code, text, _ = command("evaluate", network, "--data", path, "-o", output)
    assert code == 0
    assert "7 sequences" in text
    assert "labels (rows) and answers (columns)" in text
    found = json.loads(output.read_text())
    assert np.sum(found["confusion"]) == 7
    costs = found["costs"]
    assert costs["head"] == "mean"
    assert costs["synops_per_sequence"] == pytest.approx(
        costs["synops_per_token"] * costs["tokens_per_sequence"]
    )
    assert costs["synops_per_second"] is None
    code, text, _ = command(
        *("evaluate", network, "data.head=last", "data.token_s=0.5", "--data", path),
        *("--split", "validation", "--backend", "reference", "-o", output),
    )
    assert code == 0
    assert "2 sequences" in text
    costs = json.loads(output.read_text())["costs"]
    assert costs["synops_per_second"] == costs["synops_per_token"] / 0.5
    assert "second" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--split", "train"), "split is 'train', must be one of: test, validation"),
        (("model.d_model=3",), "settings of a task are data.key=value, not model"),
        (("--peer", "rnnoise"), "--peer is for denoisers"),
        (("--strength", "0"), "--strength is for denoisers"),
        (("--task", "denoise"), "settings"),
    ],
)
def test_what_the_command_refuses(command, network, path, arguments, message):
    code, _, error = command("evaluate", network, "--data", path, *arguments)
    assert code == 1
    if message != "settings":
        assert message in error


@pytest.mark.parametrize(
    "words", [("estimate", "NET"), ("deploy", "NET", "-o", "b", "--check")]
)
def test_a_task_of_one_s_own_is_named_to_other_commands(
    command, network, path, tmp_path, monkeypatch, words
):
    (tmp_path / "my_task_of_test.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    net = spec.load(network)
    net = replace(net, meta={**net.meta, "task": "my_task_of_test:Mine"})
    net.save("own.net")
    words = ["own.net" if word == "NET" else word for word in words]
    code, _, error = command(*words, "--data", path)
    assert (code, "name it as its task" in error) == (1, True)
    code, text, error = command(
        *words, "--data", path, "--task", "my_task_of_test:Mine"
    )
    assert code == 0, error
    assert "tokens" in text
    code, _, error = command(*words, "--tokens", "x.npy", "--task", "a")
    assert (code, "--task: is of --data, give --data, too" in error) == (1, True)
