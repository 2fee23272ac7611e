# SPDX-License-Identifier: BSD-3-Clause
"""Starting Lava beside whatever else uses multiprocessing, and starts that fail."""

import errno
import os
import sys
import textwrap
from multiprocessing.popen_fork import Popen

import numpy as np
import pytest

from lava_sparse_rnn import proc

pytestmark = pytest.mark.usefixtures("processes")

# Each ends with the answer of `run` in its own process or in a child.
PROGRAM = """
import multiprocessing as mp
from concurrent.futures import ProcessPoolExecutor

def run(_=None):
    import numpy as np
    from lava_sparse_rnn import proc, spec
    network = spec.random_network(np.random.default_rng(0), 3, 6, 5, 2, 1, 0.6)
    x = np.full((5, 3), 900)
    y = proc.run(network, x, runtime="processes")
    assert (y == spec.reference.run(network, x)).all()
    return mp.get_start_method(allow_none=True)

def in_executor(method):
    with ProcessPoolExecutor(1, mp_context=mp.get_context(method)) as pool:
        return pool.submit(run).result(timeout=60)

if __name__ == "__main__":
"""
SITUATIONS = {
    "alone": "print(run())",
    "after a queue": "mp.Queue(); print(run())",
    "after spawn": "mp.set_start_method('spawn'); print(run())",
    "before spawn": "run(); mp.set_start_method('spawn'); print(run())",
    "in a spawned child": "print(in_executor('spawn'))",
    "in a child of the fork server": "print(in_executor('forkserver'))",
    "in a forked child": "print(in_executor('fork'))",
}
METHODS = {
    "alone": "None",
    "after spawn": "spawn",
    "before spawn": "spawn",
    "in a spawned child": "spawn",
    "in a child of the fork server": "forkserver",
}
# Imported first of all, and without any run.
MODULES = ("proc", "netx.hdf5", "netx._layer", "proc.io", "loihi2.nc", "lava_patches")


@pytest.fixture
def program(script, tmp_path):
    """A function: what a program prints."""

    def run(text):
        path = tmp_path / "program.py"
        path.write_text(text)
        process, output = script(["timeout", "90", sys.executable, str(path)])
        assert process.wait() == 0, output.read_text()
        return output.read_text().strip()

    return run


@pytest.mark.slow
@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_run_whoever_used_multiprocessing_before(situation, program):
    method = program(PROGRAM + textwrap.indent(SITUATIONS[situation], "    "))
    assert method == METHODS.get(situation, "fork")  # the program's own stays


@pytest.mark.slow
@pytest.mark.parametrize("module", MODULES)
def test_each_room_can_be_the_first_that_imports_lava(module, program):
    text = f"""
        import multiprocessing as mp
        mp.set_start_method("spawn")
        import lava_sparse_rnn.{module}
        print(mp.get_start_method())
    """
    assert program(textwrap.dedent(text)) == "spawn"


@pytest.mark.slow
def test_a_daemon_may_have_no_children_and_says_so(program):
    text = "    with mp.Pool(1) as pool:\n        pool.map(run, [0])\n"
    guarded = textwrap.indent(
        "try:\n" + text + "except Exception as error:\n    print(error)", "    "
    )
    expected = "daemonic processes are not allowed to have children"
    assert program(PROGRAM + guarded) == expected


FORKS = [0, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2, 3))]


@pytest.mark.parametrize("n_forks", FORKS)
def test_a_start_that_fails_says_why_and_leaves_nothing(
    n_forks, network, monkeypatch, leaves_nothing
):
    launch, forked = Popen._launch, []

    def failing(self, process):  # before it makes the pipes that it would leave
        if len(forked) == n_forks:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        forked.append(True)
        return launch(self, process)

    net = network()
    x = np.zeros((2, net.d_in), int)
    monkeypatch.setattr(Popen, "_launch", failing)
    with pytest.raises(BlockingIOError, match="temporarily unavailable"):
        proc.run(net, x)
    monkeypatch.setattr(Popen, "_launch", launch)
    assert proc.run(net, x).shape == (2, net.d_out)


def test_a_session_whose_start_fails_leaves_its_process_as_it_was(network, monkeypatch):
    net = proc.SparseRNN(network())
    x = np.zeros((2, net.network.d_in), int)

    def failing(self, process):
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    with monkeypatch.context() as patch:
        patch.setattr(Popen, "_launch", failing)
        with pytest.raises(OSError, match="Cannot allocate memory"):
            proc.Session(net)
    assert proc.run(net, x).shape == (2, net.network.d_out)
