# SPDX-License-Identifier: BSD-3-Clause
"""Pruning while training: schedule, distribution, score, pattern, masks.

A **schedule** says which fraction is pruned at a step, a **distribution** how that
fraction is spread over the matrices, a **score** which connections matter, a
**pattern** which of them a mask may keep, and **masks** applies all to a model.
**correction** prunes a trained model at once and sets anew what stays.
**activity** is the other sparsity: a penalty on messages that are not zero.
"""

from lava_sparse_rnn.nn.sparsify.activity import PENALTIES, ActivityPenalty
from lava_sparse_rnn.nn.sparsify.correction import prune_corrected
from lava_sparse_rnn.nn.sparsify.distributions import (
    DISTRIBUTIONS,
    erdos_renyi,
    global_,
    uniform,
)
from lava_sparse_rnn.nn.sparsify.masks import Pruner, prune, sparsity
from lava_sparse_rnn.nn.sparsify.patterns import PATTERNS
from lava_sparse_rnn.nn.sparsify.schedules import SCHEDULES, Constant, Cubic, OneShot
from lava_sparse_rnn.nn.sparsify.scores import SCORES

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
    "prune_corrected",
    "sparsity",
    "uniform",
]
