# SPDX-License-Identifier: BSD-3-Clause
"""Neuron programs inside Lava: the integers of `fixed_pt`, wherever one looks."""

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from lava.magma.compiler.compiler_graphs import ProcGroupDiGraphs
from lava.magma.core.run_conditions import RunSteps
from lava.proc.dense.models import PyDenseModelBitAcc
from lava.proc.dense.process import Dense
from lava.proc.lif.models import PyLifModelBitAcc
from lava.proc.lif.process import LIF
from lava.proc.monitor.process import Monitor

from lava_sparse_rnn import inline, microcode, proc, spec
from lava_sparse_rnn.fixed_point import PLAN, OverflowCounters, SpecError
from lava_sparse_rnn.inline.stock import QUICK
from lava_sparse_rnn.netx import hdf5
from lava_sparse_rnn.proc.affine import models as affine_models
from lava_sparse_rnn.proc.gate import models as gate_models
from lava_sparse_rnn.proc.readout import models as readout_models
from lava_sparse_rnn.proc.recurrence import models as recurrence_models
from lava_sparse_rnn.spec import reference

from ..conftest import BY_LAYER

slow = pytest.mark.slow
LAYERED = [False, pytest.param(True, marks=slow)]
CLOCK = 4  # instructions by which a recurrence finds its tokens


def selected(process, run_cfg):
    """Name of the model that a run would use."""
    models = ProcGroupDiGraphs._find_proc_models(process)
    return run_cfg.select(process, models).__name__


class TestRunConfiguration:
    def test_takes_programs_where_there_are_some(self, network, tmp_path):
        net = network()
        block = net.layers[1]
        net.save(tmp_path / "a.net")
        own = {
            proc.Affine.of(net.layers[0], net.recipe): "PyAffineModelMicrocode",
            proc.Recurrence.of(block, net.recipe): "PyRecurrenceModelMicrocode",
            proc.Readout.of(block, net.recipe): "PyReadoutModelMicrocode",
            proc.Gate.of(block, net.recipe): "PyGateModelMicrocode",
            proc.S5Block(block, net.recipe): "PyS5BlockModelMicrocode",
            proc.SparseRNN(net): "PySparseRNNModelMicrocode",
            hdf5.Network(net_config=tmp_path / "a.net"): "PyOwnNetworkModelMicrocode",
        }
        for process, model in own.items():
            assert selected(process, proc.MicrocodeSimCfg()) == model
            fixed = model.replace("Microcode", "Fixed")
            assert selected(process, proc.RunCfg()) == fixed

    def test_layers_and_exceptions_come_first(self, network):
        process = proc.SparseRNN(network())
        cfg = proc.MicrocodeSimCfg(layered=True)
        assert selected(process, cfg) == "SubSparseRNNModel"
        cfg = proc.MicrocodeSimCfg(exception_proc_model_map={proc.SparseRNN: str})
        assert selected(process, cfg) == "str"

    @pytest.mark.parametrize("layered", [False, True])
    def test_stock_processes_are_integers(self, layered):
        cfg = proc.MicrocodeSimCfg(layered=layered)
        assert selected(LIF(shape=(2,)), cfg) == QUICK[PyLifModelBitAcc].__name__
        dense = selected(Dense(weights=np.eye(2)), cfg)
        assert dense == QUICK[PyDenseModelBitAcc].__name__
        source = proc.Source(data=np.ones((3, 2), int))
        assert selected(source, cfg) == selected(source, proc.RunCfg())

    def test_a_tag_that_is_none(self):
        with pytest.raises(SpecError, match="microcode"):
            proc.RunCfg("assembly")


# Models driven without a runtime: every port in every step, thousands of steps.

KINDS = {
    "affine": (proc.Affine, affine_models),
    "recurrence": (proc.Recurrence, recurrence_models),
    "readout": (proc.Readout, readout_models),
    "gate": (proc.Gate, gate_models),
}


def build(process, model_type):
    """A model with its Vars, as Lava builds it."""
    model = model_type(process.proc_params)
    for var in process.vars:
        value = np.zeros(var.shape, dtype=np.int64)
        setattr(model, var.name, value)
    return model


