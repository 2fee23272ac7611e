# SPDX-License-Identifier: BSD-3-Clause
"""Running networks: what goes in and out, and how every run ends."""

import logging
import os
import signal
import time

import numpy as np
import pytest
from lava.magma.core.process.process import ProcessServer
from lava.magma.core.process.variable import VarServer
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.monitor.process import Monitor

from lava_sparse_rnn import inline, proc
from lava_sparse_rnn.fixed_point import SpecError
from lava_sparse_rnn.inline.stock import QuickSparse
from lava_sparse_rnn.proc._fused import model as fused_model
from lava_sparse_rnn.spec import reference

pytestmark = pytest.mark.slow


class OddError(Exception):
    """An exception of the test's own; it takes two arguments, so pickle cannot."""

    def __init__(self, what, where):
        super().__init__(f"{what} at {where}")


def fail_at(monkeypatch, token, error):
    """Let the fused models raise ``error()`` at a token (models are forked)."""
    compute, answers = fused_model.FusedModel.compute, []

    def failing(self, step):
        answer = compute(self, step)
        answers.extend([answer] * answer.is_token)
        if len(answers) > token:
            error()
        return answer

    monkeypatch.setattr(fused_model.FusedModel, "compute", failing)


def value_error():
    raise ValueError("made to fail")


def odd_error():
    raise OddError("odd", 3)


@pytest.mark.usefixtures("leaves_nothing")
class TestEveryRunEnds:
    def test_and_reports_progress(self, network, random_tokens):
        net, seen = network(), []
        x = random_tokens(net, 200)
        proc.run(net, x, progress=lambda done, total: seen.append((done, total)))
        assert seen == sorted(seen)
        assert seen[-1] == (200, 200)

    def test_and_lava_keeps_nothing_of_it(self, network, random_tokens):
        net = network()
        before = ProcessServer().num_processes, VarServer().num_vars
        handlers = list(logging.root.handlers)
        proc.run(net, random_tokens(net, 3), layered=True)
        assert (ProcessServer().num_processes, VarServer().num_vars) == before
        assert logging.root.handlers == handlers

    def test_with_no_tokens(self, network):
        assert proc.run(network(), np.zeros((0, 5), int)).shape == (0, 4)

    def test_and_a_process_can_run_again(self, network, random_tokens):
        net = network(2)
        process, x = proc.SparseRNN(net), random_tokens(net, 8)
        runs = [proc.run(process, x, layered=v) for v in (False, True, False)]
        for y in runs:
            np.testing.assert_array_equal(y, reference.run(net, x))

    def test_with_the_exception_of_a_model_in_its_process(
        self, network, random_tokens, monkeypatch, capfd, processes
    ):
        fail_at(monkeypatch, 5, value_error)
        net = network()
        with pytest.raises(ValueError, match="made to fail") as caught:
            proc.run(net, random_tokens(net, 5000))
        cause = caught.value.__cause__
        assert isinstance(cause, proc.RemoteError)
        assert "(SparseRNN)" in str(cause)
        assert "in value_error" in str(cause)
        assert "made to fail" in capfd.readouterr().err

    def test_with_an_exception_that_cannot_travel(
        self, network, random_tokens, monkeypatch, processes
    ):
        fail_at(monkeypatch, 5, odd_error)
        net = network()
        with pytest.raises(RuntimeError, match="OddError: odd at 3"):
            proc.run(net, random_tokens(net, 50))

    def test_with_the_exception_of_a_stock_process(
        self, network, random_tokens, monkeypatch
    ):
        stock = QuickSparse.run_spk

        def run_spk(self):
            if self.time_step > 3:
                raise OverflowError("stock")
            stock(self)

        monkeypatch.setattr(QuickSparse, "run_spk", run_spk)
        net = network()
        for runtime in ("inline", "processes"):
            with pytest.raises(OverflowError, match="stock") as caught:
                proc.run(net, random_tokens(net, 500), layered=True, runtime=runtime)
            # Inline it is a note, which Python shows from 3.11 on.
            says = [caught.value.__cause__, *getattr(caught.value, "__notes__", ())]
            assert "(Sparse)" in str(says)

    @pytest.mark.parametrize("runtime", inline.RUNTIMES)
    def test_with_the_exception_of_a_model_that_cannot_be_built(
        self, network, random_tokens, monkeypatch, runtime
    ):
        def refuse(self, proc_params):
            raise SpecError("not this one")

        monkeypatch.setattr(fused_model.FusedModel, "__init__", refuse)
        net = network()
        with pytest.raises(SpecError, match="not this one"):
            proc.run(net, random_tokens(net, 5), runtime=runtime)

    def test_when_a_process_is_killed(
        self, network, random_tokens, monkeypatch, processes
    ):
        fail_at(monkeypatch, 5, lambda: os.kill(os.getpid(), signal.SIGKILL))
        net = network()
        with pytest.raises(proc.ActorDiedError, match="SparseRNN.*exit code -9"):
            proc.run(net, random_tokens(net, 500))

    def test_when_the_progress_callback_raises(self, network, random_tokens):
        def interrupt(done, total):
            raise KeyboardInterrupt

        net = network()
        with pytest.raises(KeyboardInterrupt):
            proc.run(net, random_tokens(net, 5000), progress=interrupt)


