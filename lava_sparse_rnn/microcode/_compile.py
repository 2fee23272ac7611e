# SPDX-License-Identifier: BSD-3-Clause
"""Instructions bound to a machine: each becomes one Python function.

A function takes the mask of the neurons that execute it, None where all do, which
is the common case and costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

import numpy as np

from lava_sparse_rnn.microcode._isa import COMPARISONS, REGISTER_BITS
from lava_sparse_rnn.microcode._kernels import (
    ALU,
    FITS,
    WIDE_SHIFTS,
    Amount,
    Lanes,
    Mask,
    shl,
)
from lava_sparse_rnn.microcode._program import Instruction, Operand, Program

Run = Callable[[Mask | None], None]
FLAG = 0  # the flag's slot


class Machine(Protocol):
    """What a bound instruction needs."""

    program: Program
    rounding: str
    overflow: str
    slots: list
    probes: dict[str, Lanes]

    def slot_of(self, operand: Operand) -> int:
        """The slot of a name or a number."""
        ...

    def amount_of(self, slot: int, sign: int) -> Amount:
        """The shift amount in a slot, times ``sign``."""
        ...

    def count(self, name: str, changed: Mask, mask: Mask | None) -> None:
        """Count values that did not fit."""
        ...


@dataclass
class Block:
    """Instructions that are executed one after another, whoever executes the first.

    Parameters
    ----------
    first : int
        Index of the first instruction.
    opcodes : list of str
    runs : list of function
        Without the branch, which the interpreter does itself.
    target : int or None
        Index of the block that the branch at its end may go to.
    full, partial : int
        How often all neurons executed it together; how many neurons did so apart.
    """

    first: int
    opcodes: list[str]
    runs: list[Run]
    target: int | None
    full: int = field(default=0)
    partial: int = field(default=0)


def compile_blocks(machine: Machine, single: bool = False) -> list[Block]:
    """The program as blocks.

    Parameters
    ----------
    machine : Machine
    single : bool
        One block per instruction, for a tracer that looks after each.
    """
    program = machine.program
    n = len(program)
    targets = {i: t for i in range(n) if (t := program.target(i)) is not None}
    starts = {0, *targets.values(), *(i + 1 for i in targets)} & set(range(n))
    if single:
        starts = set(range(n))
    order = [*sorted(starts), n]
    number = {start: k for k, start in enumerate(order)}
    blocks = []
    for start, stop in pairwise(order):
        last = targets.get(stop - 1)
        body = range(start, stop if last is None else stop - 1)
        opcodes = [i.opcode for i in program.instructions[start:stop]]
        runs = [bind(machine, program.instructions[i]) for i in body]
        blocks.append(
            Block(start, opcodes, runs, None if last is None else number[last])
        )
    return blocks


def bind(machine: Machine, instruction: Instruction) -> Run:
    """The function of one instruction that is not a branch.

    Parameters
    ----------
    machine : Machine
        Whose slots it reads and writes: int32 lanes of shape (n,), or (1,) where all
        neurons have the same.
    instruction : Instruction
        Of a checked program.

    Returns
    -------
    function of mask
        Executes it for the neurons of a mask, shape (n,), or for all where it is None.
    """
    binder = BINDERS.get(instruction.opcode, bind_alu)
    return binder(machine, instruction)


def writer(machine: Machine, name: str) -> Callable[[Lanes, Mask | None], None]:
    """A function that writes to a name, fitted to its width and counted."""
    slots, slot = machine.slots, machine.slot_of(name)
    declaration = machine.program.names[name]
    if declaration.bits == REGISTER_BITS:

        def write(value: Lanes, mask: Mask | None) -> None:
            slots[slot] = value if mask is None else np.where(mask, value, slots[slot])

        return write
    fit, counted = FITS[machine.overflow](declaration.bits), declaration.counted

    def write_fitted(value: Lanes, mask: Mask | None) -> None:
        fitted = fit(value)
        if counted:
            changed = fitted != value
            if np.count_nonzero(changed):
                machine.count(name, changed, mask)
        slots[slot] = fitted if mask is None else np.where(mask, fitted, slots[slot])

    return write_fitted


def bind_alu(machine: Machine, instruction: Instruction) -> Run:
    """Arithmetic, bits, comparisons, SEL."""
    slots, operation = machine.slots, ALU[instruction.opcode]
    operands = list(instruction.operands)
    if instruction.opcode in COMPARISONS:
        slot, name = FLAG, None
    else:
        name = str(operands.pop(0))
        slot = machine.slot_of(name)
    sources = [machine.slot_of(o) for o in operands]
    if instruction.opcode == "SEL":
        sources.insert(0, FLAG)
    if name is not None and machine.program.names[name].bits < REGISTER_BITS:
        write = writer(machine, name)

        def run_fitted(mask: Mask | None) -> None:
            write(operation(*[slots[s] for s in sources]), mask)

        return run_fitted
    return _direct(slots, slot, operation, sources)


def _direct(slots: list, slot: int, operation: Callable, sources: list[int]) -> Run:
    """The fast cases: a 32-bit destination, one or two sources."""
    if len(sources) == 2:
        a, b = sources

        def run_two(mask: Mask | None) -> None:
            value = operation(slots[a], slots[b])
            slots[slot] = value if mask is None else np.where(mask, value, slots[slot])

        return run_two

    def run(mask: Mask | None) -> None:
        value = operation(*[slots[s] for s in sources])
        slots[slot] = value if mask is None else np.where(mask, value, slots[slot])

    return run


def bind_mov(machine: Machine, instruction: Instruction) -> Run:
    """``MOV place, value`` and ``SPIKE output, value``: write, fitted to the width."""
    slots = machine.slots
    place, value = instruction.operands
    write, source = writer(machine, str(place)), machine.slot_of(value)

    def run(mask: Mask | None) -> None:
        write(slots[source], mask)

    return run


def bind_rmw(machine: Machine, instruction: Instruction) -> Run:
    """``RMW dst, state, a``: add ``a`` to the state, and read what it is then."""
    slots = machine.slots
    dst, state, a = instruction.operands
    write_dst, write_state = writer(machine, str(dst)), writer(machine, str(state))
    memory, source = machine.slot_of(state), machine.slot_of(a)

    def run(mask: Mask | None) -> None:
        write_state(slots[memory] + slots[source], mask)
        write_dst(slots[memory], mask)

    return run


def bind_rdc(machine: Machine, instruction: Instruction) -> Run:
    """``RDC dst, memory``: read, and set to 0 where it was read."""
    slots = machine.slots
    dst, memory = instruction.operands
    write, slot = writer(machine, str(dst)), machine.slot_of(memory)
    zero = np.zeros(1, dtype=np.int32)

    def run(mask: Mask | None) -> None:
        value = slots[slot]
        slots[slot] = zero if mask is None else np.where(mask, zero, value)
        write(value, mask)

    return run


def bind_shl(machine: Machine, instruction: Instruction) -> Run:
    """``SHL dst, a, amount``: ``a << amount``; a negative amount shifts right."""
    slots = machine.slots
    dst, a, amount = instruction.operands
    write, source = writer(machine, str(dst)), machine.slot_of(a)
    s = machine.slot_of(amount)

    def run(mask: Mask | None) -> None:
        write(shl(slots[source], machine.amount_of(s, -1)), mask)

    return run


def bind_mul_shr(machine: Machine, instruction: Instruction) -> Run:
    """``MUL_SHR dst, a, b, amount, [rounding]``: ``a * b`` in 64 bits, shifted."""
    slots = machine.slots
    dst, a, b, amount, *word = instruction.operands
    rounding = str(word[0]) if word else machine.rounding
    shift = WIDE_SHIFTS[rounding]
    write = writer(machine, str(dst))
    x, y, s = (machine.slot_of(o) for o in (a, b, amount))

    def run(mask: Mask | None) -> None:
        wide = np.multiply(slots[x], slots[y], dtype=np.int64)
        write(shift(wide, machine.amount_of(s, 1)), mask)

    def run_shift_only(mask: Mask | None) -> None:
        by = machine.amount_of(s, 1)
        if rounding == "floor" and by.right32 is not None:
            write(slots[x] >> by.right32, mask)
        else:
            write(shift(slots[x].astype(np.int64), by), mask)

    return run_shift_only if b == 1 else run


def bind_probe(machine: Machine, instruction: Instruction) -> Run:
    """``PROBE name``: show a value as it is now, where neurons execute this."""
    slots, probes = machine.slots, machine.probes
    name = str(instruction.operands[0])
    source = machine.slot_of(name)
    zero = np.zeros(1, dtype=np.int32)

    def run(mask: Mask | None) -> None:
        value = slots[source]
        old = probes.get(name, zero)
        probes[name] = value if mask is None else np.where(mask, value, old)

    return run


BINDERS: dict[str, Callable[[Machine, Instruction], Run]] = {
    "MOV": bind_mov,
    "RMW": bind_rmw,
    "RDC": bind_rdc,
    "SHL": bind_shl,
    "MUL_SHR": bind_mul_shr,
    "SPIKE": bind_mov,
    "PROBE": bind_probe,
}
