# SPDX-License-Identifier: BSD-3-Clause
"""What goes wrong ends with one clear error, and leaves nothing behind."""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from lava.magma.core.process.process import ProcessServer
from lava.magma.core.process.variable import VarServer
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.io.source import PySendModelFloat, RingBuffer
from lava.proc.sparse.models import PySparseModelBitAcc

from lava_sparse_rnn import proc
from lava_sparse_rnn.fixed_point import SpecError
from lava_sparse_rnn.proc._fused import model as fused_model
from lava_sparse_rnn.proc._runtime.processes import runtime
from lava_sparse_rnn.proc.affine.models import PyAffineModelFixed
from lava_sparse_rnn.proc.gate.models import PyGateModelFixed
from lava_sparse_rnn.proc.io.models import AbstractPySinkModel, AbstractPySourceModel
from lava_sparse_rnn.proc.readout.models import PyReadoutModelFixed
from lava_sparse_rnn.proc.recurrence.models import PyRecurrenceModelFixed
from lava_sparse_rnn.spec import reference

slow = pytest.mark.slow
pytestmark = pytest.mark.usefixtures("processes")
T = 12


@pytest.fixture
def driven(network, random_tokens):
    """A function: a network between a Source and a Sink, and its tokens."""

    def make(seed=0):
        net = network(seed)
        x = random_tokens(net, T)
        process, source = proc.SparseRNN(net), proc.Source(data=x)
        sink = proc.Sink(shape=(net.d_out,), num_steps=T, skip=net.latency)
        source.s_out.connect(process.inp)
        process.out.connect(sink.a_in)
        return process, source, sink, reference.run(net, x)

    return make


def failing(self, *args):
    raise ValueError("made to fail")


FAILS = {
    "fused": (fused_model.FusedModel, "compute", False, "SparseRNN"),
    "source": (AbstractPySourceModel, "step", False, "Source"),
    "sink": (AbstractPySinkModel, "step", False, "Sink"),
    "affine": (PyAffineModelFixed, "compute", True, "Affine"),
    "recurrence": (PyRecurrenceModelFixed, "compute", True, "Recurrence"),
    "readout": (PyReadoutModelFixed, "compute", True, "Readout"),
    "gate": (PyGateModelFixed, "compute", True, "Gate"),
}


@slow
@pytest.mark.usefixtures("leaves_nothing")
@pytest.mark.parametrize(
    ("model", "method", "layered", "name"), FAILS.values(), ids=FAILS
)
def test_an_exception_in_any_model_is_raised(
    network, random_tokens, monkeypatch, model, method, layered, name, capfd
):
    monkeypatch.setattr(model, method, failing)
    net = network()
    with pytest.raises(ValueError, match="made to fail") as caught:
        proc.run(net, random_tokens(net, T), layered=layered)
    assert f"({name})" in str(caught.value.__cause__)
    assert "sends zeros from here on" in capfd.readouterr().err


def test_ports_of_another_shape_cannot_be_connected(network):
    with pytest.raises(AssertionError, match=r"\(4,\) and \(5,\) are incompatible"):
        proc.Source(data=np.ones((3, 4), int)).s_out.connect(
            proc.SparseRNN(network()).inp
        )


def half_of(process, port):
    """Fractions from a stock source into a process, for a run of integers."""
    data = np.full((*port.shape, 3), 0.5)
    source = RingBuffer(data=data)
    source.s_out.connect(port)
    floats = {RingBuffer: PySendModelFloat}
    return Loihi2SimCfg(select_tag="fixed_pt", exception_proc_model_map=floats)


@slow
@pytest.mark.usefixtures("leaves_nothing")
@pytest.mark.parametrize(
    ("make", "port", "says"),
    [
        (
            lambda n: proc.Affine.of(n.layers[0], n.recipe),
            "a_in",
            "a_in: value 0.5 at 0",
        ),
        (lambda n: proc.SparseRNN(n), "inp", "whole numbers"),
        (lambda n: proc.Sink(shape=(3,), num_steps=3), "a_in", "Sink: a_in: value 0.5"),
    ],
    ids=["group", "fused", "sink"],
)
def test_integer_models_refuse_fractions(network, capfd, make, port, says):
    process = make(network())
    config = half_of(process, getattr(process, port))
    process.run(RunSteps(8), config)
    process.stop()
    text = capfd.readouterr().err
    assert text.count("Traceback") == 1
    assert says in text


