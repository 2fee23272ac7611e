# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures of the tests that run Lava."""

import contextlib
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from multiprocessing import resource_tracker
from pathlib import Path

import numpy as np
import pytest
from lava.magma.runtime.message_infrastructure.shared_memory_manager import (
    SharedMemoryManager,
)

from lava_sparse_rnn import inline, proc, spec


def children():
    """Process ids of this process's children, without Python's resource tracker."""
    pids = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return {p for p in pids if b"resource_tracker" not in _command(p)}


def open_files():
    """File descriptors that this process has open, each with what it leads to."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # the one of this very list
            found.add((number, os.readlink(f"/proc/self/fd/{number}")))
    return found


def _command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b"resource_tracker"  # gone meanwhile


@pytest.fixture
def leaves_nothing(monkeypatch):
    """Fail where a run leaves a process, shared memory or a file descriptor."""
    names, inside = [], []
    initialize = inline.Runtime.initialize

    def initialized(self, *args):
        inside.append(self)
        initialize(self, *args)

    monkeypatch.setattr(inline.Runtime, "initialize", initialized)
    create = SharedMemoryManager.create_shared_memory

    def recorded(self, size):
        memory = create(self, size)
        names.append(memory.name.lstrip("/"))
        return memory

    monkeypatch.setattr(SharedMemoryManager, "create_shared_memory", recorded)
    resource_tracker.ensure_running()  # its pipe stays open
    gc.collect()
    # What is alive now is not looked through again: libraries are most of it.
    gc.freeze()
    before, files = children(), open_files()
    alive = set(multiprocessing.active_children())  # of a test without this fixture
    yield
    gc.collect()
    # Those of other tests may go meanwhile, which makes room for none of this one.
    assert open_files() - files == set()
    assert names or inside, "the test was meant to run Lava"
    assert all(runtime.has_ended for runtime in inside if runtime._is_initialized)
    assert [n for n in names if Path("/dev/shm", n).exists()] == []
    assert set(multiprocessing.active_children()) - alive == set()
    assert children() <= before


@pytest.fixture
def processes():
    """Networks that the test runs have Lava's own runtime."""
    with inline.runtime("processes"):
        yield


@pytest.fixture
def script(tmp_path):
    """A function: start a script in a process group of its own; it never stays.

    Its arguments are those of `subprocess.Popen`: a text is a Python program.
    """
    started = []

    def start(command):
        output = tmp_path / f"output{len(started)}"
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
        if isinstance(command, str):
            command = [sys.executable, "-c", command]
        with output.open("w") as stream:
            process = subprocess.Popen(
                command,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=environment,
                # What runs the tests in the background may have ignored Ctrl-C.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        started.append(process)
        return process, output

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def group_is_empty():
    """A function: whether no process is left in a group, soon."""

    def look(pgid):
        for _ in range(100):  # the tracker of shared memory ends last
            try:
                os.killpg(pgid, 0)
            except ProcessLookupError:
                return True
            time.sleep(0.1)
        return False

    return look


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
