# SPDX-License-Identifier: BSD-3-Clause
"""Random programs: text and back, and the interpreter against one neuron at a time.

`Scalar` is the instruction set written a second time: Python integers, a real
program counter, one neuron.
"""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lava_sparse_rnn import microcode

INT32 = st.one_of(
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-5, 5),
    st.sampled_from([-(2**31), 2**31 - 1, -32768, 32767, 65535]),
)
REGISTERS = ["r0", "r1", "r2", "r3"]
STATES = ["x", "y"]


def keep32(v):
    return (v + 2**31) % 2**32 - 2**31


class Scalar:
    """One neuron."""

    def __init__(self, program, constants, rounding, overflow):
        self.program, self.rounding, self.overflow = program, rounding, overflow
        self.memory = dict.fromkeys(program.names, 0) | constants
        self.counts, self.executed = Counter(), 0
        self.c = False

    def value(self, operand):
        return self.memory[operand] if isinstance(operand, str) else operand

    def write(self, name, value):
        d = self.program.names[name]
        value, half = keep32(value), 1 << (d.bits - 1)
        if self.overflow == "saturate":
            fitted = max(-half, min(half - 1, value))
        else:
            fitted = (value + half) % (2 * half) - half
        if d.counted:
            self.counts[name] += fitted != value
        self.memory[name] = fitted

    def step(self, arriving):
        for name, value in arriving.items():
            self.memory[name] = keep32(self.memory[name] + value)
        self.memory |= {"out0": 0, "out1": 0}
        pc = 0
        while pc < len(self.program):
            instruction = self.program.instructions[pc]
            self.executed += 1
            pc = pc + 1
            if instruction.opcode in ("SKP_C", "JMP_C"):
                pc = self.program.target(pc - 1) if self.c else pc
            else:
                operation = getattr(self, f"op_{instruction.opcode.lower()}")
                operation(*instruction.operands)

    def op_mov(self, d, a):
        self.write(d, self.value(a))

    op_spike = op_mov

    def op_rmw(self, d, state, a):
        self.write(state, self.memory[state] + self.value(a))
        self.write(d, self.memory[state])

    def op_rdc(self, d, source):
        value = self.memory[source]
        self.memory[source] = 0
        self.write(d, value)

    def op_add(self, d, a, b):
        self.write(d, self.value(a) + self.value(b))

    def op_neg(self, d, a):
        self.write(d, -self.value(a))

    def op_min(self, d, a, b):
        self.write(d, min(self.value(a), self.value(b)))

    def op_and(self, d, a, b):
        self.write(d, self.value(a) & self.value(b))

    def op_or(self, d, a, b):
        self.write(d, self.value(a) | self.value(b))

    def op_shl(self, d, a, amount):
        s = max(-62, min(31, self.value(amount)))
        self.write(d, self.value(a) << s if s >= 0 else self.value(a) >> -s)

    def op_mul_shr(self, d, a, b, amount, rounding=None):
        v, s = self.value(a) * self.value(b), max(-31, min(62, self.value(amount)))
        if s <= 0:
            v <<= -s
        else:
            nearest = (rounding or self.rounding) == "nearest"
            v = (v + (1 << (s - 1) if nearest else 0)) >> s
        self.write(d, v)

    def op_lt(self, a, b):
        self.c = self.value(a) < self.value(b)

    def op_ge(self, a, b):
        self.c = self.value(a) >= self.value(b)

    def op_eq(self, a, b):
        self.c = self.value(a) == self.value(b)

    def op_sel(self, d, a, b):
        self.write(d, self.value(a if self.c else b))

    def op_probe(self, a):
        pass