@slow
@pytest.mark.usefixtures("leaves_nothing")
def test_a_source_refuses_what_lava_s_messages_cannot_hold():
    source = proc.Source(data=np.array([[1, 2**31]]))
    sink = proc.Sink(shape=(2,), num_steps=3)
    source.s_out.connect(sink.a_in)
    with pytest.raises(SpecError, match="Source: data: value 2147483648 at 1"):
        sink.run(RunSteps(2), proc.RunCfg())
    sink.stop()


BAD_TOKENS = {
    "text": (np.array([["a"] * 8]), "of type <U1, must be numbers"),
    "complex": (np.ones((2, 8)) * 1j, "of type complex128"),
    "NaN": (np.full((2, 8), np.nan), "value nan at 0"),
    "large": (np.full((2, 8), 2**40), "must fit 32 bits"),
}


@slow
def test_a_session_refuses_tokens_that_are_no_integers_and_goes_on(network):
    net = network()
    with proc.Session(proc.Affine.of(net.layers[0], net.recipe)) as session:
        for x, says in BAD_TOKENS.values():
            with pytest.raises(SpecError, match=says):
                session.run(x)
        assert session.run(np.ones((2, 8), int)).shape == (2, 8)


@slow
@pytest.mark.usefixtures("leaves_nothing")
class TestLifeOfANetwork:
    def test_runs_go_on_until_it_is_stopped_and_then_no_more(self, driven):
        known = ProcessServer().num_processes, VarServer().num_vars
        process, source, sink, expected = driven()
        process.stop()  # nothing runs yet
        with pytest.raises(ValueError, match="first run needs a run_cfg"):
            process.run(RunSteps(3))
        process.run(RunSteps(7), proc.RunCfg())
        process.run(RunSteps(process.latency + T - 7))
        np.testing.assert_array_equal(sink.data, expected)
        for _ in range(2):
            process.stop()
        sink.stop()
        assert (ProcessServer().num_processes, VarServer().num_vars) == known
        for other in (process, source):
            with pytest.raises(RuntimeError, match="was stopped, and Lava cannot run"):
                other.run(RunSteps(3))
        np.testing.assert_array_equal(sink.data, expected)

    def test_a_neighbour_of_lava_s_own_cannot_run_after_the_end_either(self):
        stock = RingBuffer(data=np.ones((2, 3)))
        sink = proc.Sink(shape=(2,), num_steps=3)
        stock.s_out.connect(sink.a_in)
        stock.run(RunSteps(3), proc.RunCfg())
        sink.stop()
        with pytest.raises(RuntimeError, match="was stopped"):
            stock.run(RunSteps(3))

    def test_it_can_be_paused_waited_for_and_stopped_in_flight(self, driven):
        process, _, sink, expected = driven()
        process.run(RunSteps(T + process.latency, blocking=False), proc.RunCfg())
        process.wait()
        np.testing.assert_array_equal(sink.data, expected)
        process.run(RunSteps(10**6, blocking=False))
        process.pause()
        assert process.layer1_x_re.get().shape == (6,)
        with pytest.raises(RuntimeError, match="does not report the end"):
            process.run(RunSteps(3))
        process.run(RunSteps(10**6, blocking=False))
        with pytest.raises(RuntimeError, match="does not report the end"):
            process.wait()
        process.stop()
        process.stop()

    def test_a_model_that_hangs_does_not_hang_its_stop(self, driven, monkeypatch):
        monkeypatch.setattr(AbstractPySourceModel, "step", lambda *_: time.sleep(600))
        monkeypatch.setattr(runtime, "STOP_SECONDS", 0.5)
        process, *_ = driven()
        process.run(RunSteps(T, blocking=False), proc.RunCfg())
        start = time.monotonic()
        with pytest.raises(RuntimeError, match=r"not end within 0\.5 s of its stop"):
            process.stop()
        assert time.monotonic() - start < 30
        process.stop()
        with pytest.raises(RuntimeError, match="was stopped"):
            process.run(RunSteps(1))

    def test_an_exception_in_a_stock_process_ends_it(self, driven, monkeypatch):
        monkeypatch.setattr(PySparseModelBitAcc, "run_spk", failing)
        process, _, sink, _ = driven()
        with pytest.raises(ValueError, match="made to fail") as caught:
            process.run(RunSteps(50), proc.RunCfg(layered=True))
        assert "(Sparse)" in str(caught.value.__cause__)
        process.stop()
        assert sink.received <= T

    def test_a_model_that_cannot_be_built_ends_it(self, driven, monkeypatch):
        monkeypatch.setattr(fused_model.FusedModel, "__init__", failing)
        process, *_ = driven()
        with pytest.raises(ValueError, match="made to fail"):
            process.run(RunSteps(5), proc.RunCfg())
        process.stop()


