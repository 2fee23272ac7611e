# SPDX-License-Identifier: BSD-3-Clause
"""Weights that a training begins with: of another training, or of a network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import torch
from torch import Tensor

from lava_sparse_rnn import spec
from lava_sparse_rnn.nn import SparseRNN
from lava_sparse_rnn.nn.options import state_fits
from lava_sparse_rnn.nn.quantize import unfold
from lava_sparse_rnn.train import checkpoint
from lava_sparse_rnn.train.config import TrainConfig
from lava_sparse_rnn.train.sections import ModelConfig
from lava_sparse_rnn.train.tasks import Task
from lava_sparse_rnn.train.typical import typical_features

FLOATS = "float.safetensors"

ENDS = ("encoder", "encoder_mask", "decoder", "decoder_mask", "decoder_bias")
"""What in a `SparseRNN` depends on its tokens and its answers."""

SIZES = ("d_model", "d_state", "n_layers")
SHAPING = (*SIZES, "gate", "conj_sym")
"""Settings of a model that its weights' shapes depend on."""

EQUATIONS = ("activation", "top_k", "discretisation", "state_nonlinearity")
"""Those that what a network of integers computes depends on, too."""

_OPTIONS = tuple(name for name in (*SHAPING, *EQUATIONS) if name not in SIZES)

BATCHES = 16
"""Batches of material on which norms settle."""


@dataclass(frozen=True)
class Start:
    """What a training begins with.

    Parameters
    ----------
    path : Path
    tensors : dict
        Entries of a checkpoint by name.
    state : dict
        Of the checkpoint, see `Task.state`, with as much of its configuration as is
        known.
    integers : bool
        Whether it is a network: then norms know no material, and the equations are
        those of the contract.
    """

    path: Path
    tensors: dict[str, Tensor]
    state: dict[str, Any]
    integers: bool = False


def read_start(config: TrainConfig, kind: type[Task]) -> Start:
    """The float checkpoint, or the network, that a configuration names.

    Parameters
    ----------
    config : TrainConfig
    kind : type
        Of the task that is trained for.

    Raises
    ------
    ValueError
        If there is none, or it is something else.
    """
    assert config.start is not None  # whoever calls has looked
    path = spec.locate(config.start)
    if not path.exists():
        raise ValueError(f"start: {path} does not exist")
    if path.is_file() and h5py.is_hdf5(path):
        return _of_network(path, config, kind)
    return _of_checkpoint(path)


def _of_checkpoint(path: Path) -> Start:
    try:
        tensors, state = checkpoint.read(path)
    except (ValueError, OSError) as error:
        raise ValueError(
            f"start: {error}; a training starts from {FLOATS} in the folder of "
            "another, or from a network (.net)"
        ) from None
    if state.get("fingerprint") is not None:
        raise ValueError(
            f"start: {path} is of a fine-tune; a training starts from {FLOATS} "
            "beside it"
        )
    return Start(path, tensors, state)


def _of_network(path: Path, config: TrainConfig, kind: type[Task]) -> Start:
    try:
        network = spec.load(path)
        state = kind.state_of(network.meta)
        eps = config.model.norm_eps
        model = SparseRNN.from_folded(unfold(network), norm_eps=eps)
    except ValueError as error:
        text = str(error).removeprefix(f"{path}: ")
        raise ValueError(f"start: {path}: {text}") from None
    sizes = model.d_model, model.blocks[0].d_state, len(model.blocks)
    there: dict[str, Any] = dict(zip(SIZES, sizes, strict=True))
    there |= {name: getattr(model.options, name) for name in _OPTIONS}
    # What states begin with does not matter, but must be possible.
    blocks = config.model.hippo_blocks
    if not state_fits(there["d_state"], blocks, there["conj_sym"]):
        there["hippo_blocks"] = 1
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    return Start(path, tensors, {**state, "config": {"model": there}}, integers=True)


