# SPDX-License-Identifier: BSD-3-Clause
"""Every hyper-parameter of a training, and how a configuration is read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    Field,
    SerializeAsAny,
    ValidationError,
    ValidationInfo,
    create_model,
    field_validator,
    model_validator,
)

from lava_sparse_rnn import messages
from lava_sparse_rnn.spec import Recipe
from lava_sparse_rnn.train.sections import (
    FREE,
    FilePath,
    ModelConfig,
    OptimConfig,
    PruningConfig,
    QuantizeConfig,
    Section,
)
from lava_sparse_rnn.train.tasks import find_task
from lava_sparse_rnn.train.values import override, read_json, read_yaml

LONGEST_NAME = 200
"""Bytes of a run's name: files are called after it, with more behind it."""


class TrainConfig(Section):
    """A whole training run."""

    task: str = Field(
        default="denoise",
        description="what is trained for: a name, or module:object of a task",
    )
    name: str = Field(
        default="",
        pattern=r"^[\w.-]*$",
        description="of the run and of its folder; that of the task if not given",
        json_schema_extra=FREE,
    )
    runs: FilePath = Field(default=Path("runs"), json_schema_extra=FREE)
    seed: int = Field(default=0, ge=0, le=2**63 - 1)
    start: FilePath | None = Field(
        default=None,
        description="float checkpoint whose weights this training starts from (with "
        "another activation that is ReLU-fication), or a network (.net), or its name",
    )
    steps: int = Field(default=20000, ge=1, json_schema_extra=FREE)
    precision: Literal["auto", "bfloat16", "float32"] = Field(
        default="auto",
        description="of matrix products; bfloat16 where the device multiplies in it",
        json_schema_extra=FREE,
    )
    fused: bool = Field(
        default=True,
        description="the faster form of a step on a processor; the same up to rounding",
        json_schema_extra=FREE,
    )
    threads: int | None = Field(default=None, ge=1, json_schema_extra=FREE)
    device: Literal["cpu", "cuda"] = Field(
        default="cpu",
        description="of the float network; integers stay on the CPU",
        json_schema_extra=FREE,
    )
    validate_every: int = Field(default=500, ge=1, json_schema_extra=FREE)
    log_every: int = Field(default=20, ge=1, json_schema_extra=FREE)
    patience: int | None = Field(
        default=None,
        ge=1,
        description="validations in a row without a new best after which a stage ends; "
        "those before the last mask update do not count",
        json_schema_extra=FREE,
    )
    keep: Literal["last", "best"] | None = Field(
        default=None,
        description="weights that a stage hands on; by default a fine-tune its best, "
        "the float training its best with patience and else its last",
        json_schema_extra=FREE,
    )
    checkpoint_minutes: float = Field(default=3.0, gt=0, json_schema_extra=FREE)
    model: ModelConfig = Field(default_factory=ModelConfig)
    pruning: PruningConfig = Field(default_factory=PruningConfig)
    optim: OptimConfig = Field(default_factory=OptimConfig)
    # `resume.fingerprint` watches what the integer stage depends on.
    quantize: QuantizeConfig = Field(
        default_factory=QuantizeConfig, json_schema_extra=FREE
    )
    data: SerializeAsAny[BaseModel] = Field(
        default_factory=dict,  # type: ignore[arg-type]  # becomes the task's Settings
        validate_default=True,
        description="settings of the task",
    )

    @model_validator(mode="before")
    @classmethod
    def _lift(cls, values: Any) -> Any:
        return lifted(values) if isinstance(values, dict) else values

    @field_validator("data", mode="before")
    @classmethod
    def _settings_of_the_task(cls, value: Any, info: ValidationInfo) -> BaseModel:
        if "task" not in info.data:  # its own error is enough
            return create_model("Nothing")()
        return find_task(info.data["task"]).Settings.model_validate(value)

    @field_validator("name")
    @classmethod
    def _names_a_folder(cls, name: str) -> str:
        if name in (".", ".."):
            raise ValueError(f"is {name!r}, which names no folder of its own")
        if (size := len(os.fsencode(name))) > LONGEST_NAME:
            raise ValueError(f"has {size} bytes, must have at most {LONGEST_NAME}")
        return name

    @model_validator(mode="after")
    def _check(self) -> TrainConfig:
        if self.pruning.start > self.pruning.end:
            raise ValueError(
                f"pruning.start is {self.pruning.start}, after pruning.end "
                f"{self.pruning.end}"
            )
        # Of a start with other sizes nothing is known yet, see `start.like_start`.
        if self.start is None or "n_layers" in self.model.model_fields_set:
            self.check_places()
        return self

    def check_places(self) -> None:
        """Refuse a recipe for layers that the model does not have.

        Raises
        ------
        ValueError
        """
        recipe = Recipe(by_layer=self.quantize.by_layer)
        recipe.check_places(self.model.n_layers + 2)  # encoder and decoder

    @property
    def keeps_best(self) -> bool:
        """Whether stages hand on the weights of their best validation."""
        return (self.patience is not None) if self.keep is None else self.keep == "best"

    @property
    def directory(self) -> Path:
        """Folder of everything this run writes."""
        return self.runs / self.name


def lifted(values: dict[str, Any]) -> dict[str, Any]:
    """Settings of any version where they are in this one, the run's name filled in.

    Raises
    ------
    ValueError
        If the task is unknown.
    """
    task = values.get("task", TrainConfig.model_fields["task"].default)
    if not isinstance(task, str):
        return values
    values = find_task(task).lift(dict(values))
    if not values.get("name"):
        values["name"] = task.rpartition(":")[2]
    return values


def in_words(error: ValidationError, values: dict[str, Any]) -> str:
    """What is wrong with the values of a `TrainConfig`, and what would be right."""

    def known(place: messages.Place) -> list[str]:
        task = values.get("task", TrainConfig.model_fields["task"].default)
        if place[:1] != ("data",) or not isinstance(task, str):
            return messages.names_at(TrainConfig, place)
        return messages.names_at(find_task(task).Settings, place[1:])

    text = messages.fields(error.errors(), "settings", known=known)
    if any(each["type"] == "extra_forbidden" for each in error.errors()):
        text += "; `lava-sparse-rnn train --show` prints all settings"
    return text


def read_config(path: Path | None, settings: Sequence[str]) -> TrainConfig:
    """Configuration from a JSON or YAML file, if any, and settings that override it.

    Parameters
    ----------
    path : Path or None
        YAML if its name ends in ``.yaml`` or ``.yml``.
    settings : sequence of str
        ``section.key=value``; the value is JSON, or else a word.

    Raises
    ------
    ValueError
        When the file holds no object, a setting has no ``=`` or lies below one
        that is no section, or a value is unknown or out of range.
    """
    values: dict[str, Any] = {}
    if path is not None:
        yaml = path.suffix.lower() in (".yaml", ".yml")
        values = read_yaml(path) if yaml else read_json(path)
    override(values, settings)
    try:
        return TrainConfig.model_validate(values)
    except ValidationError as error:
        raise ValueError(in_words(error, values)) from None
