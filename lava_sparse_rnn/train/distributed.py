# SPDX-License-Identifier: BSD-3-Clause
"""Training by several processes: each takes some rows of every batch.

``torchrun --nproc-per-node 4 -m lava_sparse_rnn.train ...`` starts them, on one machine
or on several that share the folder of the run. Batches, losses, gradients and batch
norms are those of one process with the whole batch, up to the order of sums, so that
the loss curve is its too. Two things are a process' own: the masks of dropout, and
the penalty on activations, of which the mean counts. Process 0 writes the files.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from lava_sparse_rnn.train.shared_norm import share_batch_norms


@dataclass(frozen=True)
class Group:
    """The processes that train together.

    Parameters
    ----------
    rank : int
        Number of this process, from 0.
    size : int
        How many there are.
    ahead : bool
        Whether material is prepared while a step is computed. Where the step has every
        core, each would wait for the other, and taking turns is faster.
    """

    rank: int = 0
    size: int = 1
    ahead: bool = True

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

    def rows(self, batch: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
        """This process' rows of a batch whose parts all have as many."""
        if self.size == 1:
            return tuple(batch)
        count = len(batch[0]) // self.size
        mine = slice(self.rank * count, (self.rank + 1) * count)
        return tuple(part[mine] for part in batch)

    def check_shares(self, name: str, batch: int) -> None:
        """Refuse a batch that the processes cannot share evenly.

        Raises
        ------
        ValueError
        """
        if batch % self.size:
            raise ValueError(
                f"{name} is {batch}; it must be a multiple of the {self.size} processes"
            )

    def send(self, array: np.ndarray, source: int) -> None:
        """Fill an array of every process with that of one, which may be read-only."""
        if self.size > 1:
            dist.broadcast(torch.from_numpy(array), src=source)

    def share_batch_norms(self, model: nn.Module) -> None:
        """Let every batch norm see the rows of all processes."""
        if self.size > 1:
            share_batch_norms(model)

    def mean(self, value: float) -> float:
        """Mean of a number over the processes."""
        if self.size == 1:
            return value
        shared = torch.tensor(value, dtype=torch.float64)
        dist.all_reduce(shared)
        return float(shared) / self.size

    def average_gradients(self, model: nn.Module) -> None:
        """Replace all gradients by their mean over the processes."""
        if self.size > 1:
            self._average([p.grad for p in model.parameters() if p.grad is not None])

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