def models_of(kind, net, **options):
    process_type, module = KINDS[kind]
    layer = net.layers[0 if kind == "affine" else 1]
    process = process_type.of(layer, net.recipe, **options)
    name = process_type.__name__
    return process, [
        build(process, getattr(module, f"Py{name}Model{tag}"))
        for tag in ("Fixed", "Microcode")
    ]


def recipes():
    return st.builds(
        spec.Recipe,
        rounding=st.sampled_from(["floor", "nearest"]),
        overflow=st.sampled_from(["saturate", "wrap"]),
        state_nonlinearity=st.sampled_from(["real_gate", "split", "none"]),
        wire_bits=st.sampled_from([16, 8]),
        state_bits=st.sampled_from([24, 16]),
        by_layer=BY_LAYER,
    )


def random_net(recipe, seed, lines=None, **sizes):
    if lines is not None:
        recipe = dataclasses.replace(recipe, sigmoid=lines)
    try:
        return spec.random_network(np.random.default_rng(seed), recipe=recipe, **sizes)
    except SpecError:
        reject()  # its random shifts do not suit these widths


@st.composite
def timings(draw):
    period = draw(st.sampled_from([1, 1, 3, 5]))
    options = {"depth": draw(st.integers(0, 4)), "period": period}
    options["num_tokens"] = draw(st.sampled_from([None, None, 0, 2, 7]))
    if draw(st.booleans()):
        options["reset_interval"] = period * draw(st.integers(1, 4))
        options["reset_offset"] = period * draw(st.integers(0, 9))
    return options


def compare(kind, net, options, seed, n_steps=25):
    """Both models on the same accumulators, with breaks, resets and new states."""
    rng = np.random.default_rng(seed)
    process, models = models_of(kind, net, **options)
    fixed, programmed = models
    bits = net.recipe.wire_bits
    for step in range(n_steps):
        if rng.random() < 0.1:  # a new segment, perhaps after a reset from outside
            clear = rng.random() < 0.5
            process.clock.begin(rng.choice([None, 1, 4]), clear=clear)
            for model in models if clear and kind == "recurrence" else ():
                model.x_re, model.x_im = (np.zeros_like(model.x_re) for _ in "ri")
        if kind == "recurrence" and rng.random() < 0.1:  # Var.set
            value = rng.integers(-1000, 1000, fixed.x_re.shape)
            for model in models:
                model.x_im[:] = value
        # Payloads reach a gate by connections of weight 1; accumulators are wider.
        reach = [2**24, 2 ** (bits - 1), 2 ** (bits - 1)]
        size = process.group.bias_re if kind == "recurrence" else process.group.bias
        received = [
            rng.integers(-r, r, size.shape)
            for r in (reach if kind == "gate" else reach[:1] * len(fixed.inputs))
        ]
        for model in models:
            model.time_step = step + 1
        expected, sent = (model.step(*received) for model in models)
        for name, a, b in zip(fixed.outputs, expected, sent, strict=True):
            np.testing.assert_array_equal(a, b, err_msg=f"{name}, step {step}")
        for var in process.vars:
            if "instructions" not in var.name:
                a, b = (getattr(model, var.name) for model in models)
                np.testing.assert_array_equal(a, b, err_msg=f"{var.name}, step {step}")
    return programmed


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@given(recipes(), timings(), st.integers(0, 2**32 - 1), st.sampled_from([None, PLAN]))
@settings(max_examples=40)
def test_groups_send_and_keep_what_fixed_pt_does(kind, recipe, options, seed, lines):
    compare(kind, random_net(recipe, seed, lines), options, seed)


def test_recurrences_overflow_and_rest_in_these_tests(network):
    net = network(4, spec.Recipe(state_bits=16))
    options = {"depth": 2, "period": 3, "num_tokens": None}
    model = compare("recurrence", net, options, seed=3)
    assert model.overflow_x_re[0] > 0
    assert 0 < model.instructions_recurrence[0] < model.interpreter.executed_total


# In a Lava runtime.


