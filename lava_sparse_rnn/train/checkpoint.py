# SPDX-License-Identifier: BSD-3-Clause
"""Checkpoints: tensors in safetensors, counters as JSON inside its header.

One file holds weights, masks, statistics, optimiser moments and generator state,
so that a checkpoint is either whole or absent. No pickles.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from lava_sparse_rnn.files import replacing


def write_atomically(path: Path, write) -> None:
    """Call ``write(temporary path)``, then rename it to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        try:
            write(temporary)
        except SafetensorError as error:  # what a full disk is to safetensors
            raise OSError(str(error)) from error


def save(
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer | None,
    state: dict[str, Any],
) -> None:
    """Write a checkpoint.

    Parameters
    ----------
    path : Path
    model : nn.Module
    optimizer : torch.optim.Optimizer or None
    state : dict
        JSON-serialisable: step, configuration, front end, best values.
    """
    tensors = {f"model.{k}": v.contiguous() for k, v in model.state_dict().items()}
    if optimizer is not None:
        for index, entries in optimizer.state_dict()["state"].items():
            for name, value in entries.items():
                tensors[f"optimizer.{index}.{name}"] = torch.as_tensor(value)
    tensors["generator"] = torch.get_rng_state()
    metadata = {"state": json.dumps(state)}
    write_atomically(path, lambda p: save_file(tensors, str(p), metadata=metadata))


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and state of a checkpoint.

    Raises
    ------
    ValueError
        If the file is damaged, or not a checkpoint of this package.
    """
    if path.is_dir():  # of which safetensors says "No such device"
        raise ValueError(f"{path} is a folder, no checkpoint of a training")
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(
            f"{path} is damaged, or no checkpoint of a training ({error})"
        ) from None
    if "state" not in metadata:
        raise ValueError(f"{path} is not a training checkpoint: it has no state")
    return tensors, json.loads(metadata["state"])


def restore(
    tensors: dict[str, Tensor],
    model: nn.Module,
    optimizer: torch.optim.Optimizer | None = None,
) -> None:
    """Put tensors of a checkpoint into a model, an optimiser and the generator.

    Raises
    ------
    RuntimeError
        If weights are missing or of another shape (raised by torch).
    """
    model.load_state_dict(_below(tensors, "model."))
    if optimizer is None:
        return
    groups = optimizer.state_dict()
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in _below(tensors, "optimizer.").items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value
    groups["state"] = state
    optimizer.load_state_dict(groups)
    torch.set_rng_state(tensors["generator"])


def _below(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
