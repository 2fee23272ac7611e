# SPDX-License-Identifier: BSD-3-Clause
"""What a study consists of, read from a YAML file and checked."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from lava_sparse_rnn import messages
from lava_sparse_rnn.loihi2 import as_coefficients
from lava_sparse_rnn.train.sections import Section
from lava_sparse_rnn.train.values import override, read_json, read_yaml

Recipe = Literal["w8a16", "w8a8", "w4a16", "sparse_rnns"]
Stage = Literal["float", "ptq", "integer"]


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else (value,)


Factors = Annotated[
    tuple[Annotated[float, Field(gt=0)], ...],
    BeforeValidator(_listed),
    Field(min_length=1),
]
Sparsities = Annotated[
    tuple[Annotated[float, Field(ge=0, lt=1)], ...],
    BeforeValidator(_listed),
    Field(min_length=1),
]
Activations = Annotated[
    tuple[Literal["relu", "gelu"], ...], BeforeValidator(_listed), Field(min_length=1)
]
Recipes = Annotated[tuple[Recipe, ...], BeforeValidator(_listed), Field(min_length=1)]
Seeds = Annotated[
    tuple[Annotated[int, Field(ge=0, le=2**63 - 1)], ...],
    BeforeValidator(_listed),
    Field(min_length=1),
]


class Family(Section):
    """Networks of one kind: all combinations of the values given; one or several."""

    widths: Factors = Field(default=(1.0,), description="factors on the base's widths")
    sparsity: Sparsities = Field(default=(0.0,), description="share of zero weights")
    activation: Activations = ("relu",)
    bits: Recipes = Field(default=("w8a16",), description="recipe of quantisation")
    seeds: Seeds | None = Field(default=None, description="in place of the study's")
    seeds_at: dict[float, Seeds] = Field(
        default_factory=dict, description="widths that have seeds of their own"
    )
    equal_weights: bool = Field(
        default=False,
        description="widths are those of a dense network with as many weights as are "
        "kept: factors grow by 1 / sqrt(1 - sparsity)",
    )
    settings: dict[str, Any] = Field(
        default_factory=dict, description="of these trainings, beside the base's"
    )

    @model_validator(mode="after")
    def _check(self) -> Family:
        if unknown := sorted(self.seeds_at.keys() - set(self.widths)):
            raise ValueError(
                f"seeds_at names {unknown[0]:g}, which is not among the widths "
                f"{', '.join(f'{w:g}' for w in self.widths)}"
            )
        return self


class Comparison(Section):
    """Two families whose fronts are compared: what the first saves."""

    sparse: str
    dense: str


class Budget(Section):
    """After how much of it no further trial begins; those that run are finished."""

    hours: float | None = Field(default=None, gt=0)
    trials: int | None = Field(default=None, ge=1, description="of one call")


class StudyConfig(Section):
    """A whole study."""

    name: str = Field(pattern=r"^\w[\w.-]*$", description="of its folder")
    runs: Path = Path("runs")
    task: str = Field(description="what is trained for, as of `train`")
    steps: int = Field(ge=1, description="of every training")
    seeds: Seeds = (0,)
    base: dict[str, Any] = Field(
        default_factory=dict, description="settings of every training, as of `train`"
    )
    families: dict[str, Family] = Field(min_length=1)
    compare: tuple[Comparison, ...] = ()
    budget: Budget = Budget()
    retries: int = Field(
        default=3, ge=0, description="of a trial whose process has died"
    )
    coefficients: str = Field(
        default="loihi1", description="of the estimates: a preset of loihi2, or a file"
    )
    samples: int = Field(default=2000, ge=1, description="resamples of an interval")

    @model_validator(mode="after")
    def _check(self) -> StudyConfig:
        for name in self.families:
            if not name.replace("_", "a").replace("-", "a").isalnum():
                raise ValueError(
                    f"family {name!r}: its name may have letters, digits, _ and -"
                )
        for pair in self.compare:
            for name in (pair.sparse, pair.dense):
                if name not in self.families:
                    raise ValueError(
                        f"compare names {name}, which is no family; there are "
                        f"{', '.join(self.families)}"
                    )
        as_coefficients(self.coefficients)
        return self

    @property
    def directory(self) -> Path:
        """Folder of the study: a folder for every trial, and the table."""
        return self.runs / self.name


def read_study(path: Path, settings: Sequence[str] = ()) -> StudyConfig:
    """A study from a YAML or JSON file, and settings that override it.

    Parameters
    ----------
    path : Path
        JSON if its name ends in ``.json``.
    settings : sequence of str
        ``section.key=value``, as `train` has them.

    Raises
    ------
    ValueError
        When something is missing, unknown or out of range.
    """
    values = (read_json if path.suffix.lower() == ".json" else read_yaml)(path)
    override(values, settings)
    try:
        return StudyConfig.model_validate(values)
    except ValidationError as error:
        text = messages.fields(
            error.errors(), "the study", known=partial(messages.names_at, StudyConfig)
        )
        raise ValueError(f"{path}: {text}") from None
