# SPDX-License-Identifier: BSD-3-Clause
"""A program of one's own as a Lava Process."""

import re
from pathlib import Path

import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import Dense
from lava.proc.monitor.process import Monitor

from lava_sparse_rnn import microcode, proc, spec
from lava_sparse_rnn.fixed_point import SpecError
from lava_sparse_rnn.spec.groups import RecurrenceGroup

slow = pytest.mark.slow
MANUAL = Path(__file__).parents[2] / "docs" / "microcode.md"
THRESHOLD = re.search(
    r"```asm\n(.program threshold.*?)```", MANUAL.read_text("utf-8"), re.DOTALL
)[1]
LEAK = np.array([[-2, 1, 0], [3, 5, -1]])
SHAPE = LEAK.shape


def threshold(**kwargs):
    return proc.MicrocodeNeurons(
        THRESHOLD, SHAPE, {"limit": 10, "leak": LEAK}, **kwargs
    )


def by_hand(x, v=0):
    """The same neuron in plain numpy: payloads, states, what was shown, overflow."""
    payloads, states, shown, missed = [], [], [], 0
    v = np.full(SHAPE, v)
    for arrived in x:
        total = v + arrived + LEAK
        v = total.clip(-2048, 2047)
        shown.append(v)
        fires = v >= 10
        payloads.append(np.where(fires, v.clip(-128, 127), 0))
        missed += np.count_nonzero(fires & (v > 127))
        v = np.where(fires, 0, v)
        states.append(v)
    return np.array(payloads), np.array(states), np.array(shown), missed


def tokens(n):
    return np.random.default_rng(0).integers(-30, 150, (n, *SHAPE))


@pytest.mark.usefixtures("leaves_nothing")
def test_a_neuron_of_one_s_own_runs_like_any_other():
    neurons, x = threshold(state={"v": 3}), tokens(20)
    payloads, states, shown, missed = by_hand(x, 3)
    assert missed > 0
    with proc.Session(neurons) as session:
        pieces = [session.run(x[:7]), session.run(x[7:])]
        np.testing.assert_array_equal(np.concatenate(pieces), payloads)
        np.testing.assert_array_equal(neurons.v.get(), states[-1])
        assert neurons.overflow_o.get() == missed
        silent = 20 * 6 - np.count_nonzero(payloads)
        assert neurons.instructions.get() == 20 * 6 * 9 - 2 * silent
        np.testing.assert_array_equal(neurons.probe_t.get(), shown[-1])
        neurons.v.set(np.full(SHAPE, -40))
        np.testing.assert_array_equal(session.run(x), by_hand(x, -40)[0])
        session.reset()
        assert not neurons.v.get().any()
        np.testing.assert_array_equal(session.run(x), by_hand(x)[0])


@slow
@pytest.mark.parametrize(
    "run_cfg", [proc.MicrocodeSimCfg(), Loihi2SimCfg(select_tag="fixed_pt")]
)
def test_between_stock_processes_under_a_monitor(run_cfg):
    x = tokens(12).reshape(12, 6)
    neurons = proc.MicrocodeNeurons(
        microcode.assemble(THRESHOLD), (6,), {"limit": 10, "leak": LEAK.ravel()}
    )
    source, monitor = proc.Source(data=x), Monitor()
    dense = Dense(weights=2 * np.eye(6, dtype=int), num_message_bits=16)
    sink = proc.Sink(shape=(6,), num_steps=13)
    source.s_out.connect(dense.s_in)
    dense.a_out.connect(neurons.a_in)
    neurons.s_out.connect(sink.a_in)
    monitor.probe(neurons.v, 13)
    try:
        neurons.run(RunSteps(13), run_cfg)
        seen = monitor.get_data()[neurons.name]["v"]
    finally:
        neurons.stop()
    arrives = np.concatenate([np.zeros((1, 6), int), 2 * x]).reshape(13, *SHAPE)
    payloads, states, *_ = by_hand(arrives)
    np.testing.assert_array_equal(sink.data, payloads.reshape(13, 6))
    np.testing.assert_array_equal(seen, states.reshape(13, 6))


@slow
def test_a_library_program_by_its_text(network):
    net = network(4, spec.Recipe("nearest"))
    group = RecurrenceGroup.of(net.layers[1], net.recipe)
    neurons = proc.MicrocodeNeurons(
        microcode.program_for(group),
        group.a_re.shape,
        microcode.constants_for(group),
        rounding="nearest",
        reset_interval=5,
    )
    names = {port.name for port in (*neurons.in_ports, *neurons.out_ports)}
    assert names == {"a_B_re_in", "a_B_im_in", "s_s_re_out", "s_s_im_out"}
    x = np.random.default_rng(0).integers(-(2**24), 2**24, (2, 12, *group.a_re.shape))
    drive = [proc.Source(data=part) for part in x]
    sinks = [proc.Sink(shape=group.a_re.shape, num_steps=12) for _ in "ri"]
    drive[0].s_out.connect(neurons.a_B_re_in)
    drive[1].s_out.connect(neurons.a_B_im_in)
    neurons.s_s_re_out.connect(sinks[0].a_in)
    neurons.s_s_im_out.connect(sinks[1].a_in)
    try:
        neurons.run(RunSteps(12), proc.MicrocodeSimCfg())
        found = [sink.data for sink in sinks]
    finally:
        neurons.stop()
    arithmetic = net.recipe.arithmetic()
    for step in range(12):
        if step % 5 == 0:
            state = (np.zeros_like(group.a_re), np.zeros_like(group.a_re))
        drives = group.drive(x[0, step], x[1, step], arithmetic)
        state = group.advance(state, drives, arithmetic)
        expected = group.emit(state, arithmetic)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a[step], b)


@pytest.mark.parametrize(
    ("change", "arguments", "says"),
    [
        ((" v", " phase"), {}, "no state can be called 'phase'"),
        ((" v", " a_v_in"), {}, "no state can be called 'a_v_in'"),
        ((" v", " name"), {}, "no state can be called 'name'"),
        ((" v", " instructions"), {}, "no state can be called 'instructions'"),
        ((" v", " overflow_o"), {}, "no state can be called 'overflow_o'"),
        ((" v", " _x"), {}, "no state can be called '_x'"),
        (("", ""), {"state": {"v": 4000}}, "state 'v': 4000 .* does not fit 12 bits"),
        (("", ""), {"state": {"u": 1}}, "there is no state 'u'"),
        (("", ""), {"constants": {"limit": 1}}, "needs constant 'leak'"),
        (("RDC     a, in", "RDC     a, into"), {}, "line 10, column 20: 'into' is not"),
    ],
)
def test_what_is_wrong_is_said_when_it_is_made(change, arguments, says):
    options = {"constants": {"limit": 10, "leak": LEAK}} | arguments
    with pytest.raises(SpecError, match=says):
        proc.MicrocodeNeurons(THRESHOLD.replace(*change), SHAPE, **options)
    with pytest.raises(SpecError, match="program is a int, must be a Program"):
        proc.MicrocodeNeurons(5, SHAPE)
