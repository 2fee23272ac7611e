# SPDX-License-Identifier: BSD-3-Clause
"""Training of denoisers: configuration, data, stages, checkpoints.

``run(TrainConfig(...))`` trains, prunes, quantises, fine-tunes and exports; the same
call resumes.
"""

from lava_sparse_rnn import messages

messages.require("train", "train", "torch", "safetensors", "tensorboard")

from lava_sparse_rnn.train.config import TrainConfig
from lava_sparse_rnn.train.stages import FloatStage, IntegerStage, open_float, run

__all__ = ["FloatStage", "IntegerStage", "TrainConfig", "open_float", "run"]
