# SPDX-License-Identifier: BSD-3-Clause
"""Numbers that integer models cannot hold, in Vars and in messages."""

import re

import numpy as np
import pytest
from lava.magma.core.run_conditions import RunSteps
from lava.proc.io.source import PySendModelFloat, RingBuffer

from lava_sparse_rnn import proc
from lava_sparse_rnn.fixed_point import SpecError

slow = pytest.mark.slow
OFTEN, SELDOM = {"runtime": "inline"}, {"runtime": "processes"}
WAYS = [
    pytest.param(OFTEN, id="fused"),
    pytest.param(OFTEN | {"layered": True}, id="layered"),
    pytest.param(SELDOM, id="fused, processes", marks=slow),
    pytest.param(SELDOM | {"layered": True}, id="layered, processes", marks=slow),
    pytest.param(OFTEN | {"tag": "microcode"}, id="microcode", marks=slow),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("value", [np.nan, 1.5, 2.0**63])
@pytest.mark.filterwarnings("error:invalid value")
def test_a_state_of_integers_stays_one(network, random_tokens, way, value):
    net = network(3)
    x = random_tokens(net, 8)
    expected = proc.run(net, x)
    with proc.Session(net, **way) as session:
        first = session.run(x[:4])
        state = session.process.layer1_x_re
        before = state.get()
        new = np.full(state.shape, 7.0)
        new[1] = value
        text = f"x_re: value {value} at 1, must be a whole number from {-(2**63)} to"
        with pytest.raises(SpecError, match=re.escape(text)):
            state.set(new)
        np.testing.assert_array_equal(state.get(), before)
        np.testing.assert_array_equal(
            np.concatenate([first, session.run(x[4:])]), expected
        )


@slow
def test_a_state_of_real_numbers_may_have_fractions(network, random_tokens):
    net = network(3)
    with proc.Session(net, "floating_pt", runtime="processes") as session:
        session.run(random_tokens(net, 2))
        state = session.process.layer1_x_re
        state.set(np.full(state.shape, 1.5))
        assert (state.get() == 1.5).all()


class Floats(proc.RunCfg):
    """Stock sources send numbers of type float to models of integers."""

    def select(self, process, models):
        if isinstance(process, RingBuffer):
            return PySendModelFloat
        return super().select(process, models)


def answers(net, x, run_cfg):
    """What leaves a network in each time step, and x goes around and around."""
    process = proc.SparseRNN(net)
    source = RingBuffer(data=x)
    sink = proc.Sink(shape=process.out.shape, num_steps=20)
    source.s_out.connect(process.inp)
    process.out.connect(sink.a_in)
    try:
        process.run(RunSteps(20), run_cfg)
        return sink.data
    finally:
        process.stop()


LAYERED = [
    pytest.param(False, "inline", id="fused"),
    pytest.param(True, "inline", id="layered"),
    pytest.param(True, "processes", id="layered, processes", marks=slow),
]


@pytest.mark.parametrize(("layered", "runtime"), LAYERED)
def test_whole_floats_are_integers_at_a_port(network, random_tokens, layered, runtime):
    net = network(3)
    x = random_tokens(net, 5).T
    options = {"layered": layered, "runtime": runtime}
    expected = answers(net, x, proc.RunCfg("fixed_pt", **options))
    assert expected.any()
    found = answers(net, x.astype(float), Floats("fixed_pt", **options))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("value", [3.5, np.nan])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(("layered", "runtime"), LAYERED)
def test_other_floats_are_refused_at_a_port(network, layered, runtime, first, value):
    net = network(3)
    x = np.full((net.d_in, 5), 3.0)
    x[2, 0 if first else 3] = value
    port = "s_in" if layered else "input"
    said = rf"^{port}: values must be whole numbers .* at \(.*2,?\) is {value} "
    with pytest.raises(SpecError, match=said):
        answers(net, x, Floats("fixed_pt", layered=layered, runtime=runtime))
