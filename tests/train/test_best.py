# SPDX-License-Identifier: BSD-3-Clause
"""The best validation is kept, and a stage that brings no better one ends."""

import csv

import pytest
import torch

from lava_sparse_rnn import spec
from lava_sparse_rnn.train import checkpoint, open_float, run, stages
from lava_sparse_rnn.train.best import Best

CHECKS = {"log_every": 2, "validate_every": 2, "pruning": {"sparsity": 0}}


def scripted(stage, scores):
    """Let the validations of a stage find these scores, one after the other."""
    left = iter(scores)
    stage.validate = lambda: {"si_snri_0dB": next(left), "si_snri_10dB": 0.0}
    return stage


def steps_of(config):
    with (config.directory / "float.csv").open() as file:
        return [int(row["step"]) for row in csv.DictReader(file)]


def test_the_best_is_the_largest_mean():
    best = Best()
    found = [best.see({"a": x, "b": 1.0}, i) for i, x in enumerate([1, 3, 2, 3, 5])]
    assert found == [True, True, False, False, True]
    assert (best.score, best.step, best.waited) == (3.0, 4, 0)
    assert not best.see({"a": float("nan")}, 5)
    assert best.waited == 1
    assert not best.is_over(None)
    assert best.is_over(1)
    assert not best.is_over(2)


def test_a_figure_that_is_not_a_number_is_never_the_best():
    best, nan = Best(), float("nan")
    assert not best.see({"a": nan}, 1)
    assert (best.score, best.step, best.waited) == (None, None, 1)
    assert best.see({"a": -5.0}, 2)
    assert Best(score=nan, step=1).see({"a": 1.0}, 2)  # of an older version's run


def test_a_stage_stops_early_and_hands_on_its_best(tiny):
    config = tiny(steps=40, patience=3, **CHECKS)
    stage = scripted(open_float(config), [1, 2, 5, 4, 3, 4, 9])
    weights = {}
    train_step = stage.train_step

    def watch(batch):
        row = train_step(batch)
        weights[stage.step] = stage.model.decoder.detach().clone()
        return row

    stage.train_step = watch
    stage.fit()
    assert steps_of(config) == [2, 4, 6, 8, 10, 12]
    assert (stage.step, stage.stopped, stage.best.step) == (12, True, 6)
    assert torch.equal(stage.model.decoder, weights[12])
    stage.hand_on()
    assert torch.equal(stage.model.decoder, weights[6])
    assert stage.figures["si_snri_0dB"] == 5
    again = open_float(config)  # stays stopped
    again.fit()
    assert again.step == 12
    more = scripted(open_float(tiny(steps=40, patience=5, **CHECKS)), [1, 1, 1])
    more.fit()
    assert (more.step, more.best.step, more.stopped) == (16, 6, True)


@pytest.mark.slow
def test_a_restart_remembers_what_it_waits_for(tiny):
    config = tiny(steps=40, patience=3, **CHECKS)
    first = scripted(open_float(config), [2, 1, 1])
    first.fit(until=5)
    second = scripted(open_float(config), [1, 1, 1])
    assert (second.best.step, second.best.waited) == (2, 1)
    second.fit()
    assert second.step == 8


@pytest.mark.parametrize(("keep", "expected"), [(None, 12), ("last", 12), ("best", 4)])
def test_without_patience_the_last_weights_count_unless_asked(tiny, keep, expected):
    config = tiny(keep=keep, **CHECKS)
    stage = scripted(open_float(config), [1, 5, 2, 2, 2, 2])
    stage.fit()
    assert (stage.step, stage.best.step) == (12, 4)
    last = stage.model.decoder.detach().clone()
    stage.hand_on()
    tensors, state = checkpoint.read(stage.best_path)
    assert state["step"] == 4
    best = tensors["model.decoder"]
    assert not torch.equal(best, last)
    assert torch.equal(stage.model.decoder, best if expected == 4 else last)


def test_validations_before_the_last_mask_do_not_count(tiny):
    changes = {**CHECKS, "pruning": {"sparsity": 0.5, "every": 2, "end": 0.5}}
    stage = scripted(open_float(tiny(patience=9, **changes)), [9, 8, 7, 3, 4, 2])
    stage.fit()
    assert (stage.best.score, stage.best.step) == (2.0, 10)
    assert (~stage.model.decoder_mask).any()


@pytest.mark.slow
def test_pruning_until_the_last_step_prunes(tiny):
    for schedule in ("cubic", "one_shot"):
        pruning = {"sparsity": 0.5, "end": 1.0, "every": 3, "schedule": schedule}
        stage = open_float(tiny(name=schedule, pruning=pruning))
        stage.fit()
        assert stage.columns()["sparsity"] == pytest.approx(0.5, abs=0.01)


@pytest.mark.slow
def test_a_fine_tune_that_only_harms_is_not_shipped(tiny, monkeypatch):
    changes = {**CHECKS, "quantize": {"steps": 8, "lr_factor": 10.0}}
    monkeypatch.setattr(
        stages.IntegerStage, "validate", lambda stage: {"si_snri_0dB": -stage.step}
    )
    notes: list[str] = []
    network, path = run(tiny(**changes), notes.append)
    tuned = next(n for n in notes if n.startswith("fine-tuned"))
    assert tuned == "fine-tuned: si_snri_0dB 0.00, weights of step 0"
    assert network == spec.load(path) == spec.load(path.with_name("tiny-ptq.net"))
    last, _ = run(tiny(name="last", keep="last", **changes), notes.append)
    assert network != last
    again, _ = run(tiny(**changes), notes.append)
    assert again == network
