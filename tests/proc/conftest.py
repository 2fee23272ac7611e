# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures of the tests that run Lava."""

import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest
from lava.magma.runtime.message_infrastructure.shared_memory_manager import (
    SharedMemoryManager,
)

from lava_sparse_rnn import proc, spec


def children():
    """Process ids of this process's children, without Python's resource tracker."""
    pids = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return {p for p in pids if b"resource_tracker" not in _command(p)}


def _command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b"resource_tracker"  # gone meanwhile


@pytest.fixture
def leaves_nothing(monkeypatch):
    """Fail where a run leaves a process, shared memory or a file descriptor."""
    names = []
    create = SharedMemoryManager.create_shared_memory

    def recorded(self, size):
        memory = create(self, size)
        names.append(memory.name.lstrip("/"))
        return memory

    monkeypatch.setattr(SharedMemoryManager, "create_shared_memory", recorded)
    before = children()
    yield
    assert names, "the test was meant to run Lava"
    assert [n for n in names if Path("/dev/shm", n).exists()] == []
    assert multiprocessing.active_children() == []
    assert children() <= before


@pytest.fixture
def network():
    """A function: a random network; sizes as in `spec.random_network`."""

    def make(seed=0, recipe=None, **sizes):
        rng = np.random.default_rng(seed)
        return spec.random_network(rng, recipe=recipe, **sizes)

    return make


@pytest.fixture
def ports():
    """A function: what leaves a process in each time step, from the first one on."""

    def run(process, x, n_steps, **kwargs):
        rest = np.zeros((n_steps - len(x), x.shape[1]), x.dtype)
        return proc.run(process, np.concatenate([x, rest]), latency=0, **kwargs)

    return run