@st.composite
def programs(draw):
    """Programs that pass every check: all registers and the flag are set first."""
    bits = st.integers(2, 32)
    lines = [".program random", ".const g", ".const k per_neuron 32"]
    lines += [".const s per_neuron 7", ".acc in"]
    lines += [f".out out{i} {draw(bits)}" for i in range(2)]
    lines += [f".state {name} {draw(bits)}" for name in STATES]
    for name in REGISTERS:
        counted = draw(st.sampled_from(["", " counted"]))
        lines.append(f".reg {name} {draw(bits)}{counted}")
    lines += [f"MOV {name}, {draw(INT32)}" for name in REGISTERS]
    lines += ["LT r0, r1"]
    register = st.sampled_from(REGISTERS)
    source = st.one_of(register, register, st.just("g"), INT32.map(str))
    amount = st.one_of(register, st.just("g"), st.integers(-31, 31).map(str))
    place = st.sampled_from(REGISTERS + STATES)
    spikes = ["SPIKE out0, r0", "SPIKE out1, r1"]
    n = draw(st.integers(0, 24))
    for i in range(n):
        op = draw(st.sampled_from([*microcode.OPCODES, *["JMP_C", "SKP_C"] * 3]))
        a, b, d = draw(source), draw(source), draw(register)
        if op == "JMP_C":
            line = f"JMP_C l{draw(st.integers(i + 1, n))}"
        elif op == "SKP_C":
            # An instruction may be left out that is no line: a spike already sent.
            line = f"EQ {a}, {b}"
        elif op == "SPIKE":
            line = spikes.pop() if spikes else f"LT {a}, {b}"
        else:
            line = {
                "MOV": f"{draw(place)}, {d}",
                "RMW": f"{d}, {draw(st.sampled_from(STATES))}, {a}",
                "RDC": f"{d}, {draw(st.sampled_from(['in', *STATES]))}",
                "NEG": f"{d}, {a}",
                "SHL": f"{d}, {a}, {draw(amount)}",
                "MUL_SHR": f"{d}, {a}, {b}, {draw(amount)}"
                + draw(st.sampled_from(["", ", floor", ", nearest"])),
                "PROBE": d,
                **dict.fromkeys(("LT", "GE", "EQ"), f"{a}, {b}"),
            }.get(op, f"{d}, {a}, {b}")
            line = f"{op} {line}"
            if op == "MOV" and draw(st.booleans()):
                line = f"MOV {d}, {draw(st.sampled_from(['k', 's', *STATES]))}"
        lines.append(f"l{i}: {line}")
        if op == "SKP_C" and n - i > 1:
            lines.append(f"SKP_C {draw(st.integers(1, n - i - 1))}")
    lines.append(f"l{n}:")
    return microcode.assemble("\n".join(lines))


@given(programs())
@settings(max_examples=60)
def test_text_and_back(program):
    text = microcode.disassemble(program)
    again = microcode.assemble(text)
    assert again == program
    assert microcode.disassemble(again) == text


def check_lanes(program, data, n, rounding, overflow):
    lanes = st.lists(INT32, min_size=n, max_size=n)
    amounts = st.lists(st.integers(-64, 63), min_size=n, max_size=n)
    g, k, s = data.draw(INT32), data.draw(lanes), data.draw(amounts)
    interpreter = microcode.Interpreter(
        program, {"g": g, "k": k, "s": s}, n, rounding=rounding, overflow=overflow
    )
    scalars = [
        Scalar(program, {"g": g, "k": k[i], "s": s[i]}, rounding, overflow)
        for i in range(n)
    ]
    longest = 0
    for _ in range(3):
        arriving = data.draw(lanes)
        spikes = interpreter.step({"in": np.array(arriving)})
        for scalar, value in zip(scalars, arriving, strict=True):
            before = scalar.executed
            scalar.step({"in": value})
            longest = max(longest, scalar.executed - before)
        for name, sent in spikes.items():
            assert sent.tolist() == [s.memory[name] for s in scalars], name
        for name in [*STATES, *REGISTERS, "in"]:
            expected = [s.memory[name] for s in scalars]
            assert interpreter.read(name).tolist() == expected, name
    assert interpreter.counters == sum((s.counts for s in scalars), Counter())
    assert interpreter.executed.tolist() == [s.executed for s in scalars]
    assert interpreter.longest_executed == longest
    assert sum(interpreter.executed_by_opcode.values()) == interpreter.executed_total
    report = microcode.check(program)
    assert report.shortest <= interpreter.executed.min() / 3
    assert longest <= report.longest <= report.length


@pytest.mark.slow
@given(
    programs(),
    st.data(),
    st.integers(1, 8),
    st.sampled_from(["floor", "nearest"]),
    st.sampled_from(["saturate", "wrap"]),
)
@settings(max_examples=150)
def test_many_neurons_are_each_of_them_alone(program, data, n, rounding, overflow):
    check_lanes(program, data, n, rounding, overflow)
