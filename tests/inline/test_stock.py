# SPDX-License-Identifier: BSD-3-Clause
"""Networks of Lava's own Processes, beside Lava's own runtime."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import Dense
from lava.proc.io.source import RingBuffer
from lava.proc.lif.process import LIF
from lava.proc.monitor.process import Monitor
from lava.proc.sparse.process import DelaySparse, Sparse
from scipy.sparse import csr_matrix

from lava_sparse_rnn import inline

STEPS = 12


def weights(rng, density=0.6):
    return rng.integers(-60, 60, (6, 6)) * (rng.random((6, 6)) < density)


def connections(tag):
    """One of each stock connection."""
    rng = np.random.default_rng(3)
    pattern = csr_matrix(weights(rng))
    delays = pattern.copy()
    delays.data[:] = rng.integers(0, 4, delays.nnz)
    options = {"num_message_bits": 8, "name": "link"}
    return {
        "Dense": Dense(weights=weights(rng), **options),
        "Sparse": Sparse(weights=pattern, **options),
        "DelaySparse": DelaySparse(
            weights=pattern, delays=delays, max_delay=4, **options
        ),
    }


def watched(kind, tag, name):
    """The potentials of neurons behind a connection, in every step."""
    data = np.random.default_rng(1).integers(-9, 90, (6, STEPS))
    source, link = RingBuffer(data=data), connections(tag)[kind]
    lif = LIF(shape=(6,), du=300, dv=200, vth=90)
    source.s_out.connect(link.s_in)
    link.a_out.connect(lif.a_in)
    monitor = Monitor()
    monitor.probe(lif.v, STEPS)
    with inline.runtime(name):
        cfg = Loihi2SimCfg(select_tag=tag)
        lif.run(RunSteps(STEPS // 2), cfg)
        matrix = link.weights.get()
        if tag == "floating_pt" or kind == "Dense":
            link.weights.set(matrix * 2)
        elif name == "inline":  # Lava makes floats of them, and its model fails
            link.weights.set(matrix)
        lif.run(RunSteps(STEPS - STEPS // 2))
        ((found,),) = (d.values() for d in monitor.get_data().values())
        lif.stop()
    return found


@pytest.mark.parametrize("tag", ["fixed_pt", "floating_pt"])
@pytest.mark.parametrize("kind", ["Dense", "Sparse", "DelaySparse"])
def test_the_same_in_every_step_also_after_weights_were_set(kind, tag):
    ours, theirs = (watched(kind, tag, name) for name in inline.RUNTIMES)
    assert ours.any()
    assert (ours == theirs).all()


@pytest.mark.slow
def test_lavas_own_tests_of_its_runtime_pass():
    """A part of them, for `.ci/run`: lava_suite.py runs all."""
    command = [sys.executable, str(Path(__file__).with_name("lava_suite.py"))]
    command += ["--inline", "magma/runtime/test_get_set_var.py", "proc/lif"]
    command += ["magma/runtime/test_ref_var_ports.py", "proc/sparse", "proc/monitor"]
    command += ["magma/runtime/test_loihi_protocol.py", "proc/dense"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
