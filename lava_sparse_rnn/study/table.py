# SPDX-License-Identifier: BSD-3-Clause
"""One row for each trial: its columns, and the table as CSV and Parquet."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator

from lava_sparse_rnn import messages
from lava_sparse_rnn.files import replacing
from lava_sparse_rnn.train.sections import Section

TABLE = "table.csv"
"""In the folder of a study."""


class Row(Section):
    """What a trial has shown; None where it has not been, or cannot be, found.

    Counts are means over tokens of the task's probes, run by the integers. Times and
    energies are estimates by `loihi2`; no chip has run anything.
    """

    trial: str = Field(description="its name, and that of its folder")
    family: str
    width: float = Field(description="factor on the widths of the base")
    sparsity: float = Field(description="share of zero weights that was asked for")
    activation: str
    bits: str = Field(description="recipe of quantisation")
    seed: int
    digest: str = Field(description="of all settings")
    status: Literal["done", "failed"] = "done"
    error: str | None = None
    d_model: int | None = None
    d_state: int | None = None
    n_layers: int | None = None
    figures: str | None = Field(default=None, description="whose mean a score is")
    float_score: float | None = Field(default=None, description="of the float network")
    ptq_score: float | None = Field(
        default=None, description="of the integers before their fine-tune"
    )
    integer_score: float | None = Field(
        default=None, description="of the integers after it"
    )
    weights: int | None = Field(default=None, description="of all matrices, with zeros")
    kept: int | None = Field(default=None, description="weights that are not zero")
    parameters: int | None = Field(
        default=None, description="kept weights, diagonals, factors of states, biases"
    )
    macs: float | None = Field(
        default=None,
        description="effective multiplications a token: weights other than zero that "
        "meet a message other than zero (synops)",
    )
    silent: float | None = Field(
        default=None, description="share of messages between neurons that are zero"
    )
    neuron_updates: float | None = Field(default=None, description="a token")
    tokens: float | None = Field(default=None, description="of a sequence, mean")
    macs_per_answer: float | None = Field(default=None, description="of a sequence")
    synops_per_s: float | None = Field(
        default=None, description="where the task's tokens come in time"
    )
    neuron_updates_per_s: float | None = None
    weight_bytes: int | None = Field(
        default=None, description="of the kept weights' values, without positions"
    )
    file_bytes: int | None = Field(default=None, description="of the .net file")
    chip_bytes: int | None = Field(
        default=None, description="estimate: memory of all neurocores that are used"
    )
    cores: int | None = Field(default=None, description="neurocores, by the mapping")
    coefficients: str | None = Field(default=None, description="of the estimates")
    coefficients_digest: str | None = Field(
        default=None, description="of their values; tables of older versions lack it"
    )
    estimated_step_us: float | None = Field(default=None, description="pipelined")
    estimated_latency_us: float | None = Field(
        default=None, description="of a token that falls through"
    )
    estimated_energy_uj: float | None = Field(
        default=None, description="a token, pipelined"
    )
    estimated_answer_us: float | None = Field(
        default=None, description="a sequence, pipelined"
    )
    estimated_answer_uj: float | None = None
    training_s: float | None = Field(
        default=None, description="of the steps of both stages, restarts not counted"
    )
    starts: int | None = Field(
        default=None, description="how often the training was begun or gone on with"
    )

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        return None if value == "" else value


COLUMNS = tuple(Row.model_fields)


def write_table(rows: Sequence[Row], path: Path) -> None:
    """Write rows as CSV or, by the name's ending, as Parquet.

    Raises
    ------
    ImportError
        For Parquet without pyarrow.
    """
    with replacing(path) as temporary:
        _WRITERS[path.suffix](rows, temporary)


def read_table(path: Path) -> list[Row]:
    """Rows of a CSV that `write_table` has written.

    Raises
    ------
    ValueError
        If it is something else.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return [Row.model_validate(values) for values in csv.DictReader(file)]
    except (ValidationError, csv.Error, UnicodeDecodeError) as error:
        text = str(error)
        if isinstance(error, ValidationError):
            text = messages.fields(error.errors(), "row", most=3)
        raise ValueError(f"{path}: is no table of a study: {text}") from None


def _write_csv(rows: Sequence[Row], path: Path) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(row.model_dump() for row in rows)
    path.write_text(text.getvalue(), "utf-8")


def _write_parquet(rows: Sequence[Row], path: Path) -> None:
    messages.require("study", "study", "pyarrow")
    import pyarrow
    from pyarrow import parquet

    kinds = {int: pyarrow.int64(), float: pyarrow.float64()}
    values = [row.model_dump() for row in rows]
    columns = {
        name: pyarrow.array([v[name] for v in values], _kind(name, kinds))
        for name in COLUMNS
    }
    parquet.write_table(pyarrow.table(columns), path)


def _kind(name: str, kinds: dict[type, Any]) -> Any:
    from typing import get_args

    from pyarrow import string

    annotation = Row.model_fields[name].annotation
    of = {annotation, *get_args(annotation)}
    return next((kind for python, kind in kinds.items() if python in of), string())


_WRITERS = {".csv": _write_csv, ".parquet": _write_parquet}
