# SPDX-License-Identifier: BSD-3-Clause
"""Magnitude pruning while training: schedule, distribution, masks.

A **schedule** says which fraction is pruned at a step, a **distribution** how that
fraction is spread over the matrices, and **masks** applies both to a model.
"""

from .distributions import DISTRIBUTIONS, erdos_renyi, uniform
from .masks import Pruner, sparsity
from .schedules import SCHEDULES, Constant, Cubic

__all__ = [
    "DISTRIBUTIONS",
    "SCHEDULES",
    "Constant",
    "Cubic",
    "Pruner",
    "erdos_renyi",
    "sparsity",
    "uniform",
]
