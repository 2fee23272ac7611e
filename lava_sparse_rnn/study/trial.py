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
from lava_sparse_rnn.nn import S5Options
from lava_sparse_rnn.nn.folded import check_expressible
from lava_sparse_rnn.study.measure import float_costs, integer_costs, integer_model
from lava_sparse_rnn.study.table import Row
from lava_sparse_rnn.study.trials import Trial
from lava_sparse_rnn.train import TrainConfig, lock

ROW, STARTS, ERROR = "row.json", "starts", "error.txt"
PTQ = "post-training quantisation"


def run_trial(trial: Trial, coefficients: str) -> Row:
    """Train and measure; whatever goes wrong is in the row.

    Parameters
    ----------
    trial : Trial
        One that was stopped goes on from its checkpoint.
    coefficients : str
        Of the estimates.

    Returns
    -------
    Row
        Also written into the trial's folder.
    """
    trial.directory.mkdir(parents=True, exist_ok=True)
    with (trial.directory / STARTS).open("a", encoding="utf-8") as file:
        file.write("start\n")
    try:
        found = _found(trial.config, coefficients)
    except Exception as error:  # a trial that fails is a row, not the study's end
        (trial.directory / ERROR).write_text(traceback.format_exc(), "utf-8")
        row = failed(trial, error)
    else:
        (trial.directory / ERROR).unlink(missing_ok=True)
        row = Row(**_named(trial), **found)
    with replacing(trial.directory / ROW) as temporary:
        temporary.write_text(row.model_dump_json(indent=1) + "\n", "utf-8")
    return row


def failed(trial: Trial, error: BaseException) -> Row:
    """The row of a trial that did not come to its end."""
    text = " ".join(f"{type(error).__name__}: {messages.sentence(error)}".split())
    return Row(**_named(trial), status="failed", error=text[:500])


def done(trial: Trial) -> Row | None:
    """The row of a trial that is done with the very settings that are asked for."""
    path = trial.directory / ROW
    if not path.exists():
        return None
    try:
        row = Row.model_validate_json(path.read_text("utf-8"))
    except ValidationError:  # of another version
        return None
    same = row.digest == trial.digest and row.status == "done"
    return row if same else None


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
