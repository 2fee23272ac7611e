# SPDX-License-Identifier: BSD-3-Clause
"""What sets a task's networks beside others: `benchmarks/tasks.py`."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from lava_sparse_rnn.tasks.arrays import Arrays

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "tasks.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("benchmark_of_tasks", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look for the module that they are of.
    with pytest.MonkeyPatch.context() as patch:
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
    row = script.gru_row(task, 300, 60, 10)
    assert row.accuracy > 80
    assert row.parameters <= 300
    assert row.line().startswith("| GRU of ")
    assert row.line().count("|") == len(script.COLUMNS) + 1


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
