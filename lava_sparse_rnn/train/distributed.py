# SPDX-License-Identifier: BSD-3-Clause
"""Training by several processes: each takes some rows of every batch.

``torchrun --nproc-per-node 4 -m lava_sparse_rnn.train ...`` starts them, on one machine
or on several that share the folder of the run. Batches, losses, gradients and batch
norms are those of one process with the whole batch, up to the order of sums, so that
the loss curve is its too. Two things are a process' own: the masks of dropout, and
the penalty on activations, of which the mean counts. Process 0 writes the files.
"""

from __future__ import annotations

import math
import os
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from lava_sparse_rnn.tasks.denoise.data import (
    SAMPLE_RATE,
    SOURCES,
    Batch,
    Batches,
    Source,
    training_batches,
)
from lava_sparse_rnn.train.config import DataConfig
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
        """This process' rows of the training batches, from step `start` on.

        Raises
        ------
        ValueError
            If a batch cannot be shared evenly.
        """
        source = SOURCES[config.source](config, seed)
        if self.size == 1:
            return training_batches(source, config, seed, start)
        self._check_shares(config)
        shared = _SharedSource(source, config, self)
        return self._rows(training_batches(shared, config, seed, start))

    def _rows(self, batches: Batches) -> Batches:
        for batch in batches:
            count = len(batch[0]) // self.size
            mine = slice(self.rank * count, (self.rank + 1) * count)
            noisy, clean = (part[mine] for part in batch)
            yield noisy, clean

    def _check_shares(self, config: DataConfig) -> None:
        if config.batch % self.size:
            raise ValueError(
                f"data.batch is {config.batch}; it must be a multiple of the "
                f"{self.size} processes"
            )
        long = config.batch // math.gcd(config.long_factor, config.batch)
        if config.long_share and long % self.size:
            raise ValueError(
                f"data.batch={config.batch} with data.long_factor="
                f"{config.long_factor} makes {long} long sequences; it must be a "
                f"multiple of the {self.size} processes (or data.long_share 0)"
            )

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


class _SharedSource:
    """A source whose fresh batches the processes make in turn, each for all.

    Parameters
    ----------
    source : Source
        The same in every process.
    config : DataConfig
    group : Group
    """

    def __init__(self, source: Source, config: DataConfig, group: Group) -> None:
        self._source, self._group = source, group
        self._shape = (2, config.batch, round(config.seconds * SAMPLE_RATE))

    def fresh(self, start: int, stride: int = 1) -> Generator[Batch, None, None]:
        """See `Source`; all processes have to ask at the same time."""
        group = self._group
        mine = self._source.fresh(start + group.rank * stride, group.size * stride)
        turn = 0
        while True:
            if turn == group.rank:
                batch = np.stack(next(mine)).astype(np.float32, copy=False)
            else:
                batch = np.empty(self._shape, np.float32)
            dist.broadcast(torch.from_numpy(batch), src=turn)
            yield batch[0], batch[1]
            turn = (turn + 1) % group.size

    def validation(self, snr: float) -> Batch:
        """See `Source`."""
        return self._source.validation(snr)
