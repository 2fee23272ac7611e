# SPDX-License-Identifier: BSD-3-Clause
"""The instruction set: names, operands and what each instruction does.

The names are those that public sources list for Loihi 2's programmable neurons.
Operand forms, widths, rounding and overflow are not public: those here are this
library's choice, "Loihi-2-style". `docs/microcode.md` tells which is which.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

REGISTER_BITS = 32  # a register, an accumulator, a payload at its widest
MIN_BITS = 2  # a sign and a digit
MAX_SKIP = 255  # a distance in one byte
MAX_SHIFT = 62  # of MUL_SHR to the right: nothing of a 64-bit product is left
MAX_LEFT_SHIFT = 31  # of MUL_SHR and SHL to the left


class Kind(Enum):
    """What an operand can be; the value is how messages call it."""

    REGISTER = "a register"
    GROUP = "a group constant"
    PER_NEURON = "a per-neuron constant"
    STATE = "a state"
    ACCUMULATOR = "an accumulator"
    OUTPUT = "an output"
    IMMEDIATE = "a number"
    ROUNDING = "floor or nearest"
    LABEL = "a label"


MEMORY = frozenset({Kind.STATE, Kind.PER_NEURON})
_DIRECT = frozenset({Kind.REGISTER, Kind.GROUP, Kind.IMMEDIATE})


@dataclass(frozen=True)
class Role:
    """The place of an operand: what may stand there.

    Parameters
    ----------
    name : str
        As tables show it.
    kinds : frozenset of Kind
    low, high : int
        Of an immediate number.
    optional : bool
    """

    name: str
    kinds: frozenset[Kind]
    low: int = -(1 << (REGISTER_BITS - 1))
    high: int = (1 << (REGISTER_BITS - 1)) - 1
    optional: bool = False


DST = Role("dst", frozenset({Kind.REGISTER}))
A = Role("a", _DIRECT)
B = Role("b", _DIRECT)
PLACE = Role("place", frozenset({Kind.REGISTER, Kind.STATE}))
VALUE = Role("value", _DIRECT | MEMORY)
STATE = Role("state", frozenset({Kind.STATE}))
INPUT = Role("input", frozenset({Kind.ACCUMULATOR, Kind.STATE}))
OUT = Role("out", frozenset({Kind.OUTPUT}))
AMOUNT = Role("amount", _DIRECT, -MAX_LEFT_SHIFT, MAX_LEFT_SHIFT)
RIGHT = Role("amount", _DIRECT, -MAX_LEFT_SHIFT, MAX_SHIFT)
ROUNDING = Role("rounding", frozenset({Kind.ROUNDING}), optional=True)
COUNT = Role("count", frozenset({Kind.IMMEDIATE}), 1, MAX_SKIP)
LABEL = Role("label", frozenset({Kind.LABEL}))


@dataclass(frozen=True)
class Opcode:
    """An instruction of the set.

    Parameters
    ----------
    name : str
    roles : tuple of Role
        Of its operands, in order.
    effect : str
        What it does, one line; ``c`` is the neuron's flag.
    """

    name: str
    roles: tuple[Role, ...]
    effect: str

    @property
    def form(self) -> str:
        """The instruction with its operands' names, as in ``ADD dst, a, b``."""
        parts = [f"[{r.name}]" if r.optional else r.name for r in self.roles]
        return f"{self.name} {', '.join(parts)}"

    @property
    def required(self) -> int:
        """How many operands it needs at least."""
        return sum(not r.optional for r in self.roles)


OPCODES: dict[str, Opcode] = {
    op.name: op
    for op in (
        Opcode("MOV", (PLACE, VALUE), "place = value; at most one is in memory"),
        Opcode("RMW", (DST, STATE, A), "state = state + a; dst = state"),
        Opcode("RDC", (DST, INPUT), "dst = input; input = 0"),
        Opcode("ADD", (DST, A, B), "dst = a + b"),
        Opcode("NEG", (DST, A), "dst = -a"),
        Opcode("MIN", (DST, A, B), "dst = the smaller of a and b"),
        Opcode(
            "SHL", (DST, A, AMOUNT), "dst = a << amount; a >> -amount where negative"
        ),
        Opcode("AND", (DST, A, B), "dst = a & b, bit by bit"),
        Opcode("OR", (DST, A, B), "dst = a | b, bit by bit"),
        Opcode(
            "MUL_SHR",
            (DST, A, B, RIGHT, ROUNDING),
            "dst = (a * b) >> amount, rounded; << -amount where negative",
        ),
        Opcode("LT", (A, B), "c = a < b"),
        Opcode("GE", (A, B), "c = a >= b"),
        Opcode("EQ", (A, B), "c = a == b"),
        Opcode("SEL", (DST, A, B), "dst = a where c is set, else b"),
        Opcode("SKP_C", (COUNT,), "leave out the next count instructions if c is set"),
        Opcode("JMP_C", (LABEL,), "go on at label, farther down, if c is set"),
        Opcode("SPIKE", (OUT, A), "send payload a on out; a payload of 0 is not sent"),
        Opcode("PROBE", (A,), "show a to the host under its name"),
    )
}
"""Every instruction by name, as docs/microcode.md lists them."""

COMPARISONS = ("LT", "GE", "EQ")
READS_FLAG = ("SEL", "SKP_C", "JMP_C")
BRANCHES = ("SKP_C", "JMP_C")
ROUNDING_WORDS = ("floor", "nearest")
RESERVED = frozenset({*OPCODES, *ROUNDING_WORDS, "per_neuron", "counted"})
