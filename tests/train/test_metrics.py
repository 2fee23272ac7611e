# SPDX-License-Identifier: BSD-3-Clause
"""What a run logs: CSV, TensorBoard and the terminal."""

import csv
import io
import warnings

import pytest
from rich.console import Console

from lava_sparse_rnn.train import metrics, open_float
from lava_sparse_rnn.train.optim import rate_factor


def scalars(folder):
    """Steps and values of every scalar of TensorBoard."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorboard.backend.event_processing.event_accumulator import (
            EventAccumulator,
        )

        board = EventAccumulator(str(folder)).Reload()
    return {
        name: {e.step: e.value for e in board.Scalars(name)}
        for name in board.Tags()["scalars"]
    }


@pytest.mark.slow
def test_csv_and_tensorboard_tell_the_same(tiny):
    config = tiny()
    open_float(config).fit()
    with (config.directory / "float.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == [4, 8, 12]
    names = ["loss", "lr", "grad_norm", "seconds_per_step", "sparsity"]
    names += ["si_snri_0dB", "si_snri_10dB"]
    assert list(rows[0]) == ["step", *names]
    assert rows[0]["si_snri_0dB"] == ""
    for row in rows:  # the rate of that step, not its share of the peak
        share = rate_factor(int(row["step"]) - 1, config.steps, config.optim)
        assert float(row["lr"]) == pytest.approx(config.optim.lr * share)
    found = scalars(config.directory / "tensorboard" / "float")
    assert sorted(found) == sorted(names)
    for name in names:
        expected = {int(r["step"]): float(r[name]) for r in rows if r[name]}
        assert found[name].keys() == expected.keys()
        for step, value in expected.items():
            assert found[name][step] == pytest.approx(value, rel=1e-5)


@pytest.mark.slow
def test_tensorboard_forgets_what_came_after_the_checkpoint(tiny):
    config = tiny()
    stage = open_float(config)
    stage.fit(until=8)
    stage.save = lambda: None  # the run dies with a checkpoint of step 8
    stage.fit()
    again = open_float(tiny(log_every=3))
    assert again.step == 8
    again.fit()
    found = scalars(config.directory / "tensorboard" / "float")["loss"]
    assert list(found) == [4, 8, 9, 12]


def test_a_terminal_sees_a_bar_and_others_lines(tmp_path, monkeypatch):
    for terminal in (True, False):
        screen = io.StringIO()
        screen.isatty = lambda terminal=terminal: terminal

        def console(*_, screen=screen, terminal=terminal, **options):
            options["width"] = 110
            return Console(file=screen, force_terminal=terminal, **options)

        monkeypatch.setattr(metrics, "Console", console)
        with metrics.MetricLog(tmp_path / "a.csv", tmp_path, 20, ()) as log:
            log.advance(5)
            log.row(5, {"loss": 1.25})
            log.row(6, {f"figure_{i}": 0.125 for i in range(20)})
        text = screen.getvalue()
        assert "step 5  loss 1.25" in text
        long = next(line for line in text.splitlines() if "step 6" in line)
        assert long.endswith("figure_19 0.125") is not terminal
        assert ("5/20" in text) is terminal
