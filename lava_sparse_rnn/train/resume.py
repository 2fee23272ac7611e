# SPDX-License-Identifier: BSD-3-Clause
"""What a resumed run may reuse: settings that changed, and stages that are stale."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel
from torch import Tensor, nn

from lava_sparse_rnn import spec
from lava_sparse_rnn.train import checkpoint
from lava_sparse_rnn.train.config import TrainConfig, lifted
from lava_sparse_rnn.train.sections import FINISH, FREE, LATER
from lava_sparse_rnn.train.values import read_json


def check_unchanged(config: TrainConfig, saved: Path, weights: Path) -> None:
    """Refuse to resume a run with settings that its weights were not trained with.

    Parameters
    ----------
    config : TrainConfig
        Of the resumed run.
    saved : Path
        Its configuration so far, as JSON; if the file is missing, the
        configuration inside the checkpoint counts.
    weights : Path
        Its checkpoint; without one there is nothing to resume and all may change.

    Raises
    ------
    ValueError
        Names every setting that must not change, with both values.
    """
    if not weights.exists():
        return
    if saved.exists():
        values = read_json(saved)
    else:
        values = checkpoint.read(weights)[1].get("config", {})
    # A configuration of an older version lacks what was added since.
    before = _flat(TrainConfig(task=config.task)) | dict(_leaves(lifted(values)))
    free = [f"{name}." for name, marked in _free(config) if marked]
    changed = [
        f"{key} from {before[key]} to {value}"
        for key, value in _flat(config).items()
        if before.get(key) != value and not f"{key}.".startswith(tuple(free))
    ]
    if changed:
        raise ValueError(
            f"{config.directory} holds a training that cannot go on with other "
            f"settings: {', '.join(changed)}; choose another name for a new training"
        )


def _free(part: BaseModel, prefix: str = "", free: bool = False):
    """Every setting's name, and whether it or its section is marked as free."""
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        marked = free or field.json_schema_extra in (FREE, FINISH)
        if isinstance(value, BaseModel):
            yield from _free(value, f"{prefix}{name}.", marked)
        else:
            yield prefix + name, marked


def _flat(config: TrainConfig) -> dict[str, Any]:
    return dict(_leaves(config.model_dump(mode="json")))


def _leaves(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def fingerprint(config: TrainConfig, model: nn.Module, network: spec.Network) -> str:
    """Of what a fine-tune starts from; another value makes its checkpoint stale.

    Covers the float tensors, the settings of the integer stage except its length and
    those of the task that act before it, and all formats of the network. The integers
    themselves are left out: another number of threads moves a few of them by one, which
    no fine-tune minds.

    Parameters
    ----------
    config : TrainConfig
    model : nn.Module
        The trained float network.
    network : spec.Network
        Its post-training quantisation.
    """
    digest = hashlib.sha256()
    settings = config.quantize.model_dump(mode="json", exclude={"steps"})
    # At their defaults settings that came later change nothing.
    for name, field in type(config.quantize).model_fields.items():
        if field.json_schema_extra == LATER and settings[name] == field.default:
            del settings[name]
    for name, field in type(config.data).model_fields.items():
        value = getattr(config.data, name)
        if field.json_schema_extra == FINISH and value != field.default:
            settings[f"data.{name}"] = value
    digest.update(json.dumps(settings, sort_keys=True).encode())
    for name, tensor in sorted(model.state_dict().items()):
        tensor = tensor.detach().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(_bytes(tensor))
    for i, layer in enumerate(network.layers):
        for name, value in _formats(layer, f"layer{i}"):
            digest.update(f"{name} {value.shape}".encode() + value.tobytes())
    return digest.hexdigest()


def _bytes(tensor: Tensor) -> bytes:
    # A view of one element, taken out of pairs, may have a stride that a view of its
    # bytes cannot; bfloat16 has no array.
    flat = tensor.flatten().clone(memory_format=torch.contiguous_format)
    return flat.view(torch.uint8).numpy().tobytes()


def _formats(part: Any, name: str) -> Iterator[tuple[str, np.ndarray]]:
    """Widths and binary points of a part of a network, by their places in it."""
    for field in fields(part):
        value, place = getattr(part, field.name), f"{name}.{field.name}"
        if field.name in ("bits", "frac", "ref"):
            yield place, np.asarray(value, dtype=np.int64)
        elif is_dataclass(value):
            yield from _formats(value, place)
