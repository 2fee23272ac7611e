# SPDX-License-Identifier: BSD-3-Clause
"""A training so small that it runs in seconds."""

import pytest

from lava_sparse_rnn.train import TrainConfig, stages


@pytest.fixture(autouse=True)
def _leave_the_process_alone(monkeypatch):
    """Denormals and memory of the test process stay as they are."""
    monkeypatch.setattr(stages, "prepare_process", lambda threads: None)


@pytest.fixture
def tiny(tmp_path):
    """A function: configuration of a tiny run, with changes to its sections."""

    def make(**changes):
        values = {
            "name": "tiny",
            "runs": tmp_path,
            "steps": 12,
            "log_every": 4,
            "validate_every": 8,
            "model": {"d_model": 8, "d_state": 8, "n_layers": 1, "hippo_blocks": 2},
            "pruning": {"sparsity": 0.5, "every": 2, "end": 0.7},
            "quantize": {"steps": 4, "calibration_batches": 2},
            "data": {
                "source": "synthetic",
                "batch": 4,
                "seconds": 0.2,
                "pool": 3,
                "validation_mixes": 2,
                "validation_seconds": 0.2,
            },
        }
        for key, value in changes.items():
            if isinstance(value, dict):
                values[key] = {**values.get(key, {}), **value}
            else:
                values[key] = value
        return TrainConfig.model_validate(values)

    return make
