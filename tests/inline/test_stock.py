# SPDX-License-Identifier: BSD-3-Clause
"""Networks of Lava's own Processes, beside Lava's own runtime."""

import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.conv import utils as conv_utils
from lava.proc.conv.models import PyConvModelFixed
from lava.proc.dense.models import PyDelayDenseModelBitAcc, PyDenseModelBitAcc
from lava.proc.dense.process import Dense
from lava.proc.io.source import RingBuffer
from lava.proc.lif.models import PyLifModelBitAcc
from lava.proc.lif.process import LIF
from lava.proc.monitor.process import Monitor
from lava.proc.sparse.models import PyDelaySparseModelBitAcc, PySparseModelBitAcc
from lava.proc.sparse.process import DelaySparse, Sparse
from lava.utils.weightutils import SignMode
from scipy.sparse import csr_matrix

from lava_sparse_rnn import inline
from lava_sparse_rnn.inline.stock import QUICK, quick

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


OFTEN = ("DelaySparse", "fixed_pt")
CASES = [
    pytest.param(*case, marks=() if case == OFTEN else pytest.mark.slow)
    for case in itertools.product(
        ["Dense", "Sparse", "DelaySparse"], ["fixed_pt", "floating_pt"]
    )
]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "tag"), CASES)
def test_the_same_in_every_step_also_after_weights_were_set(kind, tag):
    ours, theirs = (watched(kind, tag, name) for name in inline.RUNTIMES)
    assert ours.any()
    assert (ours == theirs).all()


class Wire:
    """A port without a network."""

    def __init__(self, received=()):
        self.received, self.sent = list(received), []

    def recv(self):
        return self.received.pop(0).copy()

    def send(self, value):
        self.sent.append(value.copy())


def stepped(kind, params, attributes, ports, steps):
    """A model after some steps, by itself."""
    model = kind(params)
    for name, value in attributes.items():
        setattr(model, name, value.copy() if hasattr(value, "copy") else value)
    for name, received in ports.items():
        setattr(model, name, Wire(received))
    for _ in range(steps):
        model.run_spk()
    return model


def same(kind, params, attributes, inward, received, outward, states):
    """Whether the quick model sends what Lava's sends, and ends as it does."""
    assert issubclass(QUICK[kind], kind)
    ports = {inward: received, outward: ()}
    ours, theirs = (
        stepped(k, params, attributes, ports, len(received))
        for k in (quick(kind), kind)
    )
    sent = getattr(ours, outward).sent, getattr(theirs, outward).sent
    pairs = [*zip(*sent, strict=True)]
    pairs += [(getattr(ours, name), getattr(theirs, name)) for name in states]
    for mine, other in pairs:
        assert mine.dtype == other.dtype
        assert np.array_equal(mine, other)


@given(st.integers(0, 2**32 - 1), st.integers(-3, 3), st.integers(0, 4))
@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")
def test_quick_connections_are_lavas_to_the_bit(seed, weight_exp, longest):
    rng = np.random.default_rng(seed)
    n_out, n_in = rng.integers(1, 6, 2)
    pattern = rng.integers(-255, 256, (n_out, n_in)) * (rng.random((n_out, n_in)) < 0.5)
    weights = csr_matrix(pattern.astype(np.int32))
    delays = weights.copy()
    delays.data[:] = rng.integers(0, longest + 1, delays.nnz)
    bits = rng.choice([0, 24])  # binary spikes, and graded ones that wrap 32 bits
    messages = rng.integers(-(2**31), 2**31, (5, n_in), dtype=np.int32)
    messages[rng.random(messages.shape) < 0.3] = 0
    params = {"weight_exp": weight_exp, "sign_mode": SignMode.MIXED}
    shared = {"weights": weights, "num_message_bits": np.array([bits])}
    buffer = np.zeros((n_out, longest + 1), np.int32)
    link = {**shared, "a_buff": buffer[:, 0]}
    same(PySparseModelBitAcc, params, link, "s_in", messages, "a_out", ["a_buff"])
    delayed = {**shared, "delays": delays, "a_buff": buffer}
    kind = PyDelaySparseModelBitAcc
    same(kind, params, delayed, "s_in", messages, "a_out", ["a_buff"])


