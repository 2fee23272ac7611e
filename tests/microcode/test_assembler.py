# SPDX-License-Identifier: BSD-3-Clause
"""The language: what it means, and where it says that something is wrong."""

import pytest

from lava_sparse_rnn import microcode
from lava_sparse_rnn.microcode import AssemblyError, Kind, MicrocodeError, assemble

HEAD = """\
.const g
.const k per_neuron 8
.state x 16
.acc   in
.out   o 16
.reg   a
.reg   b
"""

# What is written in line 8, the column of the mistake, a part of the message.
MISTAKES = [
    ("ADD a, b, q", 11, "'q' is not declared"),
    ("ADD a, b", 1, "ADD has 2 operands, must be: ADD dst, a, b"),
    ("ADD a, b, g, g", 1, "ADD has 4 operands"),
    ("ADD a, b, k", 11, "is a per-neuron constant (k), must be: a register"),
    ("ADD x, a, b", 5, "dst of ADD is a state (x)"),
    ("ADD 5, a, b", 5, "dst of ADD is a number (5)"),
    ("FROB a, b", 1, "no instruction 'FROB'; there are: MOV, RMW"),
    ("ADD a b, g", 7, "expected ',', found 'b'"),
    ("ADD a, , g", 8, "expected an operand, found ','"),
    ("ADD a, b,", 9, "expected an operand after ','"),
    ("ADD a, b, 2147483648", 11, "b of ADD is 2147483648, must be -2147483648 to"),
    ("SHL a, b, 32", 11, "amount of SHL is 32, must be -31 to 31"),
    ("MUL_SHR a, b, 1, 63", 18, "must be -31 to 62"),
    ("MUL_SHR a, b, 1, 3, up", 21, "'up' is not declared"),
    ("MUL_SHR a, b, 1, 3, a", 21, "is a register (a), must be: floor or nearest"),
    ("MOV x, x", 8, "MOV from a state to a state"),
    ("MOV x, k", 8, "MOV from a per-neuron constant to a state"),
    ("MOV in, a", 5, "place of MOV is an accumulator"),
    ("RDC a, k", 8, "must be: a state, an accumulator"),
    ("RMW a, in, 1", 8, "state of RMW is an accumulator (in), must be: a state"),
    ("SPIKE a, a", 7, "out of SPIKE is a register"),
    ("SKP_C 1", 7, "SKP_C leaves out 1 instructions, 0 follow"),
    ("SKP_C 0", 7, "must be 1 to 255"),
    ("JMP_C nowhere", 7, "no label 'nowhere'"),
    ("back: JMP_C back", 13, "goes back; jumps go forward only"),
    ("PROBE 5", 7, "PROBE shows something that has a name"),
    ("a: ADD a, a, a", 1, "'a' is taken"),
    ("MOV: ADD a, a, a", 1, "'MOV' is taken"),
    ("ADD a, b, #1", 11, "'#1' is no name, number or directive"),
    ("ADD a, b, 12ab", 11, "'12ab' is no name"),
    ("5 a", 1, "'5' is no instruction"),
    (".reg a", 6, "'a' is already declared as a register in line 6"),
    (".reg ADD", 6, "'ADD' is a reserved word"),
    (".reg w 33", 6, "'w' has 33 bits, must be 2 to 32"),
    (".state w 1", 8, "'w' has 1 bits, must be 2 to 32"),
    (".state w", 1, ".state has 1 words after it, must be: .state NAME BITS"),
    (".state w wide", 10, "expected a width in bits, found 'wide'"),
    (".state 5 5", 8, "expected a name, found '5'"),
    (".reg w 8 maybe", 10, "expected counted, found 'maybe'"),
    (".const w group", 10, "expected per_neuron, found 'group'"),
    (".nothing w", 1, "no directive .nothing; there are: .acc, .const"),
    (".end", 1, ".end without"),
    (".else", 1, ".else without an .if"),
    (".if relu 1", 1, ".if has no .end"),
    (".repeat 3 i", 1, ".repeat has no .end"),
    (".repeat", 1, ".repeat has no .end"),
    (".repeat 300 i\n.end", 9, ".repeat count is 300, must be 0 to 256"),
    (".repeat n i\n.end", 9, "no .param 'n' above"),
    (".if n 1\n.end", 5, "no .param 'n' above"),
    (".if n\n.end", 1, ".if has 1 words after it, must be: .if NAME VALUE"),
    ("MOV a{i}, 1", 5, "no .repeat around this counts 'i'"),
    ("MOV a{, 1", 5, "'a{' is no name"),
    (".param n", 1, ".param has 1 words after it"),
]


