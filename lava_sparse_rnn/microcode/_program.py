# SPDX-License-Identifier: BSD-3-Clause
"""A program: what it declares, and its instructions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from lava_sparse_rnn.fixed_point import Brief
from lava_sparse_rnn.microcode._errors import NOWHERE, AssemblyError, Position
from lava_sparse_rnn.microcode._isa import (
    BRANCHES,
    MEMORY,
    MIN_BITS,
    OPCODES,
    REGISTER_BITS,
    RESERVED,
    ROUNDING_WORDS,
    Kind,
    Opcode,
    Role,
)

Operand = str | int
COUNTED = (Kind.STATE, Kind.OUTPUT)
FULL_WIDTH = (Kind.GROUP, Kind.ACCUMULATOR)
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Declaration:
    """Something that a program gives a name.

    Parameters
    ----------
    kind : Kind
        REGISTER, GROUP, PER_NEURON, STATE, ACCUMULATOR or OUTPUT.
    name : str
    bits : int
        Width, sign included. A value that is written and does not fit saturates or
        wraps, as the interpreter is told; a constant must fit.
    counted : bool
        Of a register: values that do not fit are counted under its name. States and
        outputs always count.
    position : Position
        In the text; not compared.
    """

    kind: Kind
    name: str
    bits: int = REGISTER_BITS
    counted: bool = False
    position: Position = field(default=NOWHERE, compare=False)

    def __post_init__(self) -> None:
        counted = self.kind in COUNTED or (self.counted and self.kind is Kind.REGISTER)
        object.__setattr__(self, "counted", counted)


@dataclass(frozen=True)
class Instruction:
    """One instruction.

    Parameters
    ----------
    opcode : str
    operands : tuple of str or int
        Names, labels and rounding words; numbers.
    position : Position
        Of the opcode in the text; not compared.
    columns : tuple of int
        Of the operands; not compared.
    """

    opcode: str
    operands: tuple[Operand, ...]
    position: Position = field(default=NOWHERE, compare=False)
    columns: tuple[int, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        return f"{self.opcode:<8}{', '.join(str(o) for o in self.operands)}".rstrip()

    def where(self, i: int) -> Position:
        """The place of operand ``i``, or of the opcode where there is none."""
        if i < len(self.columns):
            return Position(self.position.line, self.columns[i])
        return self.position

    @property
    def roles(self) -> Iterator[tuple[Role, Operand]]:
        """Each operand with its role."""
        return zip(OPCODES[self.opcode].roles, self.operands, strict=False)


@dataclass(frozen=True)
class Program(Brief):
    """A neuron program, checked against the rules of the instruction set when made.

    Parameters
    ----------
    name : str
    declarations : tuple of Declaration
    instructions : tuple of Instruction
    labels : tuple of (str, int)
        Each with the index of the instruction that it stands before.

    Raises
    ------
    AssemblyError
        When a name, an operand, a width or a jump breaks a rule; it says where.
    """

    name: str
    declarations: tuple[Declaration, ...]
    instructions: tuple[Instruction, ...]
    labels: tuple[tuple[str, int], ...] = ()

    def _about(self) -> str:
        sizes = f"{len(self.instructions)} instructions, {len(self.labels)} labels"
        return f"{self.name!r}, {sizes}, {len(self.declarations)} declarations"

    def __post_init__(self) -> None:
        labels = tuple(sorted(self.labels, key=lambda label: label[1]))
        object.__setattr__(self, "labels", labels)
        if self.name and not NAME.fullmatch(self.name):
            raise AssemblyError(f"{self.name!r} is no name for a program")
        seen: dict[str, Declaration] = {}
        for d in self.declarations:
            self._check_declaration(d, seen)
            seen[d.name] = d
        _check_labels(self, seen)
        for index, instruction in enumerate(self.instructions):
            _check_instruction(self, index, instruction)

    def _check_declaration(self, d: Declaration, seen: dict) -> None:
        if d.name in RESERVED or not NAME.fullmatch(d.name):
            text = f"{d.name!r} is a reserved word or no name"
            raise AssemblyError(text, d.position, self.name)
        if d.name in seen:
            first = seen[d.name]
            text = f"{d.name!r} is already declared as {first.kind.value}"
            at = f" in line {first.position.line}" if first.position.line else ""
            raise AssemblyError(text + at, d.position, self.name)
        least = REGISTER_BITS if d.kind in FULL_WIDTH else MIN_BITS
        if not least <= d.bits <= REGISTER_BITS:
            text = f"{d.name!r} has {d.bits} bits, must be {least} to"
            raise AssemblyError(f"{text} {REGISTER_BITS}", d.position, self.name)

    @cached_property
    def names(self) -> dict[str, Declaration]:
        """Every declaration by its name."""
        return {d.name: d for d in self.declarations}

    @cached_property
    def label_index(self) -> dict[str, int]:
        """The instruction that each label stands before."""
        return dict(self.labels)

    def of_kind(self, *kinds: Kind) -> list[Declaration]:
        """The declarations of these kinds, in order."""
        return [d for d in self.declarations if d.kind in kinds]

    def kind_of(self, operand: Operand, role: Role) -> Kind | None:
        """What an operand in this place is; None for a name that is not declared."""
        if not isinstance(operand, str):
            return Kind.IMMEDIATE
        if Kind.LABEL in role.kinds:
            return Kind.LABEL
        if operand in ROUNDING_WORDS:
            return Kind.ROUNDING
        declaration = self.names.get(operand)
        return declaration.kind if declaration else None

    def target(self, index: int) -> int | None:
        """Where instruction ``index`` may go besides the next; None if nowhere."""
        instruction = self.instructions[index]
        if instruction.opcode not in BRANCHES:
            return None
        (operand,) = instruction.operands
        if isinstance(operand, str):
            return self.label_index[operand]
        return index + 1 + operand

    @property
    def state_bytes(self) -> int:
        """Bytes of state per neuron, each variable in whole bytes."""
        return sum((d.bits + 7) // 8 for d in self.of_kind(Kind.STATE))

    @property
    def constant_bytes(self) -> int:
        """Bytes of per-neuron constants, each in whole bytes."""
        return sum((d.bits + 7) // 8 for d in self.of_kind(Kind.PER_NEURON))

    def __len__(self) -> int:
        return len(self.instructions)


def _check_labels(program: Program, names: dict[str, Declaration]) -> None:
    seen = set()
    for label, index in program.labels:
        taken = label in names or label in RESERVED or label in seen
        if taken or not NAME.fullmatch(label):
            where = _label_position(program, index)
            raise AssemblyError(
                f"label {label!r} is taken or no name", where, program.name
            )
        if not 0 <= index <= len(program.instructions):
            text = f"label {label!r} stands before instruction {index}, there are"
            count = len(program.instructions)
            raise AssemblyError(f"{text} {count}", NOWHERE, program.name)
        seen.add(label)


def _label_position(program: Program, index: int) -> Position:
    if 0 <= index < len(program.instructions):
        return program.instructions[index].position
    return NOWHERE


def _check_instruction(program: Program, index: int, instruction: Instruction) -> None:
    opcode = OPCODES.get(instruction.opcode)
    if opcode is None:
        known = ", ".join(OPCODES)
        text = f"there is no instruction {instruction.opcode!r}; there are: {known}"
        raise AssemblyError(text, instruction.position, program.name)
    given = len(instruction.operands)
    if not opcode.required <= given <= len(opcode.roles):
        text = f"{opcode.name} has {given} operands, must be: {opcode.form}"
        raise AssemblyError(text, instruction.position, program.name)
    for i, (role, operand) in enumerate(instruction.roles):
        if problem := _problem(program, opcode, role, operand):
            raise AssemblyError(problem, instruction.where(i), program.name)
    _check_memory(program, instruction)
    _check_branch(program, index, instruction)


def _problem(
    program: Program, opcode: Opcode, role: Role, operand: Operand
) -> str | None:
    """What is wrong with an operand; None where nothing is."""
    kind = program.kind_of(operand, role)
    if kind is None:
        return f"{operand!r} is not declared"
    if kind not in role.kinds:
        allowed = ", ".join(k.value for k in Kind if k in role.kinds)
        text = f"{role.name} of {opcode.name} is {kind.value} ({operand})"
        return f"{text}, must be: {allowed}"
    if kind is Kind.LABEL and operand not in program.label_index:
        return f"there is no label {operand!r}"
    if isinstance(operand, int) and not role.low <= operand <= role.high:
        return f"{role.name} of {opcode.name} is {operand}, must be {role.low} to " + (
            str(role.high)
        )
    if opcode.name == "PROBE" and kind is Kind.IMMEDIATE:
        return f"PROBE shows something that has a name, {operand} has none"
    return None


def _check_memory(program: Program, instruction: Instruction) -> None:
    """MOV goes between a register and memory, not from memory to memory."""
    if instruction.opcode != "MOV":
        return
    place, value = (program.kind_of(o, r) for r, o in instruction.roles)
    if place in MEMORY and value in MEMORY:
        text = f"MOV from {value.value} to {place.value}: one must be a register"
        raise AssemblyError(text, instruction.where(1), program.name)


def _check_branch(program: Program, index: int, instruction: Instruction) -> None:
    """Forward only, so that every program ends and has a longest path."""
    target = program.target(index)
    if target is None:
        return
    if target <= index:
        text = f"JMP_C to {instruction.operands[0]!r} goes back; jumps go forward only"
        raise AssemblyError(text, instruction.where(0), program.name)
    if target > len(program.instructions):
        left = len(program.instructions) - index - 1
        text = f"SKP_C leaves out {instruction.operands[0]} instructions, {left} follow"
        raise AssemblyError(text, instruction.where(0), program.name)