def test_weights_that_are_set_are_sorted_anew():
    weights, delays = (csr_matrix(np.full((2, 2), value)) for value in (4, 1))
    attributes = {
        "weights": weights.astype(np.int32),
        "delays": delays,
        "a_buff": np.zeros((2, 2), np.int32),
        "num_message_bits": np.array([8]),
    }
    sent = []
    for kind in (quick(PyDelaySparseModelBitAcc), PyDelaySparseModelBitAcc):
        ports = {"s_in": np.ones((6, 2), np.int32), "a_out": ()}
        model = stepped(kind, {"sign_mode": SignMode.MIXED}, attributes, ports, 3)
        model.weights = csr_matrix(np.array([[1, 2], [3, 4]], np.int32))
        for _ in range(3):
            model.run_spk()
        sent.append(np.stack(model.a_out.sent).tolist())
    assert sent[0] == sent[1]
    assert sent[0][-1] == [3, 7]


@given(st.integers(0, 2**32 - 1), st.integers(-3, 3), st.integers(0, 4))
def test_quick_dense_connections_are_lavas_to_the_bit(seed, weight_exp, longest):
    rng = np.random.default_rng(seed)
    n_out, n_in = rng.integers(1, 6, 2)
    bits = rng.choice([0, 24])
    messages = rng.integers(-(2**31), 2**31, (5, n_in), dtype=np.int32)
    messages[rng.random(messages.shape) < 0.3] = 0
    messages[:3] >>= 12  # some products fit 32 bits, others do not
    attributes = {
        "weights": rng.integers(-255, 256, (n_out, n_in)).astype(np.int32),
        "delays": rng.integers(0, longest + 1, (n_out, n_in)).astype(np.int32),
        "a_buff": np.zeros((n_out, longest + 1), np.int32),
        "num_message_bits": np.array([bits]),
    }
    params = {"weight_exp": weight_exp, "sign_mode": SignMode.MIXED}
    kind = PyDelayDenseModelBitAcc
    same(kind, params, attributes, "s_in", messages, "a_out", ["a_buff"])
    attributes["a_buff"] = np.zeros(n_out, np.int32)
    kind = PyDenseModelBitAcc
    same(kind, params, attributes, "s_in", messages, "a_out", ["a_buff"])


@given(st.integers(0, 2**32 - 1))
def test_quick_convolutions_are_lavas_to_the_bit(seed):
    rng = np.random.default_rng(seed)
    groups, stride, dilation = rng.choice([1, 2]), *rng.integers(1, 3, (2, 2))
    size, padding = rng.integers(1, 4, 2), rng.integers(0, 3, 2)
    shape = (*(rng.integers(0, 3, 2) + dilation * (size - 1) + 1), 2 * groups)
    messages = rng.integers(-(2**19), 2**19, (4, *shape), dtype=np.int32)
    weight = rng.integers(-128, 128, (3 * groups, *size, 2), dtype=np.int32)
    kernel = [size, stride, padding, dilation]
    out = conv_utils.output_shape(shape, len(weight), *kernel)
    attributes = {
        **dict(
            zip(("kernel_size", "stride", "padding", "dilation"), kernel, strict=True)
        ),
        "weight": weight,
        "groups": np.array([groups]),
        "num_message_bits": np.array([rng.choice([0, 16])]),
        "a_buf": np.zeros(out, np.int32),
    }
    same(PyConvModelFixed, {}, attributes, "s_in", messages, "a_out", ["a_buf"])


def test_convolutions_that_float64_cannot_hold_are_lavas_own():
    attributes = {
        "weight": np.full((1, 2, 2, 1), 2**30, np.int32),
        "kernel_size": np.array([2, 2]),
        "stride": np.array([1, 1]),
        "padding": np.array([0, 0]),
        "dilation": np.array([1, 1]),
        "groups": np.array([1]),
        "num_message_bits": np.array([24]),
        "a_buf": np.zeros((1, 1, 1), np.int32),
    }
    messages = np.array([[[2**30], [1]], [[-(2**30)], [-1]]], np.int32)[None]
    same(PyConvModelFixed, {}, attributes, "s_in", messages, "a_out", ["a_buf"])


