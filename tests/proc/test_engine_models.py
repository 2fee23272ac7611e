# SPDX-License-Identifier: BSD-3-Clause
"""Fused models: the engine and numpy do the same at every port, step and Var."""

from collections import deque
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lava_sparse_rnn import engine, proc, spec
from lava_sparse_rnn.fixed_point import RealArithmetic, SpecError
from lava_sparse_rnn.proc._fused import executors as _executors
from lava_sparse_rnn.proc.s5_block.models import PyS5BlockModelFixed
from lava_sparse_rnn.proc.sparse_rnn.models import PySparseRNNModelFixed
from lava_sparse_rnn.spec.reference import Reference

built = pytest.mark.skipif(engine.EXTENSION is None, reason="the engine is not built")
WAYS = [pytest.param("engine", marks=built), "reference"]
NETWORK = spec.random_network(np.random.default_rng(3), 4, 6, 5, 3, n_blocks=2)


class Port:
    """What a model needs of a port or of a channel to Lava's runtime."""

    def __init__(self, shape=()):
        self._shape, self.received, self.sent = shape, deque(), []

    def recv(self):
        return self.received.popleft()

    def send(self, value):
        self.sent.append(np.copy(value))


class Driven:
    """A model without a runtime: Lava's own handlers, called one by one."""

    def __init__(self, model_of, process, monkeypatch, way):
        monkeypatch.setenv(_executors.VARIABLE, way)
        self.model = model_of(process.proc_params)
        self.clock = process.proc_params["clock"]
        self.names = [var.name for var in process.vars]
        for var in process.vars:
            setattr(self.model, var.name, np.zeros(var.shape, np.int64))
        self.model.var_id_to_var_map = dict(enumerate(self.names))
        self.model.inp, self.model.out = Port(), Port(process.out.shape)
        self.model.service_to_process, self.model.process_to_service = Port(), Port()

    def step(self, u):
        """One time step: what is sent."""
        self.model.inp.received.append(u)
        self.model._spike()
        assert self.model.failure is None
        return self.model.out.sent[-1]

    def get(self, name):
        """As Lava's ``Var.get``."""
        self.model.service_to_process.received.append(
            [np.array(self.names.index(name))]
        )
        answers = self.model.process_to_service = Port()
        self.model._get_var()
        return np.ravel(answers.sent[1:])

    def set(self, name, value):
        """As Lava's ``Var.set``."""
        data = [self.names.index(name), len(value), *value]
        self.model.service_to_process.received += [[np.array(v)] for v in data]
        self.model._set_var()

    def vars(self):
        """Every Var's value."""
        return {name: self.get(name).tolist() for name in self.names}


def pair(process_of, model_of):
    """The same model with the engine and with numpy, each with its own clock."""
    with pytest.MonkeyPatch.context() as patch:
        return [
            Driven(model_of, process_of(), patch, way)
            for way in ("engine", "reference")
        ]


STATES = ("x_re", "x_im")
STATE = 2**23 - 1
OPTIONS = [
    {},
    {"depth": 3, "num_tokens": 5},
    {"mode": "fall_through"},
    {"reset_interval": 4, "reset_offset": 2},
    {"period": 2, "reset_interval": 6},
]
EVENTS = st.one_of(
    st.tuples(st.just("steps"), st.integers(1, 12)),
    st.tuples(st.just("begin"), st.none() | st.integers(0, 4), st.booleans()),
    st.tuples(
        st.just("set"),
        st.sampled_from(["layer1_x_re", "layer2_x_im"]),
        # Also what no register of 24 bits holds.
        st.lists(st.integers(-STATE - 9, STATE + 9), min_size=5, max_size=5),
    ),
    st.just(("read",)),
)


@built
@pytest.mark.slow
@settings(max_examples=60)
@given(
    st.sampled_from(OPTIONS), st.lists(EVENTS, max_size=12), st.integers(0, 2**32 - 1)
)
def test_whatever_happens_both_do_the_same(options, events, seed):
    driven = pair(lambda: proc.SparseRNN(NETWORK, **options), PySparseRNNModelFixed)
    rng = np.random.default_rng(seed)

    def steps(n):
        for u in rng.integers(-(2**15), 2**15, (n, 4)):
            a, b = (d.step(u) for d in driven)
            assert np.array_equal(a, b)

    def begin(num_tokens, clear):
        for d in driven:
            d.clock.begin(num_tokens, clear)

    def write(name, value):
        for d in driven:
            d.set(name, value)

    def read():
        a, b = (d.vars() for d in driven)
        assert a == b

    handlers = {"steps": steps, "begin": begin, "set": write, "read": read}
    for name, *arguments in [*events, ("steps", 30), ("read",)]:
        handlers[name](*arguments)


