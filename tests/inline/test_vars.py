# SPDX-License-Identifier: BSD-3-Clause
"""Vars, RefPorts and pipes, beside Lava's own runtime where that can be."""

import threading

import numpy as np
import pytest
from inline_networks import Async, Scripted, Typed
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import Dense, LearningDense
from lava.proc.io.extractor import Extractor
from lava.proc.io.injector import Injector
from lava.proc.io.source import RingBuffer as Source
from lava.proc.io.utils import ChannelConfig, ReceiveEmpty, ReceiveNotEmpty
from lava.proc.learning_rules.stdp_learning_rule import STDPLoihi
from lava.proc.lif.process import LIF
from lava.proc.sparse.process import Sparse
from scipy.sparse import csr_matrix

from lava_sparse_rnn import inline
from lava_sparse_rnn.fixed_point import SpecError

CFG = Loihi2SimCfg()


def run(process, steps=1, **kwargs):
    process.run(RunSteps(steps, **kwargs), CFG)


def values_of(runtime):
    """Vars of every type as they are read, before and after they are set."""
    found = []
    with inline.runtime(runtime):
        process = Typed()
        run(process)
        names = ("whole", "matrix", "real", "text", "sparse")
        found += [getattr(process, name).get() for name in names]
        process.whole.set(np.array([9]))
        process.matrix.set(np.array([[5, 4, 3], [2, 1, 0]]))
        process.real.set(np.array([1e-3, 2.5, -0.0]))
        process.text.set("WORLD")
        process.sparse.set(csr_matrix(np.array([[0, 8, 0], [-1, 0, 2]])))
        run(process)
        # Lava makes a float of an int that was set, and waits for ever to read it.
        found += [getattr(process, name).get() for name in names[1:]]
        process.real.set(np.array([7.0]))
        process.matrix.set(np.array([8.0, 9.0]))
        found += [process.real.get(), process.matrix.get()]
        process.stop()
    return found


def test_vars_of_every_type_are_lavas():
    ours, theirs = values_of("inline"), values_of("processes")
    for a, b in zip(ours, theirs, strict=True):
        assert type(a) is type(b)
        if isinstance(a, csr_matrix):
            assert (a.toarray() == b.toarray()).all()
        elif isinstance(a, np.ndarray):
            assert a.dtype == b.dtype
            assert a.shape == b.shape
            assert (a == b).all()
        else:
            assert a == b


@pytest.mark.usefixtures("inside")
def test_what_cannot_be_read_or_set():
    process = Typed()
    with pytest.raises(ValueError, match="No Runtime"):
        process.whole.set(np.array([1]))
    process.create_runtime(CFG)
    with pytest.raises(RuntimeError, match="not started"):
        process.whole.get()
    run(process)
    with pytest.raises(ValueError, match=r"TypedModel.real: 4 values, it has 3"):
        process.real.set(np.zeros(4))
    before = process.sparse.init.toarray()
    process.sparse.set(csr_matrix(np.array([[0, 8, 0], [-1, 0, 2]])))
    assert (process.sparse.init.toarray() == before).all()
    # An int stays one: Lava makes it a float.
    process.whole.set(np.array([3.0]))
    assert type(process.runtime.models[process].whole) is int
    process.stop()
    with pytest.raises(RuntimeError, match="not started"):
        process.whole.get()


