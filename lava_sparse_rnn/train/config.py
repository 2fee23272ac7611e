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

from lava_sparse_rnn import messages
from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.frontend import FrontEnd
from lava_sparse_rnn.nn.quantize import RECIPES


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelConfig(_Section):
    """Arguments of `nn.SparseRNN`; input and output follow from the front end.

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


class FrontEndConfig(_Section):
    """Window and hop in samples; the other constants are measured."""

    n_fft: int = Field(default=512, ge=2)
    hop_length: int | None = Field(
        default=None,
        ge=1,
        description="divides n_fft at least twice; else that of the start, or 128",
    )

    @model_validator(mode="after")
    def _check(self) -> FrontEndConfig:
        try:
            self.build()
        except AudioError as error:
            raise ValueError(str(error)) from None
        return self

    def build(self) -> FrontEnd:
        """A front end whose mean and scale are still to be measured."""
        return FrontEnd(**self.model_dump(exclude_none=True))


class PruningConfig(_Section):
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
    start: float = Field(default=0.05, ge=0, le=1)
    end: float = Field(default=0.6, ge=0, le=1)
    every: int = Field(default=50, ge=1, description="steps between mask updates")
    straight_through: bool = Field(
        default=False, description="pruned weights keep learning; needs a small `every`"
    )


class OptimConfig(_Section):
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


class QuantizeConfig(_Section):
    """Integers: the recipe of the network description, and the fine-tune.

    The fine-tune starts from the folded, pruned float model; 0 steps export what
    post-training quantisation gives. Widths that are not given are those of `recipe`,
    see `nn.quantize.RECIPES`.
    """

    recipe: Literal["w8a16", "w8a8", "w4a16", "sparse_rnns"] = "w8a16"

    steps: int = Field(default=2000, ge=0, description="of the fine-tune")
    lr_factor: float = Field(
        default=0.1, gt=0, description="on the float learning rates"
    )
    calibration_batches: int = Field(default=16, ge=1)
    percentile: float | None = Field(
        default=None, gt=0, le=100, description="of calibration; else the maximum"
    )
    silence: int = Field(
        default=0, ge=0, description="tokens of digital silence in calibration"
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
        default=None, ge=1, le=64, description="of a table; else lines of 0.5 % error"
    )

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, values: Any) -> Any:
        if not isinstance(values, dict) or values.get("recipe") not in RECIPES:
            return values
        chosen = dict(RECIPES[values["recipe"]])
        if "sigmoid" in chosen:
            chosen["sigmoid_segments"] = len(chosen.pop("sigmoid"))
        return {k: v for k, v in chosen.items() if k in cls.model_fields} | values


class DataConfig(_Section):
    """Where mixtures come from and how they are grouped."""

    source: Literal["corpus", "ndns", "synthetic"] = "corpus"
    root: Path | None = Field(
        default=None,
        description="folder of the corpus, or of the N-DNS set: noisy/, clean/",
    )
    validation_root: Path | None = Field(
        default=None,
        description="N-DNS set to validate on; without it the training leaves "
        "`validation_mixes` examples of `root` out for that",
    )
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

    @model_validator(mode="after")
    def _check(self) -> DataConfig:
        if self.source == "ndns" and self.root is None:
            raise ValueError("source is ndns, and root is missing: the folder of a set")
        if self.source != "ndns" and self.validation_root is not None:
            raise ValueError(
                f"validation_root is {self.validation_root}, which only the source "
                f"ndns reads; source is {self.source}"
            )
        return self


class TrainConfig(_Section):
    """A whole training run."""

    name: str = Field(default="denoise", pattern=r"^[\w.-]+$")
    runs: Path = Path("runs")
    seed: int = 0
    start: Path | None = Field(
        default=None,
        description="float checkpoint whose weights this training starts from; with "
        "another activation that is ReLU-fication",
    )
    steps: int = Field(default=20000, ge=1)
    precision: Literal["bfloat16", "float32"] = "bfloat16"
    threads: int | None = Field(default=None, ge=1)
    device: Literal["cpu", "cuda"] = Field(
        default="cpu", description="of the float network; integers stay on the CPU"
    )
    validate_every: int = Field(default=500, ge=1)
    log_every: int = Field(default=20, ge=1)
    patience: int | None = Field(
        default=None,
        ge=1,
        description="validations in a row without a new best after which a stage ends; "
        "those before the last mask update do not count",
    )
    keep: Literal["last", "best"] | None = Field(
        default=None,
        description="weights that a stage hands on; best with patience, else last",
    )
    checkpoint_minutes: float = Field(default=3.0, gt=0)
    magnitude_loss: float = Field(
        default=0.0, ge=0, description="weight of the MSE term"
    )
    compressed_loss: float = Field(
        default=0.0,
        ge=0,
        description="weight of the MSE of magnitudes to the power of 0.3",
    )
    front_end: FrontEndConfig = Field(default_factory=FrontEndConfig)
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
    def keeps_best(self) -> bool:
        """Whether stages hand on the weights of their best validation."""
        return (self.patience is not None) if self.keep is None else self.keep == "best"

    @property
    def directory(self) -> Path:
        """Folder of everything this run writes."""
        return self.runs / self.name


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
        raise ValueError(messages.fields(error.errors(), "settings")) from None


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
    return _object(values, path, "JSON")


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises
    ------
    ValueError
        If the file holds anything else.
    """
    import yaml

    try:
        values = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a YAML file: {error}") from None
    return _object({} if values is None else values, path, "YAML")


def _object(values: Any, path: Path, language: str) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise ValueError(
            f"{path} holds a {language} {type(values).__name__}, must be an object "
            "with the fields of TrainConfig"
        )
    return values


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
