# SPDX-License-Identifier: BSD-3-Clause
"""Every hyper-parameter of a training, validated.

Defaults are the recipe of Pierro et al. (arXiv 2502.01330) where it transfers; the
rest was chosen for a few tens of thousands of steps on two processor cores.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelConfig(_Section):
    """Arguments of `nn.SparseRNN`; input and output follow from the front end."""

    d_model: int = Field(default=192, ge=1)
    d_state: int = Field(default=256, ge=2)
    n_layers: int = Field(default=3, ge=1)
    hippo_blocks: int = Field(default=16, ge=1)
    state_nonlinearity: Literal["real_gate", "split", "none"] = "real_gate"
    dt_min: float = Field(default=4e-3, gt=0)
    dt_max: float = Field(default=1e-1, gt=0)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    norm_eps: float = Field(default=1e-3, gt=0)


class PruningConfig(_Section):
    """Sparsification; `start` and `end` are fractions of all steps."""

    sparsity: float = Field(default=0.9, ge=0, lt=1)
    schedule: Literal["cubic", "constant"] = "cubic"
    distribution: Literal["erk", "uniform"] = "erk"
    start: float = Field(default=0.05, ge=0, le=1)
    end: float = Field(default=0.6, ge=0, le=1)
    every: int = Field(default=50, ge=1, description="steps between mask updates")
    straight_through: bool = Field(
        default=False, description="pruned weights keep learning; needs a small `every`"
    )


class OptimConfig(_Section):
    """AdamW with linear warm-up and a cosine to `final_lr` times the peak."""

    lr: float = Field(default=4e-3, gt=0)
    ssm_lr: float = Field(
        default=1e-3, gt=0, description="Lambda, log_step, batch norm"
    )
    weight_decay: float = Field(default=0.01, ge=0, description="matrices only")
    beta1: float = Field(default=0.9, ge=0, lt=1)
    beta2: float = Field(default=0.99, ge=0, lt=1)
    warmup: float = Field(default=0.03, ge=0, le=1, description="fraction of all steps")
    final_lr: float = Field(default=0.01, ge=0, le=1)
    grad_clip: float = Field(default=5.0, gt=0)


class QuantizeConfig(_Section):
    """Integers: the recipe of the network description, and the fine-tune.

    The fine-tune starts from the folded, pruned float model; 0 steps export what
    post-training quantisation gives.
    """

    steps: int = Field(default=2000, ge=0, description="of the fine-tune")
    lr_factor: float = Field(
        default=0.1, gt=0, description="on the float learning rates"
    )
    calibration_batches: int = Field(default=16, ge=1)
    rounding: Literal["floor", "nearest"] = "floor"
    overflow: Literal["saturate", "wrap"] = "saturate"
    weight_bits: int = Field(default=8, ge=2, le=8)
    wire_bits: int = Field(default=16, ge=4, le=24)
    state_bits: int = Field(default=24, ge=8, le=24)
    a_bits: int = Field(default=16, ge=8, le=16)
    gate_bits: int = Field(default=16, ge=8, le=16)
    bias_bits: int = Field(default=24, ge=8, le=24)


class DataConfig(_Section):
    """Where mixtures come from and how they are grouped."""

    source: Literal["corpus", "synthetic"] = "corpus"
    root: Path | None = Field(default=None, description="folder of the corpus")
    batch: int = Field(default=16, ge=1)
    seconds: float = Field(default=3.0, gt=0.05)
    pool: int = Field(default=48, ge=1, description="fresh batches kept for remixing")
    fresh_every: int = Field(default=3, ge=1, description="steps per fresh batch")
    workers: int = Field(default=1, ge=1)
    long_share: float = Field(
        default=0.25, ge=0, le=1, description="steps of long sequences"
    )
    long_factor: int = Field(
        default=4, ge=1, description="how much longer, batch permitting"
    )
    snr_min: float = -5.0
    snr_max: float = 20.0
    level_min: float = Field(default=-35.0, description="dBFS of the mixture")
    level_max: float = -15.0
    validation_mixes: int = Field(default=20, ge=1)
    validation_seconds: float = Field(default=4.0, gt=0.05)
    validation_snrs: tuple[float, ...] = (0.0, 10.0)


class TrainConfig(_Section):
    """A whole training run."""

    name: str = Field(default="denoise", pattern=r"^[\w.-]+$")
    runs: Path = Path("runs")
    seed: int = 0
    steps: int = Field(default=20000, ge=1)
    precision: Literal["bfloat16", "float32"] = "bfloat16"
    threads: int | None = Field(default=None, ge=1)
    validate_every: int = Field(default=500, ge=1)
    log_every: int = Field(default=20, ge=1)
    checkpoint_minutes: float = Field(default=3.0, gt=0)
    magnitude_loss: float = Field(
        default=0.0, ge=0, description="weight of the MSE term"
    )
    model: ModelConfig = Field(default_factory=ModelConfig)
    pruning: PruningConfig = Field(default_factory=PruningConfig)
    optim: OptimConfig = Field(default_factory=OptimConfig)
    quantize: QuantizeConfig = Field(default_factory=QuantizeConfig)
    data: DataConfig = Field(default_factory=DataConfig)

    @model_validator(mode="after")
    def _check(self) -> TrainConfig:
        if self.pruning.start > self.pruning.end:
            raise ValueError(
                f"pruning.start is {self.pruning.start}, after pruning.end "
                f"{self.pruning.end}"
            )
        if self.data.snr_min > self.data.snr_max:
            raise ValueError(
                f"data.snr_min {self.data.snr_min} exceeds snr_max {self.data.snr_max}"
            )
        return self

    @property
    def directory(self) -> Path:
        """Folder of everything this run writes."""
        return self.runs / self.name


def read_config(path: Path | None, settings: Sequence[str]) -> TrainConfig:
    """Configuration from a JSON file, if any, and settings that override it.

    Parameters
    ----------
    path : Path or None
    settings : sequence of str
        ``section.key=value``; the value is JSON, or else a word.

    Raises
    ------
    ValueError
        When the file is no JSON object, a setting has no ``=`` or lies below one
        that is no section, or a value is unknown or out of range.
    """
    values = read_json(path) if path else {}
    for setting in settings:
        key, separator, text = setting.partition("=")
        if not separator:
            raise ValueError(f"setting {setting!r}: not of the form section.key=value")
        place = values
        *sections, last = key.split(".")
        for depth, section in enumerate(sections, 1):
            place = place.setdefault(section, {})
            if not isinstance(place, dict):
                raise ValueError(
                    f"setting {setting!r}: {'.'.join(sections[:depth])} is "
                    f"{json.dumps(place)}, not a section"
                )
        place[last] = _value(text)
    try:
        return TrainConfig.model_validate(values)
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, e['loc'])) or 'settings'}: {e['msg']}"
            for e in error.errors()
        ]
        raise ValueError("; ".join(problems)) from None


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises
    ------
    ValueError
        If the file holds anything else.
    """
    try:
        values = json.loads(path.read_text("utf-8"))
    except ValueError as error:  # no JSON, or no UTF-8
        raise ValueError(f"{path} is not a JSON file: {error}") from None
    if not isinstance(values, dict):
        raise ValueError(
            f"{path} holds a JSON {type(values).__name__}, must be an object with the "
            "fields of TrainConfig"
        )
    return values


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