def like_start(config: TrainConfig, kind: type[Task], saved: Path) -> TrainConfig:
    """A configuration whose model is that of its start where nothing else is given.

    Sizes and gate are taken over, of a network of integers its equations, too: of a
    float checkpoint another activation is a training of its own.

    Parameters
    ----------
    config : TrainConfig
    kind : type
        Of the task that is trained for.
    saved : Path
        Checkpoint of the run. If there is one, its model counts, and not the start,
        which may have been moved or changed since.

    Raises
    ------
    ValueError
        If there is no such start, see `read_start`, or the recipe has layers that the
        model has not.
    """
    if config.start is None:
        return config
    if saved.exists():
        state, equations = checkpoint.read(saved)[1], EQUATIONS
    else:
        start = read_start(config, kind)
        state, equations = start.state, EQUATIONS if start.integers else ()
    names = (*SHAPING, "hippo_blocks", *equations)
    there = state.get("config", {}).get("model", {})
    given = config.model.model_fields_set
    taken = {k: v for k, v in there.items() if k in names and k not in given}
    model = ModelConfig.model_validate(config.model.model_dump() | taken)
    config = config.model_copy(update={"model": model})
    config.check_places()
    return config


def start_from(config: TrainConfig, model: SparseRNN, task: Task) -> None:
    """Take the weights of another training, or of a network.

    A token may last longer there: the states live in continuous time, so that the
    length of their steps follows (Smith et al., arXiv 2208.04933, section 4.4). Of a
    network the batch norms settle on this task's material.

    Raises
    ------
    ValueError
        If they are of another model.
    """
    start = read_start(config, type(task))
    tensors, state = start.tensors, start.state
    other = _differences(start, config, task) if start.integers else ""
    try:
        found = task.translation(state)
        if found is not None:
            tensors = _translated(tensors, *found)
        checkpoint.restore(tensors, model)
    except RuntimeError as error:
        other = _differences(start, config, task) or str(error)
    if other:
        raise ValueError(f"start: {start.path} is of another model: {other}")
    model.stretch_time(task.stretch(state))
    if start.integers:
        features, lengths = typical_features(config, task, BATCHES)
        model.settle_norms(features, lengths=lengths)


def _differences(start: Start, config: TrainConfig, task: Task) -> str:
    """In what the model of a start is another one than that of a configuration."""
    there = start.state.get("config", {}).get("model", {})
    here = config.model.model_dump()
    found = [
        f"model.{name} is {there[name]} there and {here[name]} here"
        for name in (*SHAPING, *(EQUATIONS if start.integers else ()))
        if there.get(name, here[name]) != here[name]
    ]
    if task.translation(start.state) is not None:
        return "; ".join(found)
    for what, size, end, axis in (
        ("inputs", task.d_in, "model.encoder", 1),
        ("outputs", task.d_out, "model.decoder", 0),
    ):
        matrix = start.tensors.get(end)
        if matrix is not None and matrix.shape[axis] != size:
            found.append(f"it has {matrix.shape[axis]} {what}, this task {size}")
    return "; ".join(found)


def _translated(
    tensors: dict[str, Tensor], heard: Tensor, answered: Tensor
) -> dict[str, Tensor]:
    """The weights at both ends for other tokens and answers, see `Task.translation`.

    Numbers that stay what they were keep their masks; all others have every weight.
    """
    ends = {f"model.{name}": tensors[f"model.{name}"] for name in ENDS}
    encoder, encoder_mask, decoder, decoder_mask, bias = ends.values()
    encoder = (encoder * encoder_mask) @ heard.to(encoder)
    decoder = answered.to(decoder) @ (decoder * decoder_mask)
    masks = _kept(encoder_mask, heard), _kept(decoder_mask.T, answered.T).T
    new = encoder, masks[0], decoder, masks[1], answered.to(bias) @ bias
    return tensors | dict(zip(ends, new, strict=True))


def _kept(mask: Tensor, made: Tensor) -> Tensor:
    """Masks (rows, new) of (rows, old), for old numbers (old, new) of new ones."""
    kept = torch.ones(len(mask), made.shape[1], dtype=torch.bool)
    alone = ((made != 0).sum(0) == 1) & (made == 1).any(0)
    kept[:, alone] = mask.bool()[:, made[:, alone].argmax(0)]
    return kept
