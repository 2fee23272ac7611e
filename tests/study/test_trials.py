# SPDX-License-Identifier: BSD-3-Clause
"""What a study's file says, which trials follow, and what one of them leaves."""

import json

import pytest
import yaml

from lava_sparse_rnn import spec
from lava_sparse_rnn.study import StudyConfig, read_study, trials
from lava_sparse_rnn.study.measure import integer_model
from lava_sparse_rnn.study.trial import done, has_integers, run_trial
from lava_sparse_rnn.study.trials import merged
from lava_sparse_rnn.train import find_task


def study(values, **changes):
    return StudyConfig.model_validate(merged(values, changes))


def test_every_combination_is_a_trial_with_a_name_that_stays(values):
    families = {
        "dense": {"widths": [0.5, 1], "seeds_at": {1: [0, 3]}},
        "sparse": {"widths": [2], "sparsity": [0.8, 0.95], "bits": ["w8a16", "w8a8"]},
        "gelu": {"activation": "gelu", "seeds": [7]},
    }
    found = trials(study({**values, "families": families}))
    assert [t.name for t in found] == [
        "dense-w0.5-s0-relu-w8a16-0",
        "dense-w1-s0-relu-w8a16-0",
        "sparse-w2-s80-relu-w8a16-0",
        "sparse-w2-s80-relu-w8a8-0",
        "sparse-w2-s95-relu-w8a16-0",
        "sparse-w2-s95-relu-w8a8-0",
        "gelu-w1-s0-gelu-w8a16-7",
        "dense-w1-s0-relu-w8a16-3",  # second seeds come last
    ]
    by_name = {t.name: t.config for t in found}
    small = by_name["dense-w0.5-s0-relu-w8a16-0"]
    assert (small.model.d_model, small.model.d_state) == (4, 4)
    assert (small.steps, small.threads, small.pruning.sparsity) == (12, 1, 0)
    wide = by_name["sparse-w2-s95-relu-w8a8-0"]
    assert (wide.model.d_model, wide.pruning.sparsity) == (16, 0.95)
    assert (wide.quantize.recipe, wide.quantize.wire_bits) == ("w8a8", 8)
    assert by_name["gelu-w1-s0-gelu-w8a16-7"].model.activation == "gelu"
    assert by_name["dense-w1-s0-relu-w8a16-3"].seed == 3
    assert len({t.digest for t in found}) == len(found)
    again = trials(study({**values, "families": families}))
    assert [(t.name, t.digest) for t in again] == [(t.name, t.digest) for t in found]


def test_settings_of_a_family_lie_over_those_of_the_base(values):
    family = {"settings": {"model": {"n_layers": 3}, "optim": {"lr": 0.01}}}
    (trial,) = trials(study({**values, "families": {"deep": family}}))
    assert (trial.config.model.n_layers, trial.config.model.d_model) == (3, 8)
    assert trial.config.optim.lr == 0.01
    assert "optim" not in values["base"]


def test_equal_weights_widen_what_is_sparse(values):
    family = {"sparsity": [0, 0.75], "equal_weights": True}
    dense, sparse = trials(study({**values, "families": {"slice": family}}))
    assert sparse.config.model.d_model == 2 * dense.config.model.d_model
    assert sparse.config.model.d_state == 2 * dense.config.model.d_state


WRONG = {
    "families.dense.width": (0.5, "families.dense.width is not known"),
    "families.dense.sparsity": (1.0, r"sparsity.* is 1.0, must be below 1"),
    "families.dense.bits": ("w2a2", 'bits.0 is "w2a2", must be one of'),
    "families.dense.seeds_at": ({"3": [1]}, "seeds_at names 3, which is not among"),
    "base.model.d_modle": (8, "trial dense-w0.5-.*: model.d_modle is not known"),
    "base.data.head": ("first", "trial dense-w0.5-.*data.head"),
    "compare": ([{"sparse": "a", "dense": "dense"}], "compare names a, which is no"),
    "steps": (0, "steps is 0, must be at least 1"),
    "name": ("a/b", 'name is "a/b", must match'),
    "coefficients": ("loihi3", "preset 'loihi3', must be one of"),
    "families.a b": ({}, "family 'a b': its name may have"),
    "families.dense.widths": ([1, 1], "two trials are named dense-w1-s0-relu-w8a16-0"),
}


@pytest.mark.parametrize("setting", WRONG)
def test_what_is_wrong_is_named_before_anything_runs(values, tmp_path, setting):
    value, message = WRONG[setting]
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(values))
    with pytest.raises(ValueError, match=message):
        trials(read_study(path, [f"{setting}={json.dumps(value)}"]))


def test_a_file_is_read_as_yaml_or_json(values, tmp_path):
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(values))
    found = read_study(tmp_path / "study.yaml", ["steps=7", "budget.hours=0.5"])
    assert (found.steps, found.budget.hours) == (7, 0.5)
    (tmp_path / "study.json").write_text(found.model_dump_json())
    assert read_study(tmp_path / "study.json") == found


@pytest.mark.slow
def test_a_trial_leaves_one_row(values):
    (trial,) = trials(study({**values, "families": {"a": {"sparsity": 0.5}}}))
    row = run_trial(trial, "loihi1")
    assert row.error is None
    assert done(trial) == row
    network = spec.load(trial.directory / f"{trial.name}.net")
    assert row.figures == "accuracy"
    assert None not in (row.float_score, row.ptq_score, row.integer_score)
    task = find_task("arrays").open(trial.config.data, 0).deployed()
    answers = integer_model(network)  # by the reference executor, not by torch
    assert row.integer_score == pytest.approx(task.validate(answers)["accuracy"])
    assert 0 < row.macs < row.kept + 8 < row.weights
    assert row.macs_per_answer == pytest.approx(row.macs * row.tokens)
    assert 5 <= row.tokens <= 12  # what pads sequences is not counted
    assert row.synops_per_s is None  # tokens of arrays have no length in time
    assert row.weight_bytes == row.kept  # 8 bits each
    assert row.chip_bytes > row.weight_bytes
    assert row.estimated_step_us > 0
    assert row.coefficients == "loihi1"
    assert (row.starts, row.status) == (1, "done")
    assert row.training_s > 0


@pytest.mark.slow
def test_gelu_has_no_integers_and_a_row_all_the_same(values):
    family = {"activation": "gelu", "settings": {"model": {"gate": "full"}}}
    (trial,) = trials(study({**values, "families": {"gelu": family}}))
    assert not has_integers(trial.config)
    row = run_trial(trial, "loihi1")
    assert row.error is None
    assert row.float_score is not None
    assert row.integer_score is row.estimated_step_us is row.file_bytes is None
    assert row.macs == row.kept + 8 == row.weights + 8  # D, and no message is zero


@pytest.mark.slow
def test_a_trial_that_fails_is_a_row_with_its_error(values):
    values["base"]["data"]["path"] = "/nowhere/x.npz"
    trial = trials(study(values))[0]
    row = run_trial(trial, "loihi1")
    assert row.status == "failed"
    assert row.error.startswith("ValueError: data.path: /nowhere/x.npz does not exist")
    assert row.float_score is None
    assert "Traceback" in (trial.directory / "error.txt").read_text()
    assert done(trial) is None  # and is tried again
