# SPDX-License-Identifier: BSD-3-Clause
"""One neuron's registers, instruction by instruction, as a table."""

from __future__ import annotations

from dataclasses import dataclass, field

from lava_sparse_rnn.fixed_point import Brief
from lava_sparse_rnn.microcode._compile import FLAG
from lava_sparse_rnn.microcode._errors import MicrocodeError
from lava_sparse_rnn.microcode._interpreter import Interpreter
from lava_sparse_rnn.microcode._isa import COMPARISONS, Kind
from lava_sparse_rnn.microcode._kernels import Mask, lane

COLUMNS = (Kind.REGISTER, Kind.STATE, Kind.OUTPUT)


@dataclass
class Row:
    """One executed instruction.

    Parameters
    ----------
    step : int
    index : int
        Of the instruction in its program.
    text : str
    flag : int or None
        Of a comparison: what it set.
    values : dict of str to int
        What the instruction wrote, by name.
    """

    step: int
    index: int
    text: str
    flag: int | None
    values: dict[str, int]


@dataclass
class Tracer(Brief):
    """Records what one neuron does; give it to `Interpreter.step`.

    Parameters
    ----------
    neuron : int

    Attributes
    ----------
    rows : list of Row

    Examples
    --------
    >>> tracer = Tracer(neuron=3)
    >>> interpreter.step(accumulators, tracer)   # doctest: +SKIP
    >>> print(tracer)                            # doctest: +SKIP
    """

    neuron: int = 0
    rows: list[Row] = field(default_factory=list)
    _names: list[str] = field(default_factory=list, repr=False)

    def executed(self, interpreter: Interpreter, index: int, mask: Mask | None) -> None:
        """Called by the interpreter after each instruction."""
        n = interpreter.n_neurons
        if not 0 <= self.neuron < n:
            raise MicrocodeError(f"Tracer: neuron {self.neuron}, there are {n}")
        if mask is not None and not lane(mask, self.neuron):
            return
        program, slots = interpreter.program, interpreter.slots
        if not self._names:
            self._names = [d.name for d in program.of_kind(*COLUMNS)]
        instruction = program.instructions[index]
        flag = None
        if instruction.opcode in COMPARISONS:
            flag = lane(slots[FLAG], self.neuron)
        written = {
            str(operand)
            for role, operand in instruction.roles
            if role.name in ("dst", "place", "state", "input", "out")
        }
        values = {
            name: lane(slots[interpreter.slot_of(name)], self.neuron)
            for name in self._names
            if name in written
        }
        row = Row(interpreter.steps, index, str(instruction), flag, values)
        self.rows.append(row)

    def __str__(self) -> str:
        """The table: a line per instruction, a column per name, where it changed."""
        used = [n for n in self._names if any(n in row.values for row in self.rows)]
        table = [["step", "at", "instruction", "c", *used]]
        for row in self.rows:
            flag = "" if row.flag is None else str(row.flag)
            cells = [str(row.values.get(name, "")) for name in used]
            table.append([str(row.step), str(row.index), row.text, flag, *cells])
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = []
        for cells in table:
            pairs = enumerate(zip(cells, widths, strict=True))
            # Text to the left, numbers to the right.
            lines.append(
                "  ".join(c.ljust(w) if i == 2 else c.rjust(w) for i, (c, w) in pairs)
            )
        rule = "  ".join("-" * w for w in widths)
        return "\n".join(line.rstrip() for line in (lines[0], rule, *lines[1:]))
