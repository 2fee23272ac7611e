# SPDX-License-Identifier: BSD-3-Clause
"""Text to program and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby

from lava_sparse_rnn.microcode._errors import AssemblyError
from lava_sparse_rnn.microcode._isa import REGISTER_BITS, RESERVED, Kind
from lava_sparse_rnn.microcode._program import (
    Declaration,
    Instruction,
    Operand,
    Program,
)
from lava_sparse_rnn.microcode._template import Line, Token, Value, expand


def assemble(text: str, parameters: Mapping[str, Value] | None = None) -> Program:
    """Make a program of assembly text.

    Parameters
    ----------
    text : str
        See `docs/microcode.md` for the language.
    parameters : mapping from str to int or str, optional
        Values for the text's ``.param`` names instead of their defaults.

    Returns
    -------
    Program

    Raises
    ------
    AssemblyError
        When the text breaks a rule; the message and the attributes ``line`` and
        ``column`` say where.
    """
    if not isinstance(text, str):
        kind = type(text).__name__
        raise AssemblyError(f"assemble: the text is {kind}, must be str")
    assembler = _Assembler()
    for line in expand(text, parameters or {}):
        assembler.read(line)
    return Program(
        assembler.name,
        tuple(assembler.declarations),
        tuple(assembler.instructions),
        tuple(assembler.labels.items()),
    )


class _Assembler:
    def __init__(self) -> None:
        self.name = ""
        self.declarations: list[Declaration] = []
        self.instructions: list[Instruction] = []
        self.labels: dict[str, int] = {}

    def read(self, line: Line) -> None:
        """One line: a directive, or labels and an instruction."""
        if line[0].kind == "directive":
            directive = DIRECTIVES.get(line[0].text)
            if directive is None:
                known = ", ".join(sorted([*DIRECTIVES, ".param", ".if", ".repeat"]))
                text = f"there is no directive {line[0].text}; there are: {known}"
                raise line[0].error(text)
            directive(self, line[0], line[1:])
            return
        while len(line) > 1 and line[1].text == ":":
            self._label(line[0])
            line = line[2:]
        if line:
            self._instruction(line)

    def _label(self, token: Token) -> None:
        if token.kind != "name":
            raise token.error(f"{token.text!r} is no name for a label")
        declared = {d.name for d in self.declarations}
        if token.text in RESERVED | declared | self.labels.keys():
            raise token.error(f"{token.text!r} is taken, a label needs its own name")
        self.labels[token.text] = len(self.instructions)

    def _instruction(self, line: Line) -> None:
        opcode, rest = line[0], line[1:]
        if opcode.kind != "name":
            raise opcode.error(f"{opcode.text!r} is no instruction")
        operands: list[Operand] = []
        columns = []
        for i, token in enumerate(rest):
            is_mark = token.kind == "mark"
            if is_mark != bool(i % 2) or (is_mark and token.text != ","):
                found = "','" if i % 2 else "an operand"
                raise token.error(f"expected {found}, found {token.text!r}")
            if not is_mark:
                if token.kind == "directive":
                    raise token.error(f"expected an operand, found {token.text!r}")
                operands.append(token.value)
                columns.append(token.position.column)
        if rest and rest[-1].kind == "mark":
            raise rest[-1].error("expected an operand after ','")
        instruction = Instruction(
            opcode.text, tuple(operands), opcode.position, tuple(columns)
        )
        self.instructions.append(instruction)

    def _program(self, directive: Token, words: Line) -> None:
        """``.program NAME``."""
        _take(directive, words, "NAME", 1, 1)
        self.name = words[0].text

    def _add(self, kind: Kind, token: Token, bits: Value, counted: bool) -> None:
        if token.kind != "name":
            raise token.error(f"expected a name, found {token.text!r}")
        if token.text in self.labels:
            raise token.error(f"{token.text!r} is already a label")
        self.declarations.append(
            Declaration(kind, token.text, int(bits), counted, token.position)
        )

    def _const(self, directive: Token, words: Line) -> None:
        """``.const NAME``, or ``.const NAME per_neuron [BITS]``."""
        _take(directive, words, "NAME [per_neuron [BITS]]", 1, 3)
        if len(words) > 1 and words[1].text != "per_neuron":
            raise words[1].error(f"expected per_neuron, found {words[1].text!r}")
        kind = Kind.PER_NEURON if len(words) > 1 else Kind.GROUP
        bits = _bits(words[2]) if len(words) > 2 else REGISTER_BITS
        self._add(kind, words[0], bits, False)

    def _reg(self, directive: Token, words: Line) -> None:
        """``.reg NAME [BITS [counted]]``."""
        _take(directive, words, "NAME [BITS [counted]]", 1, 3)
        if len(words) > 2 and words[2].text != "counted":
            raise words[2].error(f"expected counted, found {words[2].text!r}")
        bits = _bits(words[1]) if len(words) > 1 else REGISTER_BITS
        self._add(Kind.REGISTER, words[0], bits, len(words) > 2)

    def _acc(self, directive: Token, words: Line) -> None:
        """``.acc NAME``."""
        _take(directive, words, "NAME", 1, 1)
        self._add(Kind.ACCUMULATOR, words[0], REGISTER_BITS, False)

    def _state(self, directive: Token, words: Line) -> None:
        """``.state NAME BITS``."""
        _take(directive, words, "NAME BITS", 2, 2)
        self._add(Kind.STATE, words[0], _bits(words[1]), True)

    def _out(self, directive: Token, words: Line) -> None:
        """``.out NAME BITS``."""
        _take(directive, words, "NAME BITS", 2, 2)
        self._add(Kind.OUTPUT, words[0], _bits(words[1]), True)


def _take(directive: Token, words: Line, form: str, low: int, high: int) -> None:
    if not low <= len(words) <= high:
        text = f"{directive.text} has {len(words)} words after it, must be: "
        raise directive.error(f"{text}{directive.text} {form}")


def _bits(token: Token) -> int:
    value = token.value
    if not isinstance(value, int):
        raise token.error(f"expected a width in bits, found {token.text!r}")
    return value


DIRECTIVES: dict[str, Callable[[_Assembler, Token, Line], None]] = {
    ".program": _Assembler._program,
    ".const": _Assembler._const,
    ".state": _Assembler._state,
    ".acc": _Assembler._acc,
    ".out": _Assembler._out,
    ".reg": _Assembler._reg,
}


def _declared(d: Declaration) -> str:
    """The directive that makes a declaration."""
    return DECLARED[d.kind](d)


DECLARED: dict[Kind, Callable[[Declaration], str]] = {
    Kind.GROUP: lambda d: f".const  {d.name}",
    Kind.PER_NEURON: lambda d: f".const  {d.name} per_neuron {d.bits}",
    Kind.STATE: lambda d: f".state  {d.name} {d.bits}",
    Kind.ACCUMULATOR: lambda d: f".acc    {d.name}",
    Kind.OUTPUT: lambda d: f".out    {d.name} {d.bits}",
    Kind.REGISTER: lambda d: (
        f".reg    {d.name} {d.bits}" + (" counted" if d.counted else "")
    ),
}


def disassemble(program: Program) -> str:
    """Text of a program: ``assemble(disassemble(p)) == p`` for every `Program`.

    Parameters, repetitions and comments of the text that it came from are gone.
    """
    return "\n".join(_text(program)) + "\n"


def _text(program: Program) -> Iterator[str]:
    if program.name:
        yield f".program {program.name}"
    yield from map(_declared, program.declarations)
    by_place = groupby(sorted(program.labels, key=_place), key=_place)
    labels = {i: [name for name, _ in group] for i, group in by_place}
    for i, instruction in enumerate(program.instructions):
        yield from (f"{name}:" for name in labels.get(i, ()))
        yield f"        {instruction}"
    yield from (f"{name}:" for name in labels.get(len(program), ()))


def _place(label: tuple[str, int]) -> int:
    return label[1]
