# SPDX-License-Identifier: BSD-3-Clause
"""A network in this process and in Lava's own runtime: the same in every step."""

import threading

import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.source import RingBuffer
from lava.proc.sparse.models import PySparseModelBitAcc, PySparseModelFloat
from lava.proc.sparse.process import Sparse
from scipy.sparse import csr_matrix

from lava_sparse_rnn import inline, proc
from lava_sparse_rnn.fixed_point import OverflowCounters
from lava_sparse_rnn.inline.stock import QuickSparse
from lava_sparse_rnn.spec import reference

SMALL = {"d_in": 3, "d_model": 6, "d_state": 5, "d_out": 2, "n_blocks": 1}
WAYS = {"fused": {}}
SLOW = {
    "layered": {"layered": True},
    "microcode": {"tag": "microcode"},
    "fall_through": {"mode": "fall_through"},
    "floating": {"tag": "floating_pt"},
    "microcode, layered": {"tag": "microcode", "layered": True},
    "fall_through, layered": {"mode": "fall_through", "layered": True},
    "floating, layered": {"tag": "floating_pt", "layered": True},
}


@pytest.fixture
def small(network):
    return network(3, **SMALL)


def both(run):
    """What a function gives under each runtime."""
    results = []
    for name in inline.RUNTIMES:
        with inline.runtime(name):
            results.append(run())
    return results


CASES = [pytest.param(way, id=name) for name, way in WAYS.items()]
CASES += [
    pytest.param(way, id=name, marks=pytest.mark.slow) for name, way in SLOW.items()
]


@pytest.mark.slow
@pytest.mark.parametrize("way", CASES)
def test_answers_and_overflows(small, random_tokens, way):
    x = random_tokens(small, 12)

    def run():
        counters = OverflowCounters()
        return proc.run(small, x, counters=counters, **way), counters

    (ours, counted), (theirs, expected) = both(run)
    assert ours.dtype == theirs.dtype
    assert (ours == theirs).all()
    assert counted == expected


@pytest.mark.parametrize("layered", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_sessions_with_resets_and_states(small, random_tokens, layered):
    x = random_tokens(small, 10)

    def run():
        found = []
        with proc.Session(small, layered=layered) as session:
            found.append(session.run(x[:4]))
            state = session.state
            found.append(session.run(x[4:]))
            session.reset()
            found.append(session.run(x))
            session.state = state
            found.append(session.run(x[4:]))
        return np.concatenate(found)

    ours, theirs = both(run)
    assert (ours == theirs).all()
    assert (ours[:10] == reference.run(small, x)).all()


@pytest.mark.parametrize("layered", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_resets_by_the_clock(small, random_tokens, ports, layered):
    x = random_tokens(small, 12)

    def run():
        net = proc.SparseRNN(small, reset_interval=3)
        return ports(net, x, 24, layered=layered)

    ours, theirs = both(run)
    assert (ours == theirs).all()


def test_s4d(ports):
    rng = np.random.default_rng(2)
    x = rng.integers(-50, 50, (8, 3))
    parts = {"a_real": -0.1 - rng.random((3, 2)), "a_imag": rng.random((3, 2))}

    def run():
        s4d = proc.S4D.from_float(
            a=np.exp(parts["a_real"] + 1j * parts["a_imag"]),
            b=np.ones((3, 2)),
            c=np.ones((3, 2)) + 0.5j,
            calibration=np.linspace(-1, 1, 24).reshape(8, 3),
        )
        return ports(s4d, x, 12)

    ours, theirs = both(run)
    assert (ours == theirs).all()


@pytest.mark.slow
def test_which_runtime_a_network_has(small):
    def kind(process, cfg):
        process.run(RunSteps(1), cfg)
        made = type(process.runtime)
        process.stop()
        return made is inline.Runtime

    assert kind(proc.SparseRNN(small), proc.RunCfg())
    assert kind(proc.SparseRNN(small), Loihi2SimCfg(select_tag="fixed_pt"))
    assert not kind(proc.SparseRNN(small), proc.RunCfg(runtime="processes"))
    with inline.runtime("processes"):
        assert not kind(proc.SparseRNN(small), proc.RunCfg())
        assert kind(proc.SparseRNN(small), proc.RunCfg(runtime="inline"))
    stock = Loihi2SimCfg(select_tag="fixed_pt")
    assert not kind(RingBuffer(data=np.ones((2, 3))), stock)
    assert kind(RingBuffer(data=np.ones((2, 3))), proc.RunCfg(runtime="inline"))
    with pytest.raises(ValueError, match="runtime"):
        proc.RunCfg(runtime="threads")


def test_an_exception_of_a_model_is_itself(small, monkeypatch, capfd, random_tokens):
    def failing(self, *args):
        raise LookupError("made to fail")

    from lava_sparse_rnn.proc.recurrence.models import PyRecurrenceModelFixed

    monkeypatch.setattr(PyRecurrenceModelFixed, "step", failing)
    with pytest.raises(LookupError, match="made to fail") as caught:
        proc.run(small, random_tokens(small, 4), layered=True)
    (note,) = caught.value.__notes__
    assert "(Recurrence), model PyRecurrenceModelFixed, time step 1" in note
    assert capfd.readouterr().err == ""


def test_a_run_in_a_thread_and_progress(small, random_tokens):
    x, seen = random_tokens(small, 300), []
    answers = []

    def work():
        answers.append(proc.run(small, x, progress=lambda n, _: seen.append(n)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert (answers[0] == reference.run(small, x)).all()
    assert seen[-1] == 300
    assert sorted(seen) == seen


@pytest.mark.parametrize("cfg", [proc.RunCfg(layered=True), proc.MicrocodeSimCfg()])
def test_stock_connections_have_models_without_bookkeeping(cfg):
    """Also under Lava's own runtime; other configurations leave Lava its models."""
    process = Sparse(weights=csr_matrix(np.eye(2)))
    stock = [PySparseModelFloat, PySparseModelBitAcc]
    assert cfg.select(process, stock) is QuickSparse
    lava = Loihi2SimCfg(select_tag="fixed_pt")
    assert lava.select(process, stock) is PySparseModelBitAcc
