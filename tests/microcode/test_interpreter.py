# SPDX-License-Identifier: BSD-3-Clause
"""The interpreter from outside: constants, state, reset, probes, counts, tracer.

What each instruction computes is in test_random_programs.
"""

import numpy as np
import pytest

from lava_sparse_rnn.fixed_point import OverflowCounters, SpecError
from lava_sparse_rnn.microcode import Interpreter, MicrocodeError, Tracer, assemble

# A neuron that adds up what arrives and sends what exceeds a threshold.
THRESHOLD = """
.program threshold
.const limit
.const leak per_neuron 8
.acc   in
.state v 12
.out   o 8
.reg   t
.reg   a
        RDC     a, in
        MOV     t, leak
        ADD     a, a, t
        RMW     t, v, a
        LT      t, limit
        JMP_C   idle
        SPIKE   o, t
        RDC     t, v
idle:   PROBE   t
"""


@pytest.fixture
def threshold():
    constants = {"limit": 10, "leak": [0, -1, -2]}
    return Interpreter(assemble(THRESHOLD), constants, 3)


def test_neurons_keep_their_state_and_diverge(threshold):
    arriving = np.array([6, 7, 5])
    assert threshold.step({"in": arriving})["o"].tolist() == [0, 0, 0]
    assert threshold.read("v").tolist() == [6, 6, 3]
    assert threshold.step({"in": arriving})["o"].tolist() == [12, 12, 0]
    assert threshold.state["v"].tolist() == [0, 0, 6]
    assert threshold.probes["t"].tolist() == [12, 12, 6]
    assert threshold.executed.tolist() == [16, 16, 14]
    assert threshold.longest_executed == 9
    assert threshold.executed_by_opcode["SPIKE"] == 2
    assert threshold.executed_by_opcode["RDC"] == 8
    assert threshold.messages == {"o": 2}


def test_what_does_not_fit_is_counted_under_its_name(threshold):
    threshold.step({"in": np.array([2000, 2050, -9000])})
    # v holds -2048..2047, o -128..127.
    assert threshold.counters == {"v": 2, "o": 2}
    assert threshold.read("v").tolist() == [0, 0, -2048]
    others = threshold.counters = OverflowCounters()
    threshold.step({"in": np.array([200, 0, 3000])})
    assert others == {"o": 2}


def test_wrap():
    interpreter = Interpreter(
        assemble(THRESHOLD), {"limit": -3000, "leak": 0}, 1, overflow="wrap"
    )
    assert interpreter.step({"in": np.array([2050])})["o"].tolist() == [2]
    assert interpreter.counters == {"v": 1, "o": 1}


def test_reset_and_write(threshold):
    first = [threshold.step({"in": np.array([6, 6, 6])})["o"] for _ in range(4)]
    threshold.reset()
    again = [threshold.step({"in": np.array([6, 6, 6])})["o"] for _ in range(4)]
    assert np.array_equal(first, again)
    assert threshold.steps == 8
    threshold.reset_counts()
    assert (threshold.steps, threshold.executed_total) == (0, 0)
    threshold.write("v", [1, 2, 3])
    assert threshold.step()["o"].tolist() == [0, 0, 0]
    assert threshold.read("v").tolist() == [1, 1, 1]


def test_accumulators_keep_what_no_one_reads():
    text = ".acc in\n.const on\n.out o 32\n.reg a\nEQ on, 0\nJMP_C e\n"
    program = assemble(text + "RDC a, in\nSPIKE o, a\ne:")
    waiting = Interpreter(program, {"on": 0}, 2)
    for _ in range(3):
        waiting.step({"in": np.array([1, 2])})
    assert waiting.read("in").tolist() == [3, 6]
    reading = Interpreter(program, {"on": 1}, 2)
    reading.step({"in": np.array([1, 2])})
    assert reading.step({"in": np.array([1, 2])})["o"].tolist() == [1, 2]


