# SPDX-License-Identifier: BSD-3-Clause
"""A fine-tune on integers is not worse than quantisation after the training."""

import copy

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from lava_sparse_rnn.nn import SparseRNN, quantize
from lava_sparse_rnn.nn.sparsify import prune

CLASSES, SIZE = 6, 8
WORSE = 0.02  # of the answers, by chance


def glyphs(n, seed):
    """Pictures of few kinds, row after row: blurred, shifted, noisy."""
    kinds = np.random.default_rng(0).random((CLASSES, SIZE, SIZE)) < 0.4
    rng = np.random.default_rng(seed)
    labels = rng.integers(CLASSES, size=n)
    moved = [np.roll(kinds[k], rng.integers(-1, 2), axis=1) for k in labels]
    x = np.stack(moved) + rng.normal(0, 0.3, (n, SIZE, SIZE))
    return torch.from_numpy(x).float(), torch.from_numpy(labels)


TRAINING, VALIDATION = glyphs(512, 1), glyphs(1024, 2)


def learn(answer, parameters, steps, lr):
    rng = np.random.default_rng(3)
    optimizer = torch.optim.AdamW(parameters, lr=lr)
    x, y = TRAINING
    for _ in range(steps):
        batch = rng.choice(len(x), 32)
        optimizer.zero_grad()
        cross_entropy(answer(x[batch]), y[batch]).backward()
        optimizer.step()


@torch.no_grad()
def accuracy(answer):
    x, y = VALIDATION
    return float((answer(x).argmax(1) == y).double().mean())


@pytest.fixture(scope="module")
def trained():
    """A pruned classifier, folded, with its ranges."""
    torch.manual_seed(0)
    model = SparseRNN(SIZE, 24, 16, 1, CLASSES, head="mean", hippo_blocks=2)
    for part in (0.0, 0.7):
        prune(model, part)
        learn(model, model.parameters(), 60, 8e-3)
    folded = model.eval().fold()
    assert accuracy(model) > 0.5  # has learnt something, and can learn more
    return folded, quantize.calibrate(folded, TRAINING[0][:64])


@pytest.mark.slow
@pytest.mark.parametrize("name", quantize.RECIPES)
def test_a_fine_tune_is_not_worse(trained, name):
    folded, ranges = copy.deepcopy(trained)
    network = quantize.quantize(folded, ranges, name, {"head": "mean"})
    tuned = quantize.QuantizedRNN(folded, network)
    before = accuracy(tuned.answer)
    learn(tuned.answer, tuned.parameters(), 25, 4e-4)
    assert accuracy(tuned.answer) >= before - WORSE
