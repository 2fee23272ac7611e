# SPDX-License-Identifier: BSD-3-Clause
"""Training for any task: configuration, stages, checkpoints that resume.

``run(TrainConfig(...))`` trains, prunes, quantises, fine-tunes and exports; the same
call resumes. `fit` does so with a task of one's own.
"""

import os

from lava_sparse_rnn import messages
from lava_sparse_rnn.openmp import wait_briefly
from lava_sparse_rnn.train import _ctrl_c

_ctrl_c.end_silently()
if _ctrl_c.is_looked_for():
    wait_briefly(os.environ)  # `__main__` comes after torch
messages.require("train", "train", "torch", "safetensors", "tensorboard")

from lava_sparse_rnn.train.config import TrainConfig
from lava_sparse_rnn.train.evaluation import evaluate, task_of
from lava_sparse_rnn.train.fit import fit
from lava_sparse_rnn.train.pipeline import Result, complete, open_float, run
from lava_sparse_rnn.train.stages import FloatStage, IntegerStage
from lava_sparse_rnn.train.tasks import TASKS, Evaluation, Task, find_task, register

__all__ = [
    "TASKS",
    "Evaluation",
    "FloatStage",
    "IntegerStage",
    "Result",
    "Task",
    "TrainConfig",
    "complete",
    "evaluate",
    "find_task",
    "fit",
    "open_float",
    "register",
    "run",
    "task_of",
]