@slow
@pytest.mark.usefixtures("leaves_nothing")
class TestSessionMisuse:
    def test_a_process_belongs_to_one_session_at_a_time(self, network, random_tokens):
        net = network()
        x, process = random_tokens(net, T), proc.SparseRNN(net)
        with proc.Session(process, layered=True) as session:
            head = session.run(x[:5])
            with pytest.raises(RuntimeError, match="in use by another session"):
                proc.Session(process)
            rest = session.run(x[5:])
            session.process.layer1_x_re.get()
        expected = reference.run(net, x)
        np.testing.assert_array_equal(np.concatenate([head, rest]), expected)
        for _ in range(2):
            session.close()
        with pytest.raises(RuntimeError, match="it is closed"):
            session.run(x)

    def test_a_process_that_is_stopped_inside_ends_the_session(
        self, network, random_tokens
    ):
        net = network()
        x, process = random_tokens(net, T), proc.SparseRNN(net)
        session = proc.Session(process)
        process.stop()
        with pytest.raises(RuntimeError, match="was stopped"):
            session.run(x)
        with pytest.raises(RuntimeError, match="it is closed"):
            session.run(x)
        session.close()
        np.testing.assert_array_equal(proc.run(process, x), reference.run(net, x))


def wait_for(text, process, output):
    """Until a script has printed ``text``, 60 s at most."""
    for _ in range(600):
        if text in output.read_text() or process.poll() is not None:
            return
        time.sleep(0.1)


LONG_RUN = """
import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava_sparse_rnn import proc, spec
net = spec.random_network(np.random.default_rng(0))
process, sink = proc.SparseRNN(net), proc.Sink(shape=(4,), num_steps=10)
process.out.connect(sink.a_in)
process.run(RunSteps(3), proc.RunCfg({tag!r}, layered={layered}, runtime="processes"))
print("running", flush=True)
try:
    process.run(RunSteps(10**7))
except KeyboardInterrupt:
    print("interrupted", flush=True)
finally:
    process.stop()
    print("stopped", flush=True)
"""


@slow
def test_ctrl_c_ends_lava_s_own_run(script, group_is_empty):
    process, output = script(LONG_RUN.format(tag="fixed_pt", layered=True))
    wait_for("running", process, output)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole group
    process.wait(timeout=30)
    text = output.read_text()
    assert text.endswith("running\ninterrupted\nstopped\n"), text
    assert "Traceback" not in text
    assert group_is_empty(process.pid)


@slow
def test_a_script_that_forgets_to_stop_ends_too(script, group_is_empty):
    forgetful = LONG_RUN.format(tag="fixed_pt", layered=False).split("print(")[0]
    process, output = script(forgetful)
    assert process.wait(timeout=60) == 0, output.read_text()
    assert output.read_text() == ""
    assert group_is_empty(process.pid)


NAMES_ITS_MEMORY = """
from lava.magma.runtime.message_infrastructure import shared_memory_manager as m
create = m.SharedMemoryManager.create_shared_memory
def recorded(self, size):
    memory = create(self, size)
    print("segment", memory.name, flush=True)
    return memory
m.SharedMemoryManager.create_shared_memory = recorded
"""


@slow
@pytest.mark.skipif(sys.platform != "linux", reason="ties children on Linux only")
def test_a_parent_that_is_killed_takes_everything_along(script, group_is_empty):
    process, output = script(
        NAMES_ITS_MEMORY + LONG_RUN.format(tag="fixed_pt", layered=True)
    )
    wait_for("running", process, output)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=30)
    assert group_is_empty(process.pid)
    lines = output.read_text().splitlines()
    names = [line.split()[1] for line in lines if line.startswith("segment")]
    assert names
    assert [n for n in names if Path("/dev/shm", n.lstrip("/")).exists()] == []


@slow
def test_ctrl_c_ends_the_command(script, group_is_empty, network, tmp_path):
    net = network()
    net.save(tmp_path / "a.net")
    np.save(tmp_path / "x.npy", np.ones((10**5, net.d_in), int))
    program = "from lava_sparse_rnn.cli import main; main()"
    arguments = ["run", str(tmp_path / "a.net"), str(tmp_path / "x.npy")]
    arguments += ["-o", str(tmp_path / "y.npy"), "--runtime", "processes"]
    process, output = script([sys.executable, "-c", program, *arguments])
    # Lava runs as soon as the command has children besides Python's tracker.
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    for _ in range(600):
        if len(children.read_text().split()) >= 5:
            break
        time.sleep(0.1)
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(timeout=30) == 130, output.read_text()
    assert "Traceback" not in output.read_text()
    assert sorted(p.name for p in tmp_path.glob("*y.npy*")) == []
    assert group_is_empty(process.pid)
