# SPDX-License-Identifier: BSD-3-Clause
"""Batch norm over the batch of all processes, also on processors.

``torch.nn.SyncBatchNorm`` does the same, on GPUs only.
"""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor, nn


class _Normalise(torch.autograd.Function):
    """``weight * (x - mean) / sqrt(var + eps) + bias``, statistics of all processes.

    With gradients ``g`` of the processes' losses by their outputs, ``M`` rows in all
    and ``h = (x - mean) / sqrt(var + eps)``, the gradient by ``x`` is
    ``weight / sqrt(var + eps) * (g - sum(g) / M - h * sum(g h) / M)``, sums over all
    processes: of the sum of the losses, as every loss depends on every row. Those by
    `weight` and `bias` are this process' share.
    """

    @staticmethod
    def forward(ctx, x, weight, bias, eps):
        mean, var, rows = _statistics(x)
        rate = (var + eps).rsqrt().to(x.dtype)
        h = (x - mean.to(x.dtype)) * rate
        ctx.save_for_backward(h, weight, rate)
        ctx.rows = rows
        ctx.mark_non_differentiable(mean, var)
        return torch.addcmul(bias, h, weight), mean, var

    @staticmethod
    def backward(ctx, g, *_):
        h, weight, rate = ctx.saved_tensors
        sums = torch.stack([g.sum(0), (g * h).sum(0)])
        by_bias, by_weight = sums.clone()
        dist.all_reduce(sums)
        by_g, by_h = sums / ctx.rows
        return weight * rate * (g - by_g - h * by_h), by_weight, by_bias, None


def _statistics(x: Tensor) -> tuple[Tensor, Tensor, int]:
    """Mean and variance in float64 of the rows of all processes, and their number."""
    var, mean = torch.var_mean(x.double(), dim=0, correction=0)
    moments = torch.stack([mean, var + mean.square()])
    dist.all_reduce(moments)
    size = dist.get_world_size()
    mean, square = moments / size
    return mean, square - mean.square(), size * len(x)


class SharedBatchNorm(nn.BatchNorm1d):
    """`torch.nn.BatchNorm1d` whose batch is that of all processes together.

    Every process has to come here with as many rows.
    """

    def forward(self, input: Tensor) -> Tensor:
        """(rows, features) to the same."""
        if not self.training:
            return super().forward(input)
        y, mean, var = _Normalise.apply(input, self.weight, self.bias, self.eps)  # type: ignore[misc]
        rows = len(input) * dist.get_world_size()
        with torch.no_grad():
            unbiased = var * rows / (rows - 1)
            self.running_mean.lerp_(mean.float(), self.momentum)  # type: ignore
            self.running_var.lerp_(unbiased.float(), self.momentum)  # type: ignore
            self.num_batches_tracked.add_(1)  # type: ignore[union-attr]
        return y


def share_batch_norms(model: nn.Module) -> None:
    """Make every batch norm of a model one over all processes, in place.

    Parameters, statistics and their names in checkpoints stay.
    """
    for module in model.modules():
        if type(module) is nn.BatchNorm1d:
            # The class holds nothing of its own: only `forward` changes.
            module.__class__ = SharedBatchNorm