def test_dense_weights_that_are_written_are_sorted_anew():
    attributes = {
        "weights": np.array([[2, 4]], np.int32),
        "delays": np.array([[0, 1]], np.int32),
        "a_buff": np.zeros((1, 2), np.int32),
        "num_message_bits": np.array([8]),
    }
    sent = []
    for kind in (quick(PyDelayDenseModelBitAcc), PyDelayDenseModelBitAcc):
        ports = {"s_in": np.ones((6, 2), np.int32), "a_out": ()}
        model = stepped(kind, {"sign_mode": SignMode.MIXED}, attributes, ports, 3)
        model.weights[0, 1], model.delays[0, 1] = 8, 0
        for _ in range(3):
            model.run_spk()
        sent.append(np.stack(model.a_out.sent).tolist())
    assert sent[0] == sent[1]
    assert sent[0][-1] == [10]


def test_dense_weights_for_spikes_may_be_set_to_anything():
    attributes = {
        "weights": np.array([[2, 4, 6]], np.int32),
        "a_buff": np.zeros(1, np.int32),
        "num_message_bits": np.array([0]),
    }

    def written(model):
        model.weights[0, 1] = 8
        model.on_var_update()

    def replaced(model):  # three of them need more than 32 bits
        model.weights = np.array([[2**30, 2**30, 2**30]], np.int32)

    sent = []
    for kind in (quick(PyDenseModelBitAcc), PyDenseModelBitAcc):
        ports = {"s_in": np.ones((7, 3), np.int32), "a_out": ()}
        model = stepped(kind, {"sign_mode": SignMode.MIXED}, attributes, ports, 3)
        for change in (written, replaced):
            change(model)
            for _ in range(2):
                model.run_spk()
        assert model.a_buff == 3 * 2**30
        sent.append(np.stack(model.a_out.sent).ravel().tolist())
    assert sent[0] == sent[1] == [0, 12, 12, 12, 16, 16, 3 * 2**30]


EDGE = 2**23


@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 4096),
    st.integers(0, 4096),
    st.sampled_from([0, 3, -3]),
)
def test_quick_neurons_are_lavas_to_the_bit(seed, du, dv, bias_exp):
    rng, n = np.random.default_rng(seed), 8
    at_edge = rng.integers(-3, 4, (2, n)) + rng.choice([-EDGE, 0, EDGE], (2, n))
    attributes = {
        "u": at_edge[0].astype(np.int32),
        "v": at_edge[1].clip(1 - EDGE, EDGE - 1).astype(np.int32),
        "du": du,
        "dv": dv,
        "bias_mant": rng.integers(-4096, 4096, n).astype(np.int16),
        "bias_exp": (bias_exp * rng.integers(0, 2, n)).astype(np.int16),
        "vth": 1000,
    }
    messages = rng.integers(-(2**17), 2**17, (5, n), dtype=np.int32)
    messages[rng.random(messages.shape) < 0.5] //= 2**12
    states = ["u", "v", "effective_bias"]
    same(PyLifModelBitAcc, {}, attributes, "a_in", messages, "s_out", states)


def test_decays_that_are_no_integers_are_lavas_own():
    attributes = {
        "u": np.array([700], np.int32),
        "v": np.array([900], np.int32),
        "du": 100.5,
        "dv": np.array([7]),
        "bias_mant": np.array([3], np.int16),
        "bias_exp": np.array([0], np.int16),
        "vth": 10,
    }
    kind, ports = PyLifModelBitAcc, {"a_in": np.full((1, 1), 5), "s_out": ()}
    ours, theirs = (
        stepped(k, {}, attributes | {"du": np.array([100])}, ports, 1)
        for k in (quick(kind), kind)
    )
    assert (ours.u, ours.v) == (theirs.u, theirs.v)
    with pytest.raises(TypeError):
        stepped(quick(kind), {}, attributes, ports, 1)


@pytest.mark.slow
def test_lavas_own_tests_of_its_runtime_pass():
    """A part of them, for `.ci/run`: lava_suite.py runs all."""
    command = [sys.executable, str(Path(__file__).with_name("lava_suite.py"))]
    command += ["--runtime", "inline", "magma/runtime/test_get_set_var.py", "proc/lif"]
    command += ["magma/runtime/test_ref_var_ports.py", "proc/sparse", "proc/monitor"]
    command += ["magma/runtime/test_loihi_protocol.py", "proc/dense"]
    command += ["proc/graded", "proc/clp/nsm"]  # repaired on later Pythons
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
