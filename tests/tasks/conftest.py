# SPDX-License-Identifier: BSD-3-Clause
"""Trainings in the process of the tests."""

import pytest

from lava_sparse_rnn.train import pipeline


@pytest.fixture(autouse=True)
def _leave_the_process_alone(monkeypatch):
    """Denormals and memory of the test process stay as they are."""
    monkeypatch.setattr(pipeline, "prepare_process", lambda threads: None)
