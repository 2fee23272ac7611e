# SPDX-License-Identifier: BSD-3-Clause
"""Material that ranges and statistics are measured on."""

from __future__ import annotations

from itertools import islice

import torch
from torch import Tensor

from lava_sparse_rnn.train.config import TrainConfig
from lava_sparse_rnn.train.tasks import Task

QUANTIZE_SEED = 1000
"""Added to the seed: material of fine-tune and calibration, apart from the floats'."""


def typical_features(
    config: TrainConfig, task: Task, count: int
) -> tuple[list[Tensor], list[Tensor | None]]:
    """Features of so many batches to calibrate with, each (batch, T, d_in), lengths."""
    made = task.calibration_batches(config.seed + QUANTIZE_SEED)
    batches = [tuple(map(torch.from_numpy, batch)) for batch in islice(made, count)]
    made.close()
    return [task.features(b) for b in batches], [task.lengths(b) for b in batches]
