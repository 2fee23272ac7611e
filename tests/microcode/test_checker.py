# SPDX-License-Identifier: BSD-3-Clause
"""The static checker: each mistake is found, where it is."""

import pytest

from lava_sparse_rnn.microcode import AssemblyError, Interpreter, assemble, check

HEAD = ".acc in\n.out o 16\n.reg a\n.reg b\n"

# Lines from the fifth on, the line of the finding, severity, a part of the message.
FINDINGS = [
    ("ADD a, b, 1", 5, "error", "register 'b' is read, but some path has not"),
    ("ADD a, a, 1", 5, "error", "register 'a' is read"),
    ("PROBE a", 5, "error", "register 'a' is read"),
    ("SEL a, 1, 2", 5, "error", "SEL uses the flag before a comparison"),
    ("JMP_C e\ne:", 5, "error", "JMP_C uses the flag"),
    (
        "RDC a, in\nLT a, 0\nSKP_C 1\nMOV b, 1\nSPIKE o, b",
        9,
        "error",
        "register 'b' is read, but some path has not written it",
    ),
    (
        "SPIKE o, 1\nRDC a, in\nMOV b, a\nSPIKE o, 2",
        8,
        "error",
        "output 'o' may already be used",
    ),
    ("EQ 0, 0\nJMP_C e\nMOV a, 1\nMOV b, 1\ne:", 7, "warning", "no path reaches"),
    ("RDC a, in\nGE a, a\nSKP_C 1\nMOV b, 1", 8, "warning", "no path reaches"),
    ("MOV a, 1", 1, "warning", "an accumulator 'in' is never used"),
    (".state big 32", 5, "warning", "a state 'big' is never used"),
]


@pytest.mark.parametrize(("text", "line", "severity", "message"), FINDINGS)
def test_findings(text, line, severity, message):
    found = [
        (f.severity, f.position.line, f.message)
        for f in check(assemble(HEAD + text)).findings
    ]
    assert any((s, at) == (severity, line) and message in m for s, at, m in found), (
        found
    )


def test_a_program_with_an_error_is_not_run():
    program = assemble(".program p\n" + HEAD + "ADD a, b, 1")
    with pytest.raises(AssemblyError, match="program 'p', line 6, column 8: register"):
        Interpreter(program)


def test_a_clean_program_has_paths():
    text = "RDC a, in\nMOV b, 1\nLT a, 0\nSKP_C 2\nADD a, a, b\nADD a, a, b\nSPIKE o, a"
    report = check(assemble(HEAD + text))
    assert report.findings == ()
    assert (report.shortest, report.longest, report.length) == (5, 7, 7)
    assert report.registers == 2


def test_a_branch_tells_what_the_flag_is():
    # Where the first branch is not taken, the second one is not either.
    text = "RDC a, in\nMOV b, 1\nLT a, 0\nJMP_C e\nSKP_C 1\nMOV b, 2\ne:\nSPIKE o, b"
    report = check(assemble(HEAD + text))
    assert (report.shortest, report.longest) == (5, 7)


def test_limits():
    states = "\n".join(f".state s{i} 32" for i in range(1025))
    (error,) = check(assemble(states)).errors
    assert error.message == "4,100 bytes of state per neuron, the limit is 4,096"
    registers = "\n".join(f".reg r{i}" for i in range(17))
    long = "\n".join(["MOV r0, 1"] * 257)
    messages = [f.message for f in check(assemble(f"{registers}\n{long}")).findings]
    assert "17 registers, this library allows for 16" in messages
    assert "257 instructions, this library allows for 256" in messages
