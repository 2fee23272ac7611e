# SPDX-License-Identifier: BSD-3-Clause
"""A study that is run once more: other coefficients, other settings; what is kept."""

import json
from contextlib import nullcontext

import pytest

from lava_sparse_rnn.loihi2 import PRESETS
from lava_sparse_rnn.study import Row, StudyConfig, read_table, run, trials, workers
from lava_sparse_rnn.study.estimates import digest, is_by, told
from lava_sparse_rnn.study.trial import check_settings, done, finished, run_trial

SLOW = PRESETS["loihi1"].model_copy(update={"name": "slow", "barrier_ns": 100000.0})
ESTIMATES = {
    *("coefficients", "coefficients_digest"),
    *(name for name in Row.model_fields if name.startswith("estimated_")),
}


@pytest.fixture
def slow(tmp_path):
    path = tmp_path / "coef.json"
    path.write_text(SLOW.model_dump_json(exclude_none=True))
    return str(path)


@pytest.fixture
def one(values):
    values["families"] = {"dense": {"widths": 0.5}, "gelu": {"activation": "gelu"}}
    return values


@pytest.fixture
def alone(monkeypatch):
    """Trials in the process of the tests; ray is not started."""
    pytest.importorskip("pyarrow")

    def rows(ray, study, left, workers):
        for trial in left[: study.budget.trials]:
            yield run_trial(trial, study.coefficients)

    monkeypatch.setattr(workers, "_ray", lambda address, workers: nullcontext())
    monkeypatch.setattr(workers, "_rows", rows)


def row(**changes):
    names = {"trial": "a", "family": "dense", "width": 1, "sparsity": 0}
    more = {"activation": "relu", "bits": "w8a16", "seed": 0, "digest": "0"}
    return Row.model_validate(names | more | changes)


def test_rows_know_by_which_values_their_estimates_are(slow, values):
    loihi1 = PRESETS["loihi1"]
    new = row(coefficients="loihi1", coefficients_digest=digest(loihi1))
    old = row(coefficients="loihi1")  # of a version that kept the name alone
    for each in (new, old):
        assert is_by(each, loihi1)
        assert not is_by(each, SLOW)
        # A file that was copied may have kept the name.
        assert not is_by(each, SLOW.model_copy(update={"name": "loihi1"}))
    assert not is_by(row(coefficients="slow"), SLOW)  # which values it had is not known
    assert is_by(row(), SLOW)  # without estimates
    assert digest(loihi1) == digest(loihi1.model_copy(update={"source": "elsewhere"}))
    study = StudyConfig.model_validate(values)
    asked = study.model_copy(update={"coefficients": slow})
    assert told(study, [old, new, row()]) == "estimates are by coefficients of loihi1"
    assert told(asked, [old, new, row()]) == (
        "estimates of 2 of 2 rows are by coefficients of loihi1, not by those that the "
        f"study names, slow ({slow}): `study run` makes them anew"
    )
    assert told(study, [row()]) == "no row has estimates by coefficients"


@pytest.mark.slow
def test_other_coefficients_train_nothing_and_are_estimated_anew(one, slow, alone):
    study = StudyConfig.model_validate(one)
    lines = []
    before = run(study, note=lines.append)
    assert [r.error for r in before] == [None, None]
    lines.clear()
    other = study.model_copy(update={"coefficients": slow})
    after = run(other, note=lines.append)
    assert lines[0] == (
        "2 trials, 2 of them done; 1 are estimated anew, by coefficients of " + slow
    )
    assert lines[1].startswith("[2/2] dense-w0.5-s0-relu-w8a16-0: float ")
    dense, gelu = after
    assert dense.estimated_step_us > 100 > before[0].estimated_step_us
    assert dense.coefficients == "slow"
    assert dense.model_dump(exclude=ESTIMATES) == before[0].model_dump(
        exclude=ESTIMATES
    )
    assert gelu == before[1]  # has none
    assert read_table(study.directory / "table.csv") == after
    # The same as of a training that had them from its beginning.
    whole = other.model_copy(update={"name": "whole"})
    fresh = run_trial(trials(whole)[0], slow)
    assert fresh.model_dump(include=ESTIMATES) == dense.model_dump(include=ESTIMATES)
    assert run(other, note=lines.append) == after
    assert lines[-1] == "2 trials, 2 of them done"


@pytest.mark.slow
def test_what_cannot_be_estimated_anew_keeps_what_it_has(one, slow, alone):
    study = StudyConfig.model_validate(one)
    before = run(study, note=lambda text: None)
    trial = trials(study)[0]
    (trial.directory / f"{trial.name}.net").unlink()
    other = study.model_copy(update={"coefficients": slow})
    kept, _ = run(other, note=lambda text: None)
    assert kept.error.startswith("estimates are still by loihi1: ")
    assert f"{trial.name}.net" in kept.error
    assert kept.model_copy(update={"error": None}) == before[0]
    assert done(trial) == before[0]
    assert run(study, note=lambda text: None) == before


@pytest.mark.slow
def test_settings_that_a_training_cannot_go_on_with_are_refused(one, alone):
    study = StudyConfig.model_validate(one)
    run(study, note=lambda text: None)
    files = {p: p.read_bytes() for p in study.directory.rglob("*") if p.is_file()}
    one["base"]["data"]["batch"] = 4
    other = StudyConfig.model_validate(one)
    refused = (
        r"^trial dense-w0.5-s0-relu-w8a16-0: .*: data.batch from 8 to 4; choose "
        r"another name .* \(name=tiny-2 is a study"
    )
    with pytest.raises(ValueError, match=refused):
        run(other, note=lambda text: None)
    # Nor are results without the checkpoint that they came from.
    for path in study.directory.rglob("float*.safetensors"):
        files.pop(path)
        path.unlink()
    with pytest.raises(ValueError, match=refused):
        run(other, note=lambda text: None)
    left = {p: p.read_bytes() for p in study.directory.rglob("*") if p.is_file()}
    assert left == files
    apart = other.model_copy(update={"name": "tiny-2"})
    check_settings(trials(apart)[0])  # nothing is there


@pytest.mark.slow
def test_a_failure_never_replaces_what_is_finished(one):
    (trial, _) = trials(StudyConfig.model_validate(one))
    before = run_trial(trial, "loihi1")
    one["steps"] = 20  # with which a training may go on
    one["base"]["data"]["path"] = "/nowhere/x.npz"
    (other, _) = trials(StudyConfig.model_validate(one))
    check_settings(other)
    wrong = run_trial(other, "loihi1")
    assert (wrong.status, done(other)) == ("failed", None)
    assert "/nowhere/x.npz does not exist" in wrong.error
    assert done(trial) == finished(trial) == before
    assert json.loads((trial.directory / "row.json").read_text())["status"] == "done"
