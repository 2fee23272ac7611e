# SPDX-License-Identifier: BSD-3-Clause
"""Stock Monitor, Var.get and Var.set reach the same Vars whichever models run."""

import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.monitor.process import Monitor

from lava_sparse_rnn import proc, spec
from lava_sparse_rnn.fixed_point import OverflowCounters, RealArithmetic
from lava_sparse_rnn.netx import hdf5
from lava_sparse_rnn.spec import reference

pytestmark = pytest.mark.slow

slow = pytest.mark.slow
T = 12


@pytest.fixture
def probed(network, random_tokens, tmp_path):
    """A function: run a kind of process with Vars and a port under Monitors."""

    def run(kind, layered, tag="fixed_pt", n_steps=None):
        net = network(4)
        process = MAKE[kind](net, tmp_path)
        x = random_tokens(net, T + 8)
        if kind == "block":
            x = np.random.default_rng(1).integers(
                0, 20000, (T + 8, net.layers[1].d_model)
            )
        prefix = "" if kind == "block" else "layer1_"
        targets = [getattr(process, prefix + n) for n in NAMES] + [process.out]
        source = proc.Source(data=x)
        source.s_out.connect(process.inp)
        n_steps, monitors = n_steps or T + 8, [Monitor() for _ in targets]
        for monitor, target in zip(monitors, targets, strict=True):
            monitor.probe(target, n_steps)
        cfg = Loihi2SimCfg(select_tag=tag, select_sub_proc_model=layered)
        try:
            process.run(RunSteps(n_steps), cfg)
            records = [
                m.get_data()[process.name][t.name]
                for m, t in zip(monitors, targets, strict=True)
            ]
            values = [t.get() for t in targets[:-1]]
        finally:
            process.stop()
        return process, x, dict(zip((*NAMES, "out"), records, strict=True)), values

    return run


NAMES = ("x_re", "x_im", "overflow_x_re", "overflow_out")


def _file(net, folder):
    net.save(folder / "a.net")
    return hdf5.Network(net_config=folder / "a.net")


MAKE = {
    "block": lambda net, folder: proc.S5Block(net.layers[1], net.recipe),
    "network": lambda net, folder: proc.SparseRNN(net),
    "file": _file,
}
CASES = [
    ("block", True, "fixed_pt"),
    ("network", False, "fixed_pt"),
    pytest.param("network", True, "floating_pt", marks=slow),
    pytest.param("file", True, "fixed_pt", marks=slow),
    pytest.param("block", False, "floating_pt", marks=slow),
]


@pytest.mark.parametrize(("kind", "layered", "tag"), CASES)
def test_monitors_see_the_reference_s_states(probed, kind, layered, tag):
    process, x, seen, values = probed(kind, layered, tag)
    network = process.proc_params["network"]
    real = {"fixed_pt": None, "floating_pt": RealArithmetic()}[tag]
    trace = {}
    answers = reference.Reference(network, real).run(x, trace=trace)
    prefix = "layer0_" if kind == "block" else "layer1_"
    # The recurrence is 1 hop into a block; the fused model shows what leaves.
    at = (1 if kind == "block" else 2) if layered else process.latency
    for name in ("x_re", "x_im"):
        expected = trace[prefix + name][: len(x) - at]
        np.testing.assert_allclose(seen[name][at:], expected, rtol=1e-9)
        assert not seen[name][:at].any()
    latency = process.latency
    np.testing.assert_allclose(
        seen["out"][latency:], answers[: len(x) - latency], rtol=1e-9
    )
    counters = OverflowCounters()
    reference.run(network, x[: len(x) - at], counters=counters)
    counted = counters[prefix + "x_re"] if tag == "fixed_pt" else 0
    assert seen["overflow_x_re"][-1, 0] == counted
    for name, value in zip(NAMES, values, strict=True):
        np.testing.assert_array_equal(value, seen[name][-1])


@pytest.mark.parametrize(
    ("layered", "tag"),
    [
        (False, "floating_pt"),
        (True, "fixed_pt"),
        pytest.param(True, "floating_pt", marks=slow),
    ],
)
def test_states_of_every_model_can_be_set(network, random_tokens, layered, tag):
    net = network(3, n_blocks=2)
    x = random_tokens(net, 10)
    real = {"fixed_pt": None, "floating_pt": RealArithmetic()}[tag]
    executor = reference.Reference(net, real)
    with proc.Session(net, tag, layered) as session:
        session.run(x[:4])
        executor.run(x[:4])
        new = []
        for i, parts in zip((1, 2), executor.state, strict=True):
            new.append(tuple(part // 2 + 1000 * i for part in parts))
            named = zip(("x_re", "x_im"), parts, new[-1], strict=True)
            for name, old, value in named:
                var = getattr(session.process, f"layer{i}_{name}")
                np.testing.assert_allclose(var.get(), old, rtol=1e-9)
                var.set(value)
        executor.state = new
        np.testing.assert_allclose(session.run(x[4:]), executor.run(x[4:]), rtol=1e-9)


def test_every_var_of_a_network_can_be_read_in_every_model(network, random_tokens):
    net = network(2)
    x = random_tokens(net, 6)
    read = []
    for layered in (False, True):
        with proc.Session(net, layered=layered) as session:
            session.run(x)
            read.append({v.name: v.get().tolist() for v in session.process.vars})
    assert read[0] == read[1]
    assert {"layer0_overflow_out", "layer1_x_im", "layer1_overflow_g"} <= set(read[0])
    groups = proc.Gate.of(net.layers[1], spec.Recipe()).vars
    assert {v.name for v in groups} == {
        "overflow_g",
        "overflow_out",
        "instructions_gate",
    }
