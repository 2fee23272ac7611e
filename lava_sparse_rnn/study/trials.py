# SPDX-License-Identifier: BSD-3-Clause
"""The trainings of a study, in an order and with names that never change."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lava_sparse_rnn.study.config import Family, StudyConfig
from lava_sparse_rnn.train import TrainConfig
from lava_sparse_rnn.train.config import in_words
from lava_sparse_rnn.train.sections import ModelConfig

ELSEWHERE = {"name", "runs", "threads"}
"""Settings that do not change what a training finds."""


@dataclass(frozen=True)
class Trial:
    """One training of a study.

    Parameters
    ----------
    name : str
        Of its folder; the same whenever the same study is read.
    family : str
    width : float
        Factor on the widths of the base, as the study says it.
    sparsity : float
    activation : str
    bits : str
        Recipe of quantisation.
    seed : int
    config : TrainConfig
    """

    name: str
    family: str
    width: float
    sparsity: float
    activation: str
    bits: str
    seed: int
    config: TrainConfig

    @property
    def directory(self) -> Path:
        """Folder of the training."""
        return self.config.directory

    @property
    def digest(self) -> str:
        """Of all settings that may change what the training finds."""
        settings = self.config.model_dump_json(exclude=ELSEWHERE)
        return hashlib.sha256(settings.encode()).hexdigest()[:16]


def trials(study: StudyConfig) -> list[Trial]:
    """All trainings of a study.

    First those of every family's first seed, so that a study which is stopped early
    has seen every size once; then those of the second, and so on.

    Raises
    ------
    ValueError
        If the settings of a trial do not fit, or two trials have one name.
    """
    found = [
        (turn, trial)
        for name, family in study.families.items()
        for turn, trial in _of_family(study, name, family)
    ]
    found.sort(key=lambda each: each[0])  # stable: families stay in their order
    names = [trial.name for _, trial in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"two trials are named {twice[0]}: a value is given twice")
    return [trial for _, trial in found]


def _of_family(
    study: StudyConfig, name: str, family: Family
) -> Iterator[tuple[int, Trial]]:
    axes = (family.widths, family.sparsity, family.activation, family.bits)
    for width, sparsity, activation, bits in itertools.product(*axes):
        seeds = family.seeds_at.get(width, family.seeds or study.seeds)
        for turn, seed in enumerate(seeds):
            short = f"{name}-w{width:g}-s{100 * sparsity:g}-{activation}-{bits}-{seed}"
            values = _values(study, family, width, sparsity) | {"name": short}
            values["seed"] = seed
            _section(values, "model")["activation"] = activation
            _section(values, "quantize")["recipe"] = bits
            try:
                config = TrainConfig.model_validate(values)
            except ValidationError as error:
                text = in_words(error, values)
                raise ValueError(f"trial {short}: {text}") from None
            # All of a row's sizes are the study's, whatever a start has.
            model = ModelConfig.model_validate(config.model.model_dump())
            config = config.model_copy(update={"model": model})
            yield (
                turn,
                Trial(short, name, width, sparsity, activation, bits, seed, config),
            )


def _values(
    study: StudyConfig, family: Family, width: float, sparsity: float
) -> dict[str, Any]:
    """Settings of a training but for what its name says."""
    values = merged(study.base, family.settings)
    factor = width / (1 - sparsity) ** 0.5 if family.equal_weights else width
    model = _section(values, "model")
    sizes = {field: model.get(field, default(field)) for field in ("d_model",)}
    blocks = model.get("hippo_blocks", default("hippo_blocks"))
    state = model.get("d_state", default("d_state"))
    model["d_model"] = max(round(factor * sizes["d_model"]), 1)
    # Each block of the state has the same number of complex states, at least one.
    model["d_state"] = 2 * blocks * max(round(factor * state / (2 * blocks)), 1)
    _section(values, "pruning")["sparsity"] = sparsity
    values |= {"task": study.task, "steps": study.steps, "threads": 1}
    values["runs"] = (study.directory / "trials").absolute()
    return values


def default(field: str) -> Any:
    """The size of a network that a configuration without it has."""
    return ModelConfig.model_fields[field].default


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two levels of settings; sections are joined, all else is the upper's."""
    joined = {
        k: merged(v, {}) if isinstance(v, Mapping) else v for k, v in below.items()
    }
    for key, value in above.items():
        under = joined.get(key)
        if isinstance(value, Mapping):
            value = merged(under if isinstance(under, Mapping) else {}, value)
        joined[key] = value
    return joined


def _section(values: dict[str, Any], name: str) -> dict[str, Any]:
    return values.setdefault(name, {})
