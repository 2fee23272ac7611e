# SPDX-License-Identifier: BSD-3-Clause
"""Training by several processes: each takes a part of every batch.

``torchrun --nproc-per-node 4 -m lava_sparse_rnn.train ...`` starts them, on one machine
or on several that share the folder of the run. Gradients and batch-norm statistics
are averaged in every step, so that all processes hold the same model and choose the
same masks; process 0 writes the files.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from .config import DataConfig
from .data import SOURCES, Batches, training_batches

# Between the seeds of two processes: no stage's seed lies in between.
_SEED_STEP = 1_000_003


@dataclass(frozen=True)
class Group:
    """The processes that train together.

    Parameters
    ----------
    rank : int
        Number of this process, from 0.
    size : int
        How many there are.
    """

    rank: int = 0
    size: int = 1

    @classmethod
    def start(cls) -> Group:
        """Join the group that ``torchrun`` describes in the environment, if any."""
        size = int(os.environ.get("WORLD_SIZE", "1"))
        if size == 1:
            return cls()
        if not dist.is_initialized():
            dist.init_process_group("gloo")
        return cls(dist.get_rank(), size)

    @property
    def leads(self) -> bool:
        """Whether this process writes files and reports."""
        return self.rank == 0

    def batches(self, config: DataConfig, seed: int, start: int) -> Batches:
        """This process' part of the training batches, from step `start` on.

        Raises
        ------
        ValueError
            If a batch cannot be shared evenly.
        """
        if config.batch % self.size:
            raise ValueError(
                f"data.batch is {config.batch}; it must be a multiple of the "
                f"{self.size} processes"
            )
        seed += _SEED_STEP * self.rank
        part = config.model_copy(update={"batch": config.batch // self.size})
        return training_batches(SOURCES[part.source](part, seed), part, seed, start)

    def average_gradients(self, model: nn.Module) -> None:
        """Replace all gradients by their mean over the processes."""
        if self.size > 1:
            self._average([p.grad for p in model.parameters() if p.grad is not None])

    def average_statistics(self, model: nn.Module) -> None:
        """Replace all floating-point buffers by their mean over the processes."""
        if self.size > 1:
            self._average([b for b in model.buffers() if b.is_floating_point()])

    def _average(self, tensors: list[Tensor]) -> None:
        if not tensors:
            return
        flat = torch.cat([t.flatten() for t in tensors])
        dist.all_reduce(flat)
        flat /= self.size
        parts = flat.split([t.numel() for t in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))

    def agree(self, answer: bool) -> bool:
        """The answer of process 0, in every process."""
        if self.size == 1:
            return answer
        shared = torch.tensor(int(answer))
        dist.broadcast(shared, src=0)
        return bool(shared)

    def wait(self) -> None:
        """Until every process has come here."""
        if self.size > 1:
            dist.barrier()
