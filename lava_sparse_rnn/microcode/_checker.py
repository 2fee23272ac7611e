# SPDX-License-Identifier: BSD-3-Clause
"""Static checks: what is wrong or idle in a program, found without running it.

Jumps go forward only, so one pass over the instructions sees every path before it
sees where paths meet.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from dataclasses import dataclass, replace

from lava_sparse_rnn.fixed_point import Brief
from lava_sparse_rnn.microcode._errors import NOWHERE, AssemblyError, Position
from lava_sparse_rnn.microcode._isa import (
    COMPARISONS,
    READS_FLAG,
    RESERVED,
    Kind,
)
from lava_sparse_rnn.microcode._program import Instruction, Program

MAX_STATE_BYTES = 4096  # per neuron; Loihi 2's technology brief, second-hand
MAX_REGISTERS = 16  # our choice: the size of the register file is not public
MAX_LENGTH = 256  # our choice: the size of the microcode memory is not public


@dataclass(frozen=True)
class Finding:
    """Something that a check found.

    Parameters
    ----------
    severity : {"error", "warning"}
        A program with an error is not run.
    message : str
    position : Position
    """

    severity: str
    message: str
    position: Position = NOWHERE

    def __str__(self) -> str:
        return f"{self.severity}: {self.position}{self.message}"


@dataclass
class _Path:
    """What holds on every way to an instruction, and how long the ways are.

    Parameters
    ----------
    written : frozenset of str
        Registers that have a value on every way.
    sent : frozenset of str
        Outputs that some way has already used.
    flag : bool or None
        Whether the flag has been set on every way.
    value : bool or None
        The flag's value where it is the same on every way and known.
    shortest, longest : int
        Instructions executed so far.
    """

    written: frozenset[str] = frozenset()
    sent: frozenset[str] = frozenset()
    flag: bool = False
    value: bool | None = None
    shortest: int = 0
    longest: int = 0

    def meet(self, other: _Path | None) -> _Path:
        if other is None:
            return self
        return _Path(
            self.written & other.written,
            self.sent | other.sent,
            self.flag and other.flag,
            self.value if self.value == other.value else None,
            min(self.shortest, other.shortest),
            max(self.longest, other.longest),
        )


@dataclass(frozen=True)
class Report(Brief):
    """What `check` found.

    Parameters
    ----------
    findings : tuple of Finding
    shortest, longest : int
        Instructions that one neuron executes in a step, over all paths.
    length : int
        Instructions in memory.
    registers : int
    state_bytes, constant_bytes : int
        Per neuron, see `Program`.
    """

    findings: tuple[Finding, ...]
    shortest: int
    longest: int
    length: int
    registers: int
    state_bytes: int
    constant_bytes: int

    @property
    def errors(self) -> list[Finding]:
        """The findings with which a program is not run."""
        return [f for f in self.findings if f.severity == "error"]

    def raise_errors(self, program: Program) -> None:
        """Raise the first error, if there is one.

        Raises
        ------
        AssemblyError
        """
        for finding in self.errors:
            raise AssemblyError(finding.message, finding.position, program.name)


def check(program: Program) -> Report:
    """Look for mistakes that do not show in any single instruction.

    Errors: a register that is read where some path has not written it, the flag
    used before a comparison, an output used twice in a step, more state than a
    neuron has. Warnings: instructions that no path reaches, names that nothing
    uses, more registers or instructions than this library allows for.

    Parameters
    ----------
    program : Program

    Returns
    -------
    Report
    """
    walk = _Walk(program)
    findings = [*walk.findings, *_unused(program), *_limits(program)]
    return Report(
        tuple(findings),
        walk.end.shortest,
        walk.end.longest,
        len(program),
        len(program.of_kind(Kind.REGISTER)),
        program.state_bytes,
        program.constant_bytes,
    )


class _Walk:
    """One pass over the instructions, with what is known before each."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.findings: list[Finding] = []
        n = len(program)
        before: list[_Path | None] = [_Path(), *[None] * n]
        idle = False
        for i, instruction in enumerate(program.instructions):
            path = before[i]
            if path is None:
                if not idle:  # one finding for each stretch
                    self._add("warning", "no path reaches this", instruction.position)
                idle = True
                continue
            idle = False
            after = self._execute(instruction, path)
            for j, reached in self._next(i, after):
                before[j] = reached.meet(before[j])
        self.end = before[n] or _Path()

    def _add(self, severity: str, message: str, position: Position) -> None:
        self.findings.append(Finding(severity, message, position))

    def _next(self, i: int, path: _Path) -> Iterator[tuple[int, _Path]]:
        """Where a neuron may go after instruction ``i``, and what it knows there."""
        target = self.program.target(i)
        if target is None:
            yield i + 1, path
            return
        if path.value is not True:
            yield i + 1, replace(path, value=False)
        if path.value is not False:
            yield target, replace(path, value=True)

    def _execute(self, instruction: Instruction, path: _Path) -> _Path:
        opcode = instruction.opcode
        if opcode in READS_FLAG and not path.flag:
            text = f"{opcode} uses the flag before a comparison has set it"
            self._add("error", text, instruction.position)
        written, sent = set(path.written), set(path.sent)
        for i, (role, operand) in reversed([*enumerate(instruction.roles)]):
            kind = self.program.kind_of(operand, role)
            if kind is Kind.OUTPUT:
                if operand in sent:
                    text = f"output {operand!r} may already be used in this step"
                    self._add("error", text, instruction.where(i))
                sent.add(str(operand))
            elif kind is Kind.REGISTER and role.name in ("dst", "place"):
                written.add(str(operand))
            elif kind is Kind.REGISTER and operand not in written:
                text = f"register {operand!r} is read, but some path has not written it"
                self._add("error", text, instruction.where(i))
        flag, value = path.flag, path.value
        if opcode in COMPARISONS:
            flag, value = True, _known(instruction)
        return _Path(
            frozenset(written),
            frozenset(sent),
            flag,
            value,
            path.shortest + 1,
            path.longest + 1,
        )


_COMPARE = {"LT": operator.lt, "GE": operator.ge, "EQ": operator.eq}


def _known(instruction: Instruction) -> bool | None:
    """A comparison's answer where it is the same for every neuron and step."""
    a, b = instruction.operands
    if a == b:
        return instruction.opcode != "LT"
    if isinstance(a, int) and isinstance(b, int):
        return bool(_COMPARE[instruction.opcode](a, b))
    return None


def _unused(program: Program) -> Iterator[Finding]:
    used = {o for i in program.instructions for o in i.operands if isinstance(o, str)}
    used -= RESERVED
    for d in program.declarations:
        if d.name not in used:
            text = f"{d.kind.value} {d.name!r} is never used"
            yield Finding("warning", text, d.position)


def _limits(program: Program) -> Iterator[Finding]:
    if program.state_bytes > MAX_STATE_BYTES:
        text = f"{program.state_bytes:,} bytes of state per neuron"
        yield Finding("error", f"{text}, the limit is {MAX_STATE_BYTES:,}")
    registers = len(program.of_kind(Kind.REGISTER))
    if registers > MAX_REGISTERS:
        text = f"{registers} registers, this library allows for {MAX_REGISTERS}"
        yield Finding("warning", text)
    if len(program) > MAX_LENGTH:
        text = f"{len(program)} instructions, this library allows for {MAX_LENGTH}"
        yield Finding("warning", text)
