# SPDX-License-Identifier: BSD-3-Clause
"""Several threads: each its own network, or one for all."""

import os
import threading

import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps

from lava_sparse_rnn import inline, proc
from lava_sparse_rnn.inline.registers import LOCK
from lava_sparse_rnn.spec import reference

either_runtime = pytest.mark.usefixtures("either")
SMALL = {"d_in": 3, "d_model": 6, "d_state": 5, "d_out": 2, "n_blocks": 1}


@pytest.fixture(params=["inline", pytest.param("processes", marks=pytest.mark.slow)])
def either(request, monkeypatch):
    """Each runtime in turn, in whatever thread: `inline.runtime` is for one."""
    chosen = inline.chosen
    monkeypatch.setattr(
        inline, "chosen", lambda cfg, _=None: chosen(cfg, request.param)
    )
    return request.param


@pytest.fixture
def small(network):
    return network(**SMALL)


@pytest.fixture
def x(small, random_tokens):
    return random_tokens(small, 12)


def connected(small, x):
    net, source = proc.SparseRNN(small), proc.Source(data=x)
    sink = proc.Sink(shape=(2,), num_steps=len(x), skip=net.latency)
    source.s_out.connect(net.inp)
    net.out.connect(sink.a_in)
    return net, source, sink


@either_runtime
def test_runs_in_several_threads_end_with_their_answers(
    small, x, at_once, leaves_nothing
):
    expected = reference.run(small, x)

    def work(i):
        return [(proc.run(small, x) == expected).all() for _ in range(3)]

    assert at_once(work) == [[True] * 3] * 4


@either_runtime
def test_processes_made_and_run_in_several_threads(small, x, at_once, leaves_nothing):
    expected = reference.run(small, x)

    def work(i):
        net, source, sink = connected(small, x)
        net.run(RunSteps(len(x) + net.latency), proc.RunCfg())
        y, ids = sink.data, {p.id for p in (net, source, sink)}
        net.stop()
        return (y == expected).all(), ids

    right, ids = zip(*at_once(work), strict=True)
    assert all(right)
    assert len(set.union(*ids)) == 12


@either_runtime
def test_one_network_that_several_threads_run(small, x, leaves_nothing, at_once):
    net, _, sink = connected(small, x)
    n_steps = -(-(len(x) + net.latency) // 4)
    try:
        assert (
            at_once(lambda i: net.run(RunSteps(n_steps), proc.RunCfg())) == [None] * 4
        )
        np.testing.assert_array_equal(sink.data, reference.run(small, x))
    finally:
        net.stop()


def assert_that_a_stop_ends_its_runs(net):
    """Stop a network that another thread runs for ever."""
    outcome = []

    def work():
        try:
            while True:
                net.run(RunSteps(3))
        except RuntimeError as error:
            outcome.append(str(error))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    net.stop()
    thread.join(30)
    assert not thread.is_alive()
    assert "was stopped" in outcome[0]


@either_runtime
def test_a_network_ends_while_another_thread_runs_it(small, x, leaves_nothing):
    net, _, _ = connected(small, x)
    net.run(RunSteps(1), proc.RunCfg())
    assert_that_a_stop_ends_its_runs(net)


def test_a_run_that_is_past_its_last_look_at_commands_is_the_last(small, x):
    net, _, _ = connected(small, x)
    net.run(RunSteps(1), proc.RunCfg())
    net.runtime._command = lambda command: None
    assert_that_a_stop_ends_its_runs(net)


@pytest.mark.slow
def test_a_stop_waits_for_a_message_that_is_being_sent(small, x, leaves_nothing):
    """Else it takes the memory from under it, and the interpreter may crash."""
    net, _, _ = connected(small, x)
    with inline.runtime("processes"):
        net.run(RunSteps(1), proc.RunCfg())
        start, stopper = net.runtime.start, threading.Thread(target=net.stop)

        def slow(condition):
            stopper.start()
            stopper.join(0.5)
            assert stopper.is_alive()
            start(condition)

        net.runtime.start = slow
        with pytest.raises(RuntimeError, match="the network was stopped"):
            net.run(RunSteps(3))
        stopper.join(30)
        assert not stopper.is_alive()


@either_runtime
def test_a_session_answers_one_thread_after_another(small, x, at_once, leaves_nothing):
    executor = reference.Reference(small)
    valid = [executor.run(x) for _ in range(4)]
    with proc.Session(small) as session:
        for _ in range(5):
            session.reset()
            got = at_once(lambda i: session.run(x))
            order = [[(y == v).all() for v in valid].index(True) for y in got]
            assert sorted(order) == [0, 1, 2, 3]


@either_runtime
def test_sessions_begin_and_end_while_others_run(small, x, at_once, leaves_nothing):
    expected = reference.run(small, x)

    def work(i):
        for _ in range(3):
            with proc.Session(small) as session:
                for _ in range(2 * i):
                    session.reset()
                    np.testing.assert_array_equal(session.run(x), expected)
        return True

    assert at_once(work) == [True] * 4


@either_runtime
def test_a_session_is_closed_while_others_use_it(small, x, at_once, leaves_nothing):
    session = proc.Session(small)

    def work(i):
        if i == 0:
            return session.close()
        return len(session.run(x))

    first, *others = at_once(work)
    assert first is None
    for outcome in others:  # before the end, or after it
        assert outcome == len(x) or "closed" in str(outcome)


def test_a_child_of_another_thread_can_start_networks():
    held, done = threading.Event(), threading.Event()

    def hold():
        with LOCK:
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    pid = os.fork()
    if pid == 0:
        os._exit(0 if LOCK.acquire(timeout=5) else 1)
    done.set()
    thread.join()
    assert os.waitpid(pid, 0)[1] == 0
