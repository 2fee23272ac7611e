# SPDX-License-Identifier: BSD-3-Clause
"""Neuron programs in a Loihi-2-style instruction set, and what executes them."""

from lava_sparse_rnn.microcode._assembler import assemble, disassemble
from lava_sparse_rnn.microcode._checker import Finding, Report, check
from lava_sparse_rnn.microcode._errors import AssemblyError, MicrocodeError, Position
from lava_sparse_rnn.microcode._groups import (
    BINDINGS,
    Timing,
    constants_for,
    interpreter_for,
    program_for,
    source,
)
from lava_sparse_rnn.microcode._interpreter import Interpreter
from lava_sparse_rnn.microcode._isa import OPCODES, Kind, Opcode
from lava_sparse_rnn.microcode._program import Declaration, Instruction, Program
from lava_sparse_rnn.microcode._run import InstructionCount, Stream, run
from lava_sparse_rnn.microcode._tracer import Tracer

__all__ = [
    "BINDINGS",
    "OPCODES",
    "AssemblyError",
    "Declaration",
    "Finding",
    "Instruction",
    "InstructionCount",
    "Interpreter",
    "Kind",
    "MicrocodeError",
    "Opcode",
    "Position",
    "Program",
    "Report",
    "Stream",
    "Timing",
    "Tracer",
    "assemble",
    "check",
    "constants_for",
    "disassemble",
    "interpreter_for",
    "program_for",
    "run",
    "source",
]
