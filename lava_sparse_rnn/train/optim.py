# SPDX-License-Identifier: BSD-3-Clause
"""Optimiser, its parameter groups, and the learning-rate schedule."""

from __future__ import annotations

import math

import torch
from torch import nn

from lava_sparse_rnn.nn import parameter_groups
from lava_sparse_rnn.train.muon import Muon
from lava_sparse_rnn.train.sections import OptimConfig


def build_optimizer(model: nn.Module, config: OptimConfig) -> torch.optim.AdamW:
    """AdamW over the groups of `nn.parameter_groups`, or Muon for their matrices.

    Each group remembers its peak rate as ``group['peak']``.

    Parameters
    ----------
    model : nn.Module
    config : OptimConfig

    Returns
    -------
    torch.optim.AdamW
    """
    rates = {
        "dynamics": (config.ssm_lr, 0.0),
        "vectors": (config.lr, 0.0),
        "matrices": (config.lr, config.weight_decay),
        "slow_matrices": (config.ssm_lr, config.weight_decay),
    }
    groups = []
    for name, parameters in parameter_groups(model, config.groups).items():
        lr, decay = rates[name]
        groups.append({"params": parameters, "lr": lr, "weight_decay": decay})
    for group in groups:
        group["peak"] = group["lr"]
    return _ALGORITHMS[config.algorithm](groups, (config.beta1, config.beta2))


def _adamw(groups: list[dict], betas: tuple[float, float]) -> torch.optim.AdamW:
    return torch.optim.AdamW(groups, betas=betas, foreach=True)


def _muon(groups: list[dict], betas: tuple[float, float]) -> torch.optim.AdamW:
    for group in groups:
        group["muon"] = all(p.dim() == 2 for p in group["params"])
    return Muon(groups, betas)


_ALGORITHMS = {"adamw": _adamw, "muon": _muon}


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
