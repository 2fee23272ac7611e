# SPDX-License-Identifier: BSD-3-Clause
"""Batches depend on seed and step only, and are mixed as configured."""

import itertools

import numpy as np
import pytest

from lava_sparse_rnn.train.config import DataConfig
from lava_sparse_rnn.train.data import (
    SOURCES,
    _active_power,
    training_batches,
)


def config(**changes):
    values = {"source": "synthetic", "batch": 4, "seconds": 0.3, "pool": 3}
    return DataConfig(**{**values, "fresh_every": 2, "long_share": 0.3, **changes})


def take(cfg, start, count, seed=5):
    source = SOURCES[cfg.source](cfg, seed)
    batches = training_batches(source, cfg, seed, start)
    return list(itertools.islice(batches, count))


@pytest.mark.parametrize("start", [1, 5, 6, 9])
def test_a_restart_sees_what_the_first_run_saw(start):
    whole = take(config(), 0, 12)
    rest = take(config(), start, 12 - start)
    for a, b in zip(whole[start:], rest, strict=True):
        assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_seeds_differ():
    a, b = take(config(), 0, 1, seed=1), take(config(), 0, 1, seed=2)
    assert not np.array_equal(a[0][0], b[0][0])


def test_ratio_and_level_are_those_of_the_configuration():
    cfg = config(snr_min=7, snr_max=7, level_min=-30, level_max=-30, long_share=0)
    for noisy, clean in take(cfg, 0, 4):
        assert noisy.shape == clean.shape == (4, 4800)
        assert noisy.dtype == np.float32
        noise = noisy - clean
        ratio = _active_power(clean)[:, 0] / (noise**2).mean(1)
        assert np.allclose(10 * np.log10(ratio), 7, atol=0.1)
        assert np.allclose(10 * np.log10((noisy**2).mean(1)), -30, atol=0.01)


def test_long_sequences_keep_the_number_of_samples():
    (noisy, clean), *_ = take(config(long_share=1.0), 0, 1)
    assert noisy.shape == clean.shape == (1, 4 * 4800)


def test_loud_mixtures_do_not_clip():
    cfg = config(level_min=0, level_max=0)
    for noisy, _ in take(cfg, 0, 3):
        assert np.abs(noisy).max() <= 0.99 + 1e-6


def test_validation_does_not_depend_on_the_seed():
    cfg = config(validation_mixes=2, validation_seconds=0.2)
    a, b = (SOURCES["synthetic"](cfg, seed).validation(0.0) for seed in (1, 2))
    assert np.array_equal(a[0], b[0])
