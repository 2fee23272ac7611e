# SPDX-License-Identifier: BSD-3-Clause
"""Optimiser, its parameter groups, and the learning-rate schedule."""

from __future__ import annotations

import math

import torch
from torch import nn

from .config import OptimConfig

# Parameters that shape the dynamics: a smaller rate and no decay, as in S5. The last
# two are those of the quantised model.
_DYNAMICS = (
    "lambda_re",
    "lambda_im",
    "log_step",
    "norm.weight",
    "norm.bias",
    "rate",
    "angle",
)


def build_optimizer(model: nn.Module, config: OptimConfig) -> torch.optim.AdamW:
    """AdamW over three groups: dynamics, vectors (no decay), matrices.

    Each group remembers its peak rate as ``group['peak']``.

    Parameters
    ----------
    model : nn.Module
    config : OptimConfig

    Returns
    -------
    torch.optim.AdamW
    """
    dynamics, vectors, matrices = [], [], []
    for name, parameter in model.named_parameters():
        if name.endswith(_DYNAMICS):
            dynamics.append(parameter)
        elif parameter.dim() < 2:
            vectors.append(parameter)
        else:
            matrices.append(parameter)
    groups = [
        {"params": dynamics, "lr": config.ssm_lr, "weight_decay": 0.0},
        {"params": vectors, "lr": config.lr, "weight_decay": 0.0},
        {"params": matrices, "lr": config.lr, "weight_decay": config.weight_decay},
    ]
    for group in groups:
        group["peak"] = group["lr"]
    return torch.optim.AdamW(groups, betas=(config.beta1, config.beta2), foreach=True)


def rate_factor(step: int, steps: int, config: OptimConfig) -> float:
    """Factor on the peak rate at `step`: linear warm-up, then half a cosine."""
    warmup = max(round(config.warmup * steps), 1)
    if step < warmup:
        return (step + 1) / warmup
    progress = min((step - warmup) / max(steps - warmup, 1), 1.0)
    cosine = 0.5 * (1 + math.cos(math.pi * progress))
    return config.final_lr + (1 - config.final_lr) * cosine


def set_rate(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Set every group's rate to `factor` times its peak."""
    for group in optimizer.param_groups:
        group["lr"] = factor * group["peak"]
