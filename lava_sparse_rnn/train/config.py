# SPDX-License-Identifier: BSD-3-Clause
"""Every hyper-parameter of a training, validated.

Defaults are the recipe of Pierro et al. (arXiv 2502.01330) where it transfers; the
rest was chosen for a few tens of thousands of steps on two processor cores.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializeAsAny,
    ValidationError,
    ValidationInfo,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from lava_sparse_rnn import messages
from lava_sparse_rnn.files import as_path
from lava_sparse_rnn.nn.quantize import RECIPES
from lava_sparse_rnn.spec import Recipe
from lava_sparse_rnn.train.tasks import find_task
from lava_sparse_rnn.train.values import override, read_json, read_yaml


class Section(BaseModel):
    """A part of a configuration: frozen, every name known, every number finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_flag_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, bool):  # which pydantic takes for 0 or 1
            hint = cls.model_fields[str(info.field_name)].annotation
            kinds = {hint, *get_args(hint)}
            if bool not in kinds and int in kinds:
                raise PydanticCustomError("int_type", "a flag")
            if bool not in kinds and float in kinds:
                raise PydanticCustomError("float_type", "a flag")
        return value


def _given_path(value: Any) -> Any:
    # An empty one is no path, though Python takes it for the current folder.
    if isinstance(value, str):
        as_path(value)
    return value  # which JSON takes for a path as long as it is text


FilePath = Annotated[Path, BeforeValidator(_given_path)]
"""Path of a setting."""

LONGEST_NAME = 200
"""Bytes of a run's name: files are called after it, with more behind it."""

FREE: dict[str, Any] = {"free": True}
"""Mark of settings that a run may be resumed with at another value."""

LATER: dict[str, Any] = {"later": True}
"""Mark of settings of the integer stage that older versions did not have."""


class ModelConfig(Section):
    """Arguments of `nn.SparseRNN`; input and output follow from the task.

    What the integer contract lacks ends the run at its export: GELU, the gates half2
    and full, top-k. See `nn.S5Options`.
    """

    d_model: int = Field(default=192, ge=1)
    d_state: int = Field(default=256, ge=2)
    n_layers: int = Field(default=3, ge=1)
    hippo_blocks: int = Field(default=16, ge=1)
    state_nonlinearity: Literal["real_gate", "split", "none"] = "real_gate"
    activation: Literal["relu", "gelu"] = "relu"
    gate: Literal["half1", "half2", "full", "none"] = "half1"
    top_k: float | None = Field(
        default=None, gt=0, le=1, description="share of activations that are kept"
    )
    discretisation: Literal["zoh", "bilinear"] = "zoh"
    clip_eigs: bool = Field(default=True, description="every state decays")
    conj_sym: bool = Field(default=True, description="states in conjugate pairs")
    dt_min: float = Field(default=4e-3, gt=0)
    dt_max: float = Field(default=1e-1, gt=0)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    norm_eps: float = Field(default=1e-3, gt=0)


class PruningConfig(Section):
    """Sparsification; `start` and `end` are fractions of all steps."""

    sparsity: float = Field(default=0.9, ge=0, lt=1)
    schedule: Literal["cubic", "constant", "one_shot"] = "cubic"
    distribution: Literal["erk", "uniform", "global"] = "erk"
    score: Literal["saliency", "magnitude", "movement"] = "saliency"
    pattern: Literal["unstructured", "fan_in", "n_of_m"] = "unstructured"
    block: int = Field(default=16, ge=1, description="M of the pattern n_of_m")
    activity: float = Field(
        default=0.0, ge=0, description="weight of the penalty on activations"
    )
    activity_penalty: Literal["hoyer", "l1"] = "hoyer"
    start: float = Field(default=0.05, ge=0, le=1, json_schema_extra=FREE)
    end: float = Field(default=0.6, ge=0, le=1, json_schema_extra=FREE)
    every: int = Field(
        default=50,
        ge=1,
        description="steps between mask updates",
        json_schema_extra=FREE,
    )
    straight_through: bool = Field(
        default=False, description="pruned weights keep learning; needs a small `every`"
    )
    correction: int = Field(
        default=0,
        ge=0,
        description="batches on which one_shot sets anew the weights that stay, see "
        "nn.sparsify.prune_corrected; 0 leaves them as they are",
    )

    @model_validator(mode="after")
    def _check(self) -> PruningConfig:
        fixed = {"schedule": "one_shot", "score": "saliency", "pattern": "unstructured"}
        for name, value in fixed.items():
            if self.correction and getattr(self, name) != value:
                raise ValueError(
                    f"correction is {self.correction}, which needs {name}={value}; "
                    f"{name} is {getattr(self, name)}"
                )
        return self