INT32 = r"must be a whole number from -2147483648 to 2147483647"
INT64 = r"must be a whole number from -9223372036854775808 to 9223372036854775807"


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize(
    ("value", "said"),
    [
        (np.nan, "nan"),
        (np.inf, "inf"),
        (1.5, "1.5"),
        (2.0**31, "2147483648.0"),
        (-(2**31) - 1, "-2147483649"),
        (10**30, str(10**30)),
    ],
)
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_integers_refuse_what_they_cannot_hold(value, said):
    process = Typed()
    run(process)
    with pytest.raises(SpecError, match=rf"TypedModel.matrix: .* {said} at 1, {INT32}"):
        process.matrix.set(np.array([7, value]))
    assert process.matrix.get().ravel().tolist() == [0, 1, 2, 3, 4, 5]
    if abs(value) < 2**33 and value != 1.5:  # a Python int, a matrix of int64
        process.stop()
        return
    with pytest.raises(SpecError, match=rf"TypedModel.whole: .* {said} at 0, {INT64}"):
        process.whole.set(np.array([value]))
    sparse = csr_matrix(np.array([[0, 1, 0], [2, 0, float(value)]]))
    with pytest.raises(SpecError, match=rf"TypedModel.sparse: value .* at 2, {INT64}"):
        process.sparse.set(sparse)
    assert process.whole.get().tolist() == [7]
    assert process.sparse.get().data.tolist() == [3, 4, 5]
    process.stop()


@pytest.mark.usefixtures("inside")
def test_integers_take_the_ends_of_their_type_and_nothing_cuts_what_is_real():
    process = Typed()
    run(process)
    ends = np.array([-(2.0**31), 2.0**31 - 1])
    process.matrix.set(ends)
    assert process.matrix.get().ravel()[:2].tolist() == ends.tolist()
    process.real.set(np.array([np.nan, np.inf, 2.0**70]))
    assert process.real.get()[1:].tolist() == [np.inf, 2.0**70]
    process.stop()
    # The weights of a model of real numbers may have been given as integers.
    link = Sparse(weights=csr_matrix(np.array([[1, 2], [0, 3]])))
    run(link)
    link.weights.set(csr_matrix(np.array([[0.5, 2], [0, 3]])))
    assert link.weights.get().data.tolist() == [0.5, 2, 3]
    link.stop()


@pytest.mark.usefixtures("inside")
def test_a_model_hears_of_new_values():
    heard = []
    process = Scripted()
    run(process)
    model = process.runtime.models[process]
    model.on_var_update = lambda: heard.append(model.state.tolist())
    process.state.set(np.array([4, 5]))
    assert heard == [[4, 5]]
    process.stop()


def referring(runtime):
    """What a process reads and writes through its RefPort, in each phase."""

    def seen(model):
        model.state = model.state + model.ref.read() * 10 ** (model.time_step - 1)
        model.ref.write(np.full(2, model.time_step))
        model.ref.wait()

    with inline.runtime(runtime):
        owner = Scripted({"post": lambda m: setattr(m, "state", m.state + 2)})
        reader = Scripted({"post": seen})
        reader.ref.connect_var(owner.state)
        run(reader, 4)
        found = reader.state.get().tolist(), owner.state.get().tolist()
        reader.stop()
    return found


def test_ref_ports_see_their_var_after_its_own_phase():
    assert referring("inline") == referring("processes") == ([5432] * 2, [4] * 2)


@pytest.mark.usefixtures("inside")
def test_ref_ports_before_learning_and_writes_without_wait():
    owner = Scripted()
    writer = Scripted(
        {"pre": lambda m: m.ref.write(np.full(2, m.time_step)), "lrn": lambda m: None}
    )
    writer.ref.connect_var(owner.state)
    run(writer, 3)
    assert owner.state.get().tolist() == [3, 3]
    writer.stop()


@pytest.mark.usefixtures("inside")
def test_a_var_is_not_read_while_spikes_travel():
    owner, reader = Scripted(), Scripted({"spk": lambda m: m.ref.read()})
    reader.ref.connect_var(owner.state)
    with pytest.raises(inline.DeadlockError, match=r"ref waits for .*state"):
        run(reader)


