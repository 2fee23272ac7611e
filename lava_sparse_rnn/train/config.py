# SPDX-License-Identifier: BSD-3-Clause
"""Every hyper-parameter of a training, validated.

Defaults are the recipe of Pierro et al. (arXiv 2502.01330) where it transfers; the
rest was chosen for a few tens of thousands of steps on two processor cores.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelConfig(_Section):
    """Arguments of `nn.SparseRNN`; input and output follow from the front end."""

    d_model: int = Field(192, ge=1)
    d_state: int = Field(256, ge=2)
    n_layers: int = Field(3, ge=1)
    hippo_blocks: int = Field(16, ge=1)
    state_nonlinearity: Literal["real_gate", "split", "none"] = "real_gate"
    dt_min: float = Field(4e-3, gt=0)
    dt_max: float = Field(1e-1, gt=0)
    dropout: float = Field(0.0, ge=0, lt=1)
    norm_eps: float = Field(1e-3, gt=0)


class PruningConfig(_Section):
    """Sparsification; `start` and `end` are fractions of all steps."""

    sparsity: float = Field(0.9, ge=0, lt=1)
    schedule: Literal["cubic", "constant"] = "cubic"
    distribution: Literal["erk", "uniform"] = "erk"
    start: float = Field(0.05, ge=0, le=1)
    end: float = Field(0.6, ge=0, le=1)
    every: int = Field(100, ge=1, description="steps between mask updates")


class OptimConfig(_Section):
    """AdamW with linear warm-up and a cosine to `final_lr` times the peak."""

    lr: float = Field(4e-3, gt=0)
    ssm_lr: float = Field(1e-3, gt=0, description="Lambda, log_step, batch norm")
    weight_decay: float = Field(0.01, ge=0, description="matrices only")
    beta1: float = Field(0.9, ge=0, lt=1)
    beta2: float = Field(0.99, ge=0, lt=1)
    warmup: float = Field(0.03, ge=0, le=1, description="fraction of all steps")
    final_lr: float = Field(0.01, ge=0, le=1)
    grad_clip: float = Field(5.0, gt=0)


class DataConfig(_Section):
    """Where mixtures come from and how they are grouped."""

    source: Literal["corpus", "synthetic"] = "corpus"
    root: Path | None = Field(None, description="folder of the corpus")
    batch: int = Field(16, ge=1)
    seconds: float = Field(3.0, gt=0.05)
    pool: int = Field(48, ge=1, description="fresh batches kept for remixing")
    fresh_every: int = Field(3, ge=1, description="steps per fresh batch")
    workers: int = Field(1, ge=1)
    long_share: float = Field(0.25, ge=0, le=1, description="steps of long sequences")
    long_factor: int = Field(4, ge=1, description="how much longer, batch permitting")
    snr_min: float = -5.0
    snr_max: float = 20.0
    level_min: float = Field(-35.0, description="dBFS of the mixture")
    level_max: float = -15.0
    validation_mixes: int = Field(20, ge=1)
    validation_seconds: float = Field(4.0, gt=0.05)
    validation_snrs: tuple[float, ...] = (0.0, 10.0)


class TrainConfig(_Section):
    """A whole training run."""

    name: str = Field("denoise", pattern=r"^[\w.-]+$")
    runs: Path = Path("runs")
    seed: int = 0
    steps: int = Field(20000, ge=1)
    precision: Literal["bfloat16", "float32"] = "bfloat16"
    threads: int | None = Field(None, ge=1)
    validate_every: int = Field(500, ge=1)
    log_every: int = Field(20, ge=1)
    checkpoint_minutes: float = Field(3.0, gt=0)
    magnitude_loss: float = Field(0.0, ge=0, description="weight of the MSE term")
    model: ModelConfig = ModelConfig()
    pruning: PruningConfig = PruningConfig()
    optim: OptimConfig = OptimConfig()
    data: DataConfig = DataConfig()

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