@built
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_after_every_step_the_vars_of_a_block_are_the_same(options):
    block, recipe = NETWORK.layers[1], NETWORK.recipe
    engined, numpied = pair(
        lambda: proc.S5Block(block, recipe, **options), PyS5BlockModelFixed
    )
    assert isinstance(engined.model.executor, _executors.EngineExecutor)
    assert isinstance(numpied.model.executor, _executors.NumpyExecutor)
    changed = 0
    for u in np.random.default_rng(1).integers(-(2**15), 2**15, (25, 6)):
        assert np.array_equal(engined.step(u), numpied.step(u))
        seen = engined.vars()
        assert seen == numpied.vars()
        changed += any(seen["x_re"])
    assert changed > 2
    assert sum(seen[name][0] for name in seen if "overflow" in name) > 0


@built
def test_a_state_that_no_register_holds_leaves_the_counts():
    engined, _ = pair(lambda: proc.SparseRNN(NETWORK), PySparseRNNModelFixed)
    for u in np.random.default_rng(1).integers(-(2**15), 2**15, (20, 4)):
        engined.step(u)
    before = engined.vars()
    engined.set("layer1_x_re", [2**40] * 5)
    assert isinstance(engined.model.executor, _executors.NumpyExecutor)
    after = engined.vars()
    assert after.pop("layer1_x_re") == [2**40] * 5
    del before["layer1_x_re"]
    assert after == before
    assert any(before[name][0] for name in before if "overflow" in name)


@pytest.mark.parametrize("way", WAYS)
def test_a_token_that_does_not_fit_is_named(monkeypatch, way, capfd):
    driven = Driven(PySparseRNNModelFixed, proc.SparseRNN(NETWORK), monkeypatch, way)
    tokens = np.zeros((9, 4), int)
    tokens[0, 2] = 2**15
    driven.model.inp.received.extend(tokens)
    actor = SimpleNamespace(_cconn=SimpleNamespace(send=lambda report: None))
    monkeypatch.setattr("multiprocessing.current_process", lambda: actor)
    for _ in tokens:
        driven.model._spike()
    assert "value 32768 at 2 does not fit the 16-bit wire" in driven.model.failure
    assert "sends zeros from here on" in capfd.readouterr().err
    assert not driven.model.out.sent[-1].any()


def test_which_executor_computes(monkeypatch):
    def made(arithmetic=None):
        arithmetic = arithmetic or NETWORK.recipe.arithmetic()
        return type(_executors.make_executor(NETWORK, arithmetic)).__name__

    monkeypatch.delenv(_executors.VARIABLE, raising=False)
    if engine.EXTENSION is not None:
        assert made() == "EngineExecutor"
        monkeypatch.setenv(_executors.VARIABLE, "engine")
        assert made() == "EngineExecutor"
    assert made(RealArithmetic()) == "NumpyExecutor"
    monkeypatch.setenv(_executors.VARIABLE, "reference")
    assert made() == "NumpyExecutor"
    monkeypatch.setenv(_executors.VARIABLE, "gpu")
    with pytest.raises(SpecError, match="LAVA_SPARSE_RNN_FUSED is 'gpu', must be one"):
        made()


def test_without_the_extension_numpy_computes_and_nothing_is_said(monkeypatch, capfd):
    monkeypatch.setattr(engine, "EXTENSION", None)
    monkeypatch.delenv(_executors.VARIABLE, raising=False)
    executor = _executors.make_executor(NETWORK, NETWORK.recipe.arithmetic())
    assert isinstance(executor, _executors.NumpyExecutor)
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("mode", ["pipelined", "fall_through"])
def test_in_lava(network, random_tokens, monkeypatch, way, mode):
    monkeypatch.setenv(_executors.VARIABLE, way)
    net = network(4, n_blocks=2)
    x = random_tokens(net, 16)
    executor = Reference(net)
    with proc.Session(net, mode=mode) as session:
        for piece in (x[:7], x[7:8], x[8:]):
            assert np.array_equal(session.run(piece), executor.run(piece))
            new = []
            for i, parts in zip((1, 2), executor.state, strict=True):
                new.append(tuple(part // 2 for part in parts))
                for name, old, value in zip(STATES, parts, new[-1], strict=True):
                    var = getattr(session.process, f"layer{i}_{name}")
                    assert np.array_equal(var.get(), old)
                    var.set(value)
            executor.state = new
        assert +session.counters == +executor.counters
        assert sum(session.counters.values()) > 0
        session.reset()
        assert np.array_equal(session.run(x), spec.reference.run(net, x))
