# SPDX-License-Identifier: BSD-3-Clause
"""What sets a task's networks beside others: `benchmarks/tasks.py`."""

import dataclasses
import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from lava_sparse_rnn.tasks.arrays import Arrays

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "tasks.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("benchmark_of_tasks", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look for the module that they are of.
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SCRIPT.parent)
        patch.setitem(importlib.sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        yield module


@pytest.fixture
def task():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    x = rng.standard_normal((60, 8, 4)) + y[:, None, None]
    return Arrays(x, y, head="mean", batch=16)


def test_a_gru_of_as_many_weights(script, task):
    for weights in (100, 1000, 5000):
        gru = script.Gru.of_size(task, weights)
        hidden = gru.gru.hidden_size
        assert gru.size == 3 * (hidden * 4 + hidden**2 + 2 * hidden) + 3 * hidden + 3
        assert gru.size <= weights
        assert script.Gru(4, hidden + 1, 3).size > weights


def test_it_learns(script, task):
    data = {"path": Path()}
    runs = script.Runs("watch", Path(), script.PLANS["watch"], data, 0.05)
    assert runs.gru() == (60, 2)
    row = script.gru_row(task, 300, runs)
    assert row.accuracy > 80
    assert row.parameters <= 300
    assert row.line().startswith("| GRU of ")
    assert row.line().count("|") == len(script.COLUMNS) + 1


@pytest.mark.parametrize("tokens", [1, 31, 71])
def test_a_gru_for_long_sequences_is_torch_s(script, task, tokens):
    torch.manual_seed(tokens)
    model = script.Gru.of_size(task, 400).double()
    x = torch.randn(tokens, 3, 4, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(tokens, 3, 3, dtype=torch.float64)
    found = []
    for model.long in (False, True):
        y = model(x)
        wanted = (x, *model.parameters())
        found.append([y, *torch.autograd.grad((weights * y).sum(), wanted)])
    assert len(found[0]) == 8
    for theirs, ours in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-10)


def test_it_goes_on_where_it_was_stopped(script, task, tmp_path):
    plan = dataclasses.replace(script.PLANS["fashion"], gru=100, every=20, tokens=8)
    rows = []
    for name, stops in (("whole", [1]), ("parts", [0.5, 1])):
        for scale in stops:
            data = {"path": Path()}
            runs = script.Runs("watch", tmp_path / name, plan, data, scale)
            rows.append(script.gru_of(runs, task, 300))
    whole, _, parts = rows
    assert whole.accuracy > 60
    assert parts.parameters == whole.parameters <= 300
    (path,) = (tmp_path / "parts").glob("*.safetensors")
    _, state = script.gru.checkpoint.read(path)
    assert state["step"] == 100


def test_the_rate_rises_stays_and_falls(script):
    rates = [script.gru.rate(step, 1000) for step in range(1001)]
    assert rates[0] == 0.01
    assert set(rates[99:701]) == {1.0}
    assert rates[700:] == sorted(rates[700:], reverse=True)
    assert rates[-1] == 0


@pytest.mark.parametrize("kind", ["cepstra", "pixels", "forest"])
def test_what_needs_no_network(script, task, kind):
    row = script.rival_row(task, kind)
    assert row.accuracy > 50
    assert row.parameters > 10


def test_mean_cepstra_ignore_what_is_behind_an_end(script):
    x = np.random.default_rng(0).standard_normal((2, 9, 16))
    found = script.cepstra(x, np.array([9, 4]))
    x[1, 4:] = np.nan
    assert np.array_equal(found, script.cepstra(x, np.array([9, 4])))
    assert found.shape == (2, 13)


@pytest.mark.slow
def test_a_whole_table(script, tmp_path, capsys):
    rng = np.random.default_rng(0)
    persons, labels = np.repeat([1, 8, 9, 10], 7), np.tile(np.arange(7), 4)
    x = [rng.standard_normal((230, 6)) + label for label in labels]
    np.save(tmp_path / "watch.npy", {"X": x, "y": labels, "subject": persons})
    data = tmp_path / "watch.npy"
    plan = script.PLANS["watch"]
    runs = script.Runs("watch", tmp_path, plan, {"path": data}, 0.01)
    for _ in range(2):  # what is there is not made again
        script.table(runs, data)
        rows = capsys.readouterr().out.splitlines()
        assert len(rows) == 8
        assert {row.count("|") for row in rows} == {len(script.COLUMNS) + 1}
        assert [row.split("|")[1].strip() for row in rows[2:]][:4] == [
            "dense, float",
            "90 % sparse, float",
            "90 % sparse, W8A16",
            "90 % sparse, W8A8",
        ]
