# SPDX-License-Identifier: BSD-3-Clause
"""A float checkpoint as a denoiser, to be scored beside the integers made of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lava_sparse_rnn.audio.sound.samples import check_sound
from lava_sparse_rnn.tasks.denoise import objective
from lava_sparse_rnn.tasks.denoise.frontend import front_of
from lava_sparse_rnn.train import checkpoint
from lava_sparse_rnn.train.config import TrainConfig
from lava_sparse_rnn.train.stages import FloatStage, build_model, build_pruner

Samples = NDArray[np.float32]


class FloatDenoiser:
    """The network of the float stage, in float32 and evaluation mode.

    Parameters
    ----------
    path : Path
        ``float.safetensors`` in the folder of a run.
    strength : float, optional
        As of `audio.Denoiser`.

    Raises
    ------
    ValueError
        If the file is missing, damaged, or of another stage.
    """

    def __init__(self, path: Path, strength: float | None = None) -> None:
        if not path.is_file():
            raise ValueError(f"checkpoint: {path} does not exist")
        tensors, state = checkpoint.read(path)
        if state.get("fingerprint") is not None:
            raise ValueError(
                f"checkpoint: {path} is of the fine-tune, whose integers are in the "
                f".net beside it; of floats there is {FloatStage.name}.safetensors"
            )
        config = TrainConfig.model_validate(state["config"])
        front = front_of(state, f"checkpoint: {path}")
        limit = front.strength if strength is None else strength
        self.front_end = replace(front, strength=limit)
        self.model = build_model(config, front.d_in, front.d_out)
        pruner = build_pruner(config)
        if pruner is not None:  # its score may keep sums in the checkpoint
            pruner.prepare(self.model)
        checkpoint.restore(tensors, self.model)
        self.model.eval()

    @torch.no_grad()
    def denoise(self, samples: Samples) -> Samples:
        """Denoise a whole recording; float32 (n,), aligned with the input."""
        samples = check_sound(samples, "signal")
        front = self.front_end
        margin = front.delay - front.hop_length
        # The estimate ends a window, and what lies ahead, before its input does.
        count = -(-len(samples) // front.hop_length) * front.hop_length + margin
        padded = np.zeros(count, np.float32)
        padded[: len(samples)] = samples
        wave = objective.denoise(
            self.model.forward_time_major, front, torch.from_numpy(padded)[None]
        )
        return wave[0, : len(samples)].numpy()
