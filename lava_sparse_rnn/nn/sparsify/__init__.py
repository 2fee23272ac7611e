# SPDX-License-Identifier: BSD-3-Clause
"""Pruning while training: schedule, distribution, score, pattern, masks.

A **schedule** says which fraction is pruned at a step, a **distribution** how that
fraction is spread over the matrices, a **score** which connections matter, a
**pattern** which of them a mask may keep, and **masks** applies all to a model.
**activity** is the other sparsity: a penalty on messages that are not zero.
"""

from .activity import PENALTIES, ActivityPenalty
from .distributions import DISTRIBUTIONS, erdos_renyi, global_, uniform
from .masks import Pruner, prune, sparsity
from .patterns import PATTERNS
from .schedules import SCHEDULES, Constant, Cubic, OneShot
from .scores import SCORES

__all__ = [
    "DISTRIBUTIONS",
    "PATTERNS",
    "PENALTIES",
    "SCHEDULES",
    "SCORES",
    "ActivityPenalty",
    "Constant",
    "Cubic",
    "OneShot",
    "Pruner",
    "erdos_renyi",
    "global_",
    "prune",
    "sparsity",
    "uniform",
]