def driven(net, x):
    """A `SparseRNN` between a Source and a Sink, for Lava's own `run`."""
    process = proc.SparseRNN(net)
    source = proc.Source(data=x)
    sink = proc.Sink(shape=(net.d_out,), num_steps=len(x), skip=net.latency)
    source.s_out.connect(process.inp)
    process.out.connect(sink.a_in)
    return process, sink


@pytest.mark.parametrize("layered", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_states_can_be_read_and_set_between_runs(network, random_tokens, layered):
    net = network(3)
    x = random_tokens(net, 20)
    process, sink = driven(net, x)
    run_cfg = proc.RunCfg(layered=layered)
    executor, n = reference.Reference(net), 7
    try:
        process.run(RunSteps(n + net.latency), run_cfg)
        y = executor.run(x[:n])
        # In the layered network the recurrence is ahead of what leaves.
        (state,) = executor.state
        ahead = reference.Reference(net)
        ahead.run(x[: n + net.latency - 2])
        expected = ahead.state[0] if layered else state
        np.testing.assert_array_equal(process.layer1_x_re.get(), expected[0])
        np.testing.assert_array_equal(process.layer1_x_im.get(), expected[1])
        if not layered:
            changed = [part + 1000 for part in state]
            process.layer1_x_re.set(changed[0])
            process.layer1_x_im.set(changed[1])
            executor.state = [tuple(changed)]
        process.run(RunSteps(6))
    finally:
        process.stop()
    y = np.concatenate([y, executor.run(x[n : n + 6])])
    np.testing.assert_array_equal(sink.data, y)


def test_a_monitor_records_states(network, random_tokens):
    net = network(3)
    x = random_tokens(net, 10)
    process, _ = driven(net, x)
    monitor = Monitor()
    monitor.probe(process.layer1_x_re, 10 + net.latency)
    try:
        process.run(RunSteps(10 + net.latency), Loihi2SimCfg(select_tag="fixed_pt"))
        (record,) = monitor.get_data()[process.name].values()
    finally:
        process.stop()
    trace = {}
    reference.run(net, x, trace)
    np.testing.assert_array_equal(record[net.latency :], trace["layer1_x_re"])


STOCK_RUN = """
from test_run import driven, fail_at, value_error  # noqa
import numpy as np, pytest
from lava.magma.core.run_conditions import RunSteps
from lava_sparse_rnn import proc, spec
net = spec.random_network(np.random.default_rng(0))
patch = pytest.MonkeyPatch()
fail_at(patch, 3, value_error)
process, sink = driven(net, np.ones((30, 5), int))
process.run(RunSteps(30), proc.RunCfg(runtime="processes"))
print("ended", sink.received, sink.data[3:].any())
process.stop()
print("stopped")
"""

INTERRUPTED = """
import numpy as np
from lava_sparse_rnn import proc, spec
net = spec.random_network(np.random.default_rng(0))
def progress(done, total):
    if done:
        print("running", flush=True)
try:
    proc.run(net, np.ones((10**6, 5), int), progress=progress)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_a_stock_run_ends_with_zeros_after_an_exception(script, group_is_empty):
    process, output = script(STOCK_RUN)
    process.wait(timeout=60)
    text = output.read_text()
    assert "ended 25 False\nstopped" in text, text
    assert "ValueError: made to fail" in text
    assert group_is_empty(process.pid)


def test_ctrl_c_ends_a_run_at_once(script, group_is_empty):
    process, output = script(INTERRUPTED)
    deadline = time.monotonic() + 60
    while "running" not in output.read_text() and time.monotonic() < deadline:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole group
    process.wait(timeout=20)
    text = output.read_text()
    assert text.endswith("interrupted\n"), text
    assert "Traceback" not in text
    assert group_is_empty(process.pid)