class OptimConfig(Section):
    """Linear warm-up and a cosine to `final_lr` times the peak."""

    algorithm: Literal["adamw", "muon"] = Field(
        default="adamw", description="of matrices; everything else has AdamW"
    )
    lr: float = Field(default=4e-3, gt=0)
    ssm_lr: float = Field(
        default=1e-3, gt=0, description="Lambda, log_step, batch norm"
    )
    weight_decay: float = Field(default=0.01, ge=0, description="matrices only")
    groups: Literal["dynamics", "standard", "b_decay", "no_bc_decay"] = Field(
        default="dynamics", description="who has which rate, see nn.parameters"
    )
    beta1: float = Field(default=0.9, ge=0, lt=1)
    beta2: float = Field(default=0.99, ge=0, lt=1)
    warmup: float = Field(default=0.03, ge=0, le=1, description="fraction of all steps")
    final_lr: float = Field(default=0.01, ge=0, le=1)
    grad_clip: float = Field(default=5.0, gt=0)


class QuantizeConfig(Section):
    """Integers: the recipe of the network description, and the fine-tune.

    The fine-tune starts from the folded, pruned float model; 0 steps export what
    post-training quantisation gives. Widths that are not given are those of `recipe`,
    see `nn.quantize.RECIPES`.
    """

    recipe: Literal["w8a16", "w8a8", "w4a16", "sparse_rnns"] = Field(
        default="w8a16", json_schema_extra=LATER
    )

    steps: int = Field(default=2000, ge=0, description="of the fine-tune")
    lr_factor: float = Field(
        default=0.1, gt=0, description="on the float learning rates"
    )
    calibration_batches: int = Field(default=16, ge=1)
    percentile: float | None = Field(
        default=None,
        gt=0,
        le=100,
        description="of calibration; else the maximum",
        json_schema_extra=LATER,
    )
    silence: int = Field(
        default=0,
        ge=0,
        description="tokens of silence in calibration, where the task knows any",
        json_schema_extra=LATER,
    )
    rounding: Literal["floor", "nearest"] = "floor"
    overflow: Literal["saturate", "wrap"] = "saturate"
    weight_bits: int = Field(default=8, ge=2, le=8)
    wire_bits: int = Field(default=16, ge=4, le=24)
    state_bits: int = Field(default=24, ge=8, le=24)
    a_bits: int = Field(default=16, ge=8, le=16)
    gate_bits: int = Field(default=16, ge=8, le=16)
    bias_bits: int = Field(default=24, ge=8, le=24)
    sigmoid_segments: int | None = Field(
        default=None,
        ge=1,
        le=64,
        description="of a table; else lines of 0.5 % error",
        json_schema_extra=LATER,
    )

    by_layer: dict[str, dict[str, int]] = Field(
        default={},
        description="other widths for layers that a pattern matches, as layer[1-3]",
        json_schema_extra=LATER,
    )

    @field_validator("by_layer")
    @classmethod
    def _widths(cls, value: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
        Recipe(by_layer=value)  # refuses what is no width
        for own in value.values():
            try:
                cls.model_validate(own)
            except ValidationError as error:
                raise ValueError(messages.fields(error.errors(), "widths")) from None
        return value

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, values: Any) -> Any:
        if not isinstance(values, dict) or values.get("recipe") not in RECIPES:
            return values
        chosen = dict(RECIPES[values["recipe"]])
        if "sigmoid" in chosen:
            chosen["sigmoid_segments"] = len(chosen.pop("sigmoid"))
        return {k: v for k, v in chosen.items() if k in cls.model_fields} | values


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
        description="float checkpoint whose weights this training starts from; with "
        "another activation that is ReLU-fication",
    )
    steps: int = Field(default=20000, ge=1, json_schema_extra=FREE)
    precision: Literal["bfloat16", "float32"] = "bfloat16"
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
        recipe = Recipe(by_layer=self.quantize.by_layer)
        recipe.check_places(self.model.n_layers + 2)  # encoder and decoder
        return self

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