def test_answers_belong_to_the_caller(threshold):
    arriving = np.array([20, 20, 20], dtype=np.int32)
    out = threshold.step({"in": arriving})["o"]
    before = out.copy()
    arriving[:] = 0
    threshold.step()
    assert np.array_equal(out, before)
    out[:] = 7
    threshold.read("v")[:] = 7
    assert threshold.step()["o"].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("constants", "message"),
    [
        ({"limit": 1}, "program 'threshold' needs constant 'leak'"),
        ({"limit": 1, "leak": 0, "x": 0}, "has no constant 'x'; it has: limit, leak"),
        ({"limit": 1, "leak": [0, 1]}, r"'leak': shape \(2,\), must be one of: \(\)"),
        ({"limit": [1, 2, 3], "leak": 0}, r"'limit': shape \(3,\)"),
        ({"limit": 1, "leak": [0, 0, 128]}, "128 of neuron 2 does not fit 8 bits"),
        ({"limit": 1.5, "leak": 0}, "'limit': values are float64, must be integers"),
        ({"limit": 1 << 31, "leak": 0}, "2147483648 of neuron 0 does not fit 32 bits"),
    ],
)
def test_constants_are_checked(constants, message):
    with pytest.raises(MicrocodeError, match=message):
        Interpreter(assemble(THRESHOLD), constants, 3)


def test_inputs_are_checked(threshold):
    with pytest.raises(MicrocodeError, match="no accumulator 'out'; there are in"):
        threshold.step({"out": np.zeros(3, int)})
    with pytest.raises(MicrocodeError, match=r"int64 of shape \(2,\), must be integer"):
        threshold.step({"in": np.zeros(2, int)})
    with pytest.raises(MicrocodeError, match="float64 of shape"):
        threshold.step({"in": np.zeros(3)})
    with pytest.raises(MicrocodeError, match="no state 't'; there are: v"):
        threshold.write("t", 0)
    with pytest.raises(MicrocodeError, match="2048 of neuron 0 does not fit 12 bits"):
        threshold.write("v", 2048)
    with pytest.raises(MicrocodeError, match="there is no 'w'; there are: limit"):
        threshold.read("w")
    with pytest.raises(MicrocodeError, match="n_neurons is 0"):
        Interpreter(assemble(""), n_neurons=0)
    for wrong in ({"rounding": "up"}, {"overflow": "never"}):
        with pytest.raises(SpecError, match="must be one of"):
            Interpreter(assemble(""), **wrong)


def test_tracer(threshold):
    tracer = Tracer(neuron=2)
    other = Tracer(neuron=0)
    for _ in range(2):
        threshold.step({"in": np.array([60, 60, 5])}, tracer)
    assert str(tracer) == TABLE
    with pytest.raises(MicrocodeError, match="neuron 3, there are 3"):
        threshold.step(tracer=Tracer(neuron=3))
    threshold.reset()
    threshold.step({"in": np.array([60, 60, 5])}, other)
    executed = [row.text.split()[0] for row in other.rows]
    assert executed == "RDC MOV ADD RMW LT JMP_C SPIKE RDC PROBE".split()
    assert other.rows[6].values == {"o": 60}


TABLE = """\
step  at  instruction       c  v   t  a
----  --  ----------------  -  -  --  -
   0   0  RDC     a, in               5
   0   1  MOV     t, leak         -2
   0   2  ADD     a, a, t             3
   0   3  RMW     t, v, a      3   3
   0   4  LT      t, limit  1
   0   5  JMP_C   idle
   0   8  PROBE   t
   1   0  RDC     a, in               5
   1   1  MOV     t, leak         -2
   1   2  ADD     a, a, t             3
   1   3  RMW     t, v, a      6   6
   1   4  LT      t, limit  1
   1   5  JMP_C   idle
   1   8  PROBE   t"""


def test_tracing_changes_nothing(threshold):
    constants = {"limit": 10, "leak": [0, -1, -2]}
    twin = Interpreter(assemble(THRESHOLD), constants, 3)
    rng = np.random.default_rng(0)
    for arriving in rng.integers(-3000, 3000, (50, 3)):
        sent = threshold.step({"in": arriving})
        traced = twin.step({"in": arriving}, Tracer(1))
        assert np.array_equal(sent["o"], traced["o"])
    assert threshold.executed.tolist() == twin.executed.tolist()
    assert threshold.executed_by_opcode == twin.executed_by_opcode
    assert threshold.counters == twin.counters
