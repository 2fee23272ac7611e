# SPDX-License-Identifier: BSD-3-Clause
"""The sections of a training's configuration, validated.

Defaults are the recipe of Pierro et al. (arXiv 2502.01330) where it transfers; the
rest was chosen for a few tens of thousands of steps on two processor cores.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from lava_sparse_rnn import messages
from lava_sparse_rnn.files import as_path
from lava_sparse_rnn.nn.quantize import RECIPES
from lava_sparse_rnn.spec import Recipe


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

FREE: dict[str, Any] = {"free": True}
"""Mark of settings that a run may be resumed with at another value."""

FINISH: dict[str, Any] = {**FREE, "finish": True}
"""Mark of a task's settings that act between the float training and its integers: a run
may go on with another value, and a fine-tune that started from the old one is stale."""

LATER: dict[str, Any] = {"later": True}
"""Mark of settings of the integer stage that older versions did not have."""


class ModelConfig(Section):
    """Arguments of `nn.SparseRNN`; input and output follow from the task.

    What the integer contract lacks ends the run at its export: GELU, the gates half2
    and full, top-k. See `nn.S5Options`. Two of its defaults are other ones here: its
    `dt_min` is S5's own 0.001, and this one lets no state begin with a memory of more
    than some 500 tokens; its `hippo_blocks` are as many as fit the state, and this
    number says what the states of a run began with.
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