@pytest.mark.usefixtures("inside")
def test_asynchronous_models_read_vars_between_phases():
    def look(model):
        model.state = model.ref.read()

    owner, reader = Scripted({"spk": lambda m: setattr(m, "state", m.state + 1)}), None
    reader = Async(look)
    reader.ref.connect_var(owner.state)
    run(reader, 5)
    assert reader.state.get().tolist() == [5, 5]
    reader.stop()


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize("blocking", [True, False])
def test_pipes_into_and_out_of_a_network(blocking):
    relay = Scripted({"spk": lambda m: m.out.send(m.inp.recv() * 2)})
    relay.inp.flag_external_pipe(buffer_size=4)
    relay.out.flag_external_pipe(buffer_size=4)
    relay.create_runtime(CFG)
    got = []

    def feed():
        for i in range(50):
            relay.inp.external_pipe_csp_send_port.send(np.full(2, i))

    def take():
        for _ in range(50):
            got.append(relay.out.external_pipe_csp_recv_port.recv()[0])

    threads = [threading.Thread(target=t) for t in (feed, take)]
    for thread in threads:
        thread.start()
    run(relay, 50, blocking=blocking)
    relay.wait()
    for thread in threads:
        thread.join()
    assert got == list(range(0, 100, 2))
    relay.stop()
    with pytest.raises(RuntimeError, match="has ended"):
        relay.inp.external_pipe_csp_send_port.send(np.zeros(2))
    with pytest.raises(RuntimeError, match="has ended"):
        relay.out.external_pipe_csp_recv_port.recv()


@pytest.mark.usefixtures("inside")
def test_a_network_that_waits_for_a_pipe_can_be_stopped():
    relay = Scripted({"spk": lambda m: m.inp.recv()})
    relay.inp.flag_external_pipe()
    run(relay, 5, blocking=False)
    relay.stop()
    assert not relay.runtime._is_started


@pytest.mark.usefixtures("inside")
def test_injector_and_extractor():
    injector, extractor = Injector(shape=(2,)), Extractor(shape=(2,))
    injector.out_port.connect(extractor.in_port)
    injector.create_runtime(CFG)
    for i in range(3):
        injector.send(np.full(2, i))
    run(injector, 3)
    assert [extractor.receive()[0] for _ in range(3)] == [0, 1, 2]
    injector.stop()
    config = ChannelConfig(
        receive_empty=ReceiveEmpty.NON_BLOCKING_ZEROS,
        receive_not_empty=ReceiveNotEmpty.ACCUMULATE,
    )
    injector = Injector(shape=(2,), channel_config=config)
    extractor = Extractor(shape=(2,), channel_config=config)
    injector.out_port.connect(extractor.in_port)
    injector.create_runtime(CFG)
    for i in (3, 4):
        injector.send(np.full(2, i))
    run(injector, 2)
    assert extractor.receive().tolist() == [7, 7]
    assert extractor.receive().tolist() == [0, 0]
    injector.stop()


def learnt(runtime):
    """Weights after plasticity by spike timing, epoch after epoch."""
    rates = {"learning_rate": 1, "A_plus": 1, "A_minus": -1}
    rule = STDPLoihi(tau_plus=10, tau_minus=10, t_epoch=4, **rates)
    spikes = Source(data=np.random.default_rng(0).random((4, 40)) < 0.3)
    into, plastic = (
        Dense(weights=np.eye(4)),
        LearningDense(weights=np.eye(4), learning_rule=rule),
    )
    first, last = (LIF(shape=(4,), du=0.5, dv=0.5, vth=0.5) for _ in range(2))
    spikes.s_out.connect(into.s_in)
    into.a_out.connect(first.a_in)
    first.s_out.connect(plastic.s_in)
    plastic.a_out.connect(last.a_in)
    last.s_out.connect(plastic.s_in_bap)
    found = []
    with inline.runtime(runtime):
        for steps in (4, 12, 24):
            last.run(RunSteps(steps), Loihi2SimCfg(select_tag="floating_pt"))
            found.append(plastic.weights.get())
        last.stop()
    return np.array(found)


@pytest.mark.slow
def test_learning_rules_learn_what_they_learn_in_lava():
    ours, theirs = (learnt(name) for name in inline.RUNTIMES)
    assert (ours == theirs).all()
    assert (ours[0] != ours[-1]).any()