def instruction_counts(net, tokens, clocked):
    """What `proc.instructions` should say, from the interpreter without Lava."""
    counts = {}
    microcode.run(net, tokens, counts=counts)
    return {
        name: c.total + clocked * CLOCK * c.neurons * c.tokens * ("recurr" in name)
        for name, c in counts.items()
    }


def same_in_lava(net, x, layered, mode="pipelined"):
    """Answers, overflow and instructions of a run in pieces; resets in between."""
    expected, trace = OverflowCounters(), {}
    y = reference.run(net, x, trace, expected)
    cut = len(x) // 3
    with proc.Session(net, "microcode", layered, mode=mode) as session:
        pieces = [session.run(part) for part in (x[:cut], x[cut:])]
        np.testing.assert_array_equal(np.concatenate(pieces), y)
        assert +session.counters == +expected
        executed = proc.instructions(session.process)
        assert executed == instruction_counts(net, x, clocked=layered)
        for name in ("x_re", "x_im"):
            var = getattr(session.process, f"layer1_{name}")
            np.testing.assert_array_equal(var.get(), trace[f"layer1_{name}"][-1])
        session.reset()
        np.testing.assert_array_equal(session.run(x[cut:]), reference.run(net, x[cut:]))
    return expected


@pytest.mark.usefixtures("leaves_nothing")
@pytest.mark.parametrize("layered", LAYERED)
def test_a_network_in_pieces_with_a_reset(network, random_tokens, layered):
    net = network(4)
    counts = same_in_lava(net, random_tokens(net, 15), layered)
    assert sum(counts.values()) > 0  # the case is meant to overflow


@slow
@pytest.mark.parametrize("layered", [False, True])
def test_a_network_falls_through(network, random_tokens, layered):
    net = network(8)
    same_in_lava(net, random_tokens(net, 6), layered, "fall_through")


@slow
@given(
    recipes(), st.integers(0, 2**32 - 1), st.sampled_from(["pipelined", "fall_through"])
)
@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow])
def test_random_networks_fused(recipe, seed, mode):
    net = random_net(recipe, seed, n_blocks=2)
    fmt = net.layers[0].inp.format
    x = np.random.default_rng(seed).integers(fmt.lowest, fmt.highest + 1, (9, net.d_in))
    same_in_lava(net, x, layered=False, mode=mode)


@slow
@given(recipes(), st.integers(0, 2**32 - 1))
@settings(max_examples=2, suppress_health_check=[HealthCheck.too_slow])
def test_random_networks_layered(recipe, seed):
    net = random_net(recipe, seed)
    fmt = net.layers[0].inp.format
    x = np.random.default_rng(seed).integers(fmt.lowest, fmt.highest + 1, (9, net.d_in))
    same_in_lava(net, x, layered=True)


@slow
@pytest.mark.parametrize("options", [{"depth": 2}, {"period": 2, "reset_interval": 6}])
def test_every_step_is_the_same_whichever_model_runs(
    network, random_tokens, ports, options
):
    net = network(8)
    x = random_tokens(net, 15)
    process = proc.SparseRNN(net, **options)
    expected = ports(process, x, 25)
    assert expected.any()
    for layered in (False, True):
        cfg = proc.MicrocodeSimCfg(layered=layered)
        found = ports(process, x, 25, run_cfg=cfg)
        np.testing.assert_array_equal(found, expected)


@slow
@pytest.mark.parametrize(("layered", "n_tokens"), [(False, 100), (True, 12)])
def test_the_shipped_networks_on_real_sound(request, heard, layered, n_tokens):
    net = request.getfixturevalue("shipped_small" if layered else "shipped")
    tokens = heard(net)[-n_tokens:]  # speech has begun
    expected, found = OverflowCounters(), OverflowCounters()
    y = reference.run(net, tokens, counters=expected)
    answers = proc.run(net, tokens, "microcode", layered, counters=found)
    np.testing.assert_array_equal(answers, y)
    assert +found == +expected