@pytest.mark.parametrize(
    ("line", "column", "message"), MISTAKES, ids=[m[0] for m in MISTAKES]
)
def test_mistakes_have_a_place(line, column, message):
    with pytest.raises(AssemblyError) as caught:
        assemble(HEAD + line + "\n")
    assert message in str(caught.value)
    assert (caught.value.line, caught.value.column) == (8, column)
    assert f"line 8, column {column}: " in str(caught.value)


def test_a_mistake_in_a_repeated_line_points_at_the_line():
    with pytest.raises(AssemblyError, match="line 3, column 9: 'r1' is not declared"):
        assemble(".reg r0\n.repeat 2 i\n    MOV r{i}, 0\n.end")


def test_a_parameter_that_the_text_does_not_have():
    with pytest.raises(
        AssemblyError, match="no .param 'relo'; there are: out_bits, relu"
    ):
        assemble(microcode.source("affine"), {"relo": 1})


def test_what_a_text_declares():
    program = assemble(".program p\n" + HEAD + "RDC a, in\nSPIKE o, a")
    kinds = {d.name: (d.kind, d.bits, d.counted) for d in program.declarations}
    assert program.name == "p"
    assert kinds == {
        "g": (Kind.GROUP, 32, False),
        "k": (Kind.PER_NEURON, 8, False),
        "x": (Kind.STATE, 16, True),
        "in": (Kind.ACCUMULATOR, 32, False),
        "o": (Kind.OUTPUT, 16, True),
        "a": (Kind.REGISTER, 32, False),
        "b": (Kind.REGISTER, 32, False),
    }
    assert (program.state_bytes, program.constant_bytes) == (2, 1)


def test_parameters_choose_and_repeat():
    text = """
    .param n 2        ; how often
    .param kind left
    .repeat n i
    .reg r{i}
    MOV r{i}, {i}
    .end
    .if kind left
    NEG r0, r0
    .else
    .if n 1
    ADD r0, r0, -0x10
    .end
    .end
    """
    shown = [str(i) for i in assemble(text).instructions]
    assert shown == ["MOV     r0, 0", "MOV     r1, 1", "NEG     r0, r0"]
    other = assemble(text, {"n": 1, "kind": "right"}).instructions
    assert [str(i) for i in other] == ["MOV     r0, 0", "ADD     r0, r0, -16"]


def test_disassembly_keeps_labels():
    text = "\n".join(
        [
            ".program p",
            ".reg    a 32",
            ".reg    b 8 counted",
            "        EQ      1, 1",
            "        JMP_C   far",
            "        MOV     a, 1",
            "near:",
            "far:",
            "        MOV     b, 2",
            "end:",
            "",
        ]
    )
    program = assemble(text)
    assert program.labels == (("near", 3), ("far", 3), ("end", 4))
    assert microcode.disassemble(program) == text


@pytest.mark.parametrize(
    "parts",
    [
        {"name": "two words"},
        {"declarations": (microcode.Declaration(Kind.REGISTER, "two words"),)},
        {"declarations": (microcode.Declaration(Kind.GROUP, "g", 8),)},
        {"labels": (("l", 1),)},
        {"labels": (("l", 0), ("l", 0))},
    ],
    ids=str,
)
def test_programs_without_text_keep_the_rules_too(parts):
    whole = {"name": "p", "declarations": (), "instructions": (), "labels": ()} | parts
    with pytest.raises(AssemblyError):
        microcode.Program(**whole)


def test_the_instruction_set_is_the_public_one():
    names = "ADD NEG MIN SHL AND OR MUL_SHR LT GE EQ SEL MOV RMW RDC SKP_C JMP_C"
    assert set(microcode.OPCODES) == {*names.split(), "SPIKE", "PROBE"}


def test_an_unknown_source():
    with pytest.raises(MicrocodeError, match="there are: affine, gate, readout, rec"):
        microcode.source("neuron")
