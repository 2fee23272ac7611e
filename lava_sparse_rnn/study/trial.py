# SPDX-License-Identifier: BSD-3-Clause
"""One trial from its beginning, or from its checkpoint, to its row."""

from __future__ import annotations

import csv
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lava_sparse_rnn import messages, spec, train
from lava_sparse_rnn.files import replacing
from lava_sparse_rnn.loihi2 import as_coefficients
from lava_sparse_rnn.nn import S5Options
from lava_sparse_rnn.nn.folded import check_expressible
from lava_sparse_rnn.study.estimates import is_by
from lava_sparse_rnn.study.measure import (
    estimates_anew,
    float_costs,
    integer_costs,
    integer_model,
)
from lava_sparse_rnn.study.table import Row
from lava_sparse_rnn.study.trials import Trial
from lava_sparse_rnn.train import TrainConfig, checkpoint, find_task, lock
from lava_sparse_rnn.train.pipeline import CONFIG
from lava_sparse_rnn.train.resume import check_unchanged
from lava_sparse_rnn.train.start import FLOATS as WEIGHTS
from lava_sparse_rnn.train.start import like_start

ROW, STARTS, ERROR = "row.json", "starts", "error.txt"
PTQ = "post-training quantisation"


def run_trial(trial: Trial, coefficients: str) -> Row:
    """Train and measure; whatever goes wrong is in the row.

    Parameters
    ----------
    trial : Trial
        One that was stopped goes on from its checkpoint, one that is done is estimated
        anew: for that its network is enough.
    coefficients : str
        Of the estimates.

    Returns
    -------
    Row
        Also written into the trial's folder, except a failed one over one that is done.
    """
    trial.directory.mkdir(parents=True, exist_ok=True)
    try:
        row = _measured(trial, coefficients)
    except Exception as error:  # a trial that fails is a row, not the study's end
        (trial.directory / ERROR).write_text(traceback.format_exc(), "utf-8")
        row = failed(trial, error)
        if finished(trial) is not None:  # perhaps with other settings: it is not lost
            return row
    else:
        (trial.directory / ERROR).unlink(missing_ok=True)
    with replacing(trial.directory / ROW) as temporary:
        temporary.write_text(row.model_dump_json(indent=1) + "\n", "utf-8")
    return row


def _measured(trial: Trial, coefficients: str) -> Row:
    before = done(trial)
    if before is not None:
        if is_by(before, as_coefficients(coefficients)):
            return before
        return before.model_copy(update=_estimated(trial.config, coefficients))
    with (trial.directory / STARTS).open("a", encoding="utf-8") as file:
        file.write("start\n")
    found = _found(trial.config, coefficients)
    return Row(**_named(trial), **found)


def failed(trial: Trial, error: BaseException) -> Row:
    """The row of a trial that did not come to its end.

    One that was done before keeps what it has, with the error.
    """
    text = " ".join(f"{type(error).__name__}: {messages.sentence(error)}".split())
    before = done(trial)
    if before is not None:
        text = f"estimates are still by {before.coefficients}: {text}"
        return before.model_copy(update={"error": text[:500]})
    return Row(**_named(trial), status="failed", error=text[:500])


def done(trial: Trial) -> Row | None:
    """The row of a trial that is done with the very settings that are asked for."""
    row = finished(trial)
    return row if row is not None and row.digest == trial.digest else None


def finished(trial: Trial) -> Row | None:
    """The row of a trial that is done, whatever its settings were."""
    path = trial.directory / ROW
    if not path.exists():
        return None
    try:
        row = Row.model_validate_json(path.read_text("utf-8"))
    except ValidationError:  # of another version
        return None
    return row if row.status == "done" else None


def check_settings(trial: Trial) -> None:
    """Refuse other settings than those of the training that a trial's folder holds.

    Raises
    ------
    ValueError
        Names every setting that must not change, with both values.
    """
    config, weights = trial.config, trial.directory / WEIGHTS
    saved = trial.directory / CONFIG
    if weights.exists():
        config = like_start(config, find_task(config.task), weights)
    elif finished(trial) is None or not saved.exists():
        return
    else:  # what it has found would be lost, though there is nothing to go on with
        weights = saved
    check_unchanged(config, saved, weights)


def _named(trial: Trial) -> dict[str, Any]:
    """What is known of a trial before it begins."""
    sizes = trial.config.model
    starts = trial.directory / STARTS
    return {
        "trial": trial.name,
        "family": trial.family,
        "width": trial.width,
        "sparsity": trial.sparsity,
        "activation": trial.activation,
        "bits": trial.bits,
        "seed": trial.seed,
        "digest": trial.digest,
        "d_model": sizes.d_model,
        "d_state": sizes.d_state,
        "n_layers": sizes.n_layers,
        "starts": len(starts.read_text("utf-8").split()) if starts.exists() else 0,
    }


def _found(config: TrainConfig, coefficients: str) -> dict[str, Any]:
    found = (_integers if has_integers(config) else _float)(config, coefficients)
    return found | {"training_s": training_seconds(config.directory)}


def has_integers(config: TrainConfig) -> bool:
    """Whether the integer contract has an equation for all that is trained."""
    try:
        check_expressible(S5Options(**_options(config)))
    except ValueError:
        return False
    return True


def _options(config: TrainConfig) -> dict[str, Any]:
    sizes = {"d_model", "d_state", "n_layers"}
    return config.model.model_dump(exclude=sizes)


def _integers(config: TrainConfig, coefficients: str) -> dict[str, Any]:
    result = train.complete(config, note=log(config.directory))
    scores = {stage: mean(figures) for stage, figures in result.scores.items()}
    if PTQ not in scores:  # the training went on after that
        path = result.path.with_name(f"{config.name}-ptq.net")
        answers = integer_model(spec.load(path))
        scores[PTQ] = mean(result.task.validate(answers))
    return {
        "figures": " ".join(result.task.figures),
        "float_score": scores["float"],
        "ptq_score": scores[PTQ],
        "integer_score": scores["integers"],
        **integer_costs(result, coefficients),
    }


def _estimated(config: TrainConfig, coefficients: str) -> dict[str, Any]:
    """Estimates of a network that is trained, by other coefficients."""
    network = spec.load(config.directory / f"{config.name}.net")
    weights, state = config.directory / WEIGHTS, None
    if weights.exists():
        state = checkpoint.read(weights)[1]
    task = find_task(config.task).open(config.data, config.seed, state)
    if state is not None:
        task.check(state)  # all else in the row was counted on the same material
    return estimates_anew(network, task.deployed(), coefficients)


def _float(config: TrainConfig, coefficients: str) -> dict[str, Any]:
    try:
        stage = train.open_float(config)
        stage.fit()
        stage.hand_on()
    finally:
        lock.release(config.directory)
    return {
        "figures": " ".join(stage.task.figures),
        "float_score": mean(stage.figures),
        **float_costs(stage.model, config.quantize.weight_bits),
    }


def mean(figures: dict[str, float]) -> float:
    """The score that figures of a task make: the larger, the better."""
    return sum(figures.values()) / len(figures)


def training_seconds(directory: Path) -> float:
    """Of the steps that a training is made of; what a death has undone is not there."""
    total = 0.0
    for path in sorted(directory.glob("*.csv")):
        last = 0
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                step = int(row["step"])
                total += (step - last) * float(row["seconds_per_step"])
                last = step
    return total


def log(directory: Path) -> Callable[[str], None]:
    """Writes what a training tells into its folder."""

    def note(text: str) -> None:
        with (directory / "notes.txt").open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")

    return note