@slow
@pytest.mark.parametrize("layered", [False, True])
def test_monitors_and_vars(network, layered):
    net = network(4)
    block = proc.S5Block(net.layers[1], net.recipe)
    x = np.random.default_rng(1).integers(0, 20000, (14, block.inp.shape[0]))
    source, monitors = proc.Source(data=x), {}
    source.s_out.connect(block.inp)
    for name in ("x_re", "overflow_x_re", "instructions_gate", "out"):
        monitors[name] = Monitor()
        monitors[name].probe(getattr(block, name), 14)
    executor = reference.Reference(block.network)
    at = 1 if layered else block.latency
    try:
        block.run(RunSteps(8), proc.MicrocodeSimCfg(layered=layered))
        executor.run(x[: 8 - at])
        ((re, im),) = executor.state
        np.testing.assert_array_equal(block.x_re.get(), re)
        block.x_re.set(re - 700)
        executor.state = [(re - 700, im)]
        block.run(RunSteps(6))
        executor.run(x[8 - at : 14 - at])
        np.testing.assert_array_equal(block.x_re.get(), executor.state[0][0])
        data = {n: m.get_data()[block.name][n] for n, m in monitors.items()}
        np.testing.assert_array_equal(data["x_re"][-1], executor.state[0][0])
        assert data["instructions_gate"][-1, 0] == block.instructions_gate.get()[0] > 0
        assert (np.diff(data["instructions_gate"][block.latency :, 0]) > 0).all()
        assert data["out"][block.latency :].any()
    finally:
        block.stop()


@slow
@pytest.mark.parametrize("layered", [False, True])
@pytest.mark.parametrize("runtime", inline.RUNTIMES)
def test_a_state_that_does_not_fit_ends_the_run(
    network, random_tokens, layered, runtime, capfd
):
    net = network(3)
    with proc.Session(net, "microcode", layered, runtime=runtime) as session:
        session.run(random_tokens(net, 2))
        state = session.process.layer1_x_re

        def use():
            state.set(np.full(state.shape, 2**23))  # may raise, in this process
            session.run(random_tokens(net, 20))

        with pytest.raises(SpecError, match="8388608 (at|of neuron) 0 does not fit"):
            use()
    assert ("sends zeros" in capfd.readouterr().err) == (runtime == "processes")


def between_stock(net, run_cfg):
    """A block between a stock Dense and a stock LIF; what the LIF does."""
    block = proc.S5Block(net.layers[1], net.recipe)
    x = np.random.default_rng(0).integers(0, 9000, (12, block.inp.shape[0]))
    weights = 2 * np.eye(x.shape[1], dtype=int)
    dense = Dense(weights=weights, num_message_bits=16)
    lif = LIF(shape=block.out.shape, vth=60000, dv=256, du=4095)
    sink = proc.Sink(shape=lif.s_out.shape, num_steps=12)
    source = proc.Source(data=x)
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(block.inp)
    block.out.connect(lif.a_in)
    lif.s_out.connect(sink.a_in)
    try:
        block.run(RunSteps(12), run_cfg)
        return sink.data, lif.v.get(), block.instructions_readout.get()[0]
    finally:
        block.stop()


@slow
def test_stock_processes_in_between(network):
    net = network(7)
    *fixed, none = between_stock(net, proc.RunCfg())
    *programmed, executed = between_stock(net, proc.MicrocodeSimCfg())
    for a, b in zip(fixed, programmed, strict=True):
        assert a.any()
        np.testing.assert_array_equal(a, b)
    assert none == 0 < executed


@slow
def test_diagonal_channels(random_tokens):
    rng = np.random.default_rng(2)
    a = 0.9 * np.exp(1j * rng.uniform(0, 3, (3, 4)))
    b, c = (rng.normal(size=(3, 4)) + 1j * rng.normal(size=(3, 4)) for _ in "bc")
    s4d = proc.S4D.from_float(a, b, c, input_range=1.0)
    u = s4d.to_wire(rng.uniform(-1, 1, (12, 3)))
    y = proc.run(s4d, u)
    assert y.any()
    with proc.Session(s4d, "microcode") as session:
        np.testing.assert_array_equal(session.run(u), y)
        assert all(proc.instructions(session.process).values())
