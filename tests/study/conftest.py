# SPDX-License-Identifier: BSD-3-Clause
"""Trainings in the process of the tests, and arrays to train on."""

import numpy as np
import pytest

from lava_sparse_rnn.train import pipeline

SMALL = {"d_model": 8, "d_state": 8, "n_layers": 1, "hippo_blocks": 2}


@pytest.fixture(autouse=True)
def _leave_the_process_alone(monkeypatch):
    """Denormals and memory of the test process stay as they are."""
    monkeypatch.setattr(pipeline, "prepare_process", lambda threads: None)


@pytest.fixture(scope="session")
def ramps(tmp_path_factory):
    """Noisy ramps of unequal lengths: label 0 falls, 1 rises."""
    rng = np.random.default_rng(0)
    n, steps = 60, 12
    y = rng.integers(0, 2, n)
    t = np.arange(steps)
    x = np.where(y, 1, -1)[:, None] * t + rng.standard_normal((n, steps))
    path = tmp_path_factory.mktemp("ramps") / "ramps.npz"
    lengths = rng.integers(5, steps + 1, n)
    np.savez(path, x=x[..., None], y=y, lengths=lengths)
    return path


@pytest.fixture
def values(ramps, tmp_path):
    """A study of the smallest networks, as a YAML file would have it."""
    return {
        "name": "tiny",
        "runs": str(tmp_path),
        "task": "arrays",
        "steps": 12,
        "base": {
            "precision": "float32",
            "validate_every": 12,
            "log_every": 4,
            "model": dict(SMALL),
            "data": {"path": str(ramps), "head": "mean", "batch": 8},
            "pruning": {"every": 2},
            "quantize": {"steps": 4, "calibration_batches": 1},
        },
        "families": {
            "dense": {"widths": [0.5, 1]},
            "sparse": {"widths": 2, "sparsity": 0.8},
        },
    }
