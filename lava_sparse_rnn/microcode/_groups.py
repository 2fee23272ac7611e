# SPDX-License-Identifier: BSD-3-Clause
"""The programs of the four neuron groups, and the constants they need.

A group's equation is written in its ``.asm`` file and nowhere here: this module
chooses the variant and hands over the numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lava_sparse_rnn.fixed_point import OverflowCounters
from lava_sparse_rnn.microcode._assembler import assemble
from lava_sparse_rnn.microcode._errors import MicrocodeError
from lava_sparse_rnn.microcode._interpreter import Interpreter
from lava_sparse_rnn.microcode._isa import REGISTER_BITS
from lava_sparse_rnn.microcode._program import Program
from lava_sparse_rnn.microcode._template import Value
from lava_sparse_rnn.spec.groups import (
    AffineGroup,
    GateGroup,
    Group,
    ReadoutGroup,
    RecurrenceGroup,
)

Parameters = dict[str, Value]
Constants = dict[str, ArrayLike]


@dataclass(frozen=True)
class Timing:
    """When tokens arrive at a group; only a recurrence needs to know.

    Parameters
    ----------
    depth : int
        Time step (0 is the first) of the first token: hops from the input.
    period : int
        Steps from one token to the next: 1 in a pipelined network, its latency in
        fall-through.
    reset_interval : int
        Steps from one reset to the next, the first one `depth` steps after the
        start; 0 for none. A multiple of `period`.

    Raises
    ------
    MicrocodeError
    """

    depth: int = 0
    period: int = 1
    reset_interval: int = 0

    def __post_init__(self) -> None:
        for name, least in (("depth", 0), ("period", 1), ("reset_interval", 0)):
            value = getattr(self, name)
            if value < least:
                raise MicrocodeError(f"{name} is {value}, must be {least} or more")
        if self.reset_interval % self.period:
            text = f"reset_interval is {self.reset_interval}, must be a multiple of "
            raise MicrocodeError(f"{text}the period, {self.period}")

    @property
    def clocked(self) -> bool:
        """Whether some steps have no token."""
        return self.depth > 0 or self.period > 1


@dataclass(frozen=True)
class Binding:
    """How a group's dataclass fits its program.

    Parameters
    ----------
    file : str
        Under ``programs/``.
    parameters, constants : function of (group, timing)
    spikes : function of group
        Which SPIKE instructions are executed: ``always`` all; ``each`` where its
        payload is not 0; ``together`` all of a neuron where any is not 0.
    """

    file: str
    parameters: Callable[[Any, Timing], Parameters]
    constants: Callable[[Any, Timing], Constants]
    spikes: Callable[[Any], str] = lambda group: "each"


def _affine_parameters(group: AffineGroup, timing: Timing) -> Parameters:
    return {"relu": int(group.relu), "out_bits": group.bits}


def _affine_constants(group: AffineGroup, timing: Timing) -> Constants:
    return {"bias": group.bias, "k": group.k}


def _recurrence_parameters(group: RecurrenceGroup, timing: Timing) -> Parameters:
    return {
        "nonlinearity": group.nonlinearity,
        "state_bits": group.state_bits,
        "a_bits": _bits_for(group.a_re, group.a_im),
        "out_bits": group.bits,
        "clocked": int(timing.clocked),
        "resets": int(timing.reset_interval > 0),
    }


def _recurrence_constants(group: RecurrenceGroup, timing: Timing) -> Constants:
    names = ("bias_re", "bias_im", "k_B", "a_re", "a_im", "a_frac", "k_x")
    constants = {name: getattr(group, name) for name in names}
    if timing.clocked:
        constants["first"] = timing.depth + 1
        constants["again"] = timing.depth + 1 - timing.period
    if timing.reset_interval:
        constants["tokens"] = timing.reset_interval // timing.period
    return constants


def _readout_parameters(group: ReadoutGroup, timing: Timing) -> Parameters:
    return {"out_bits": group.bits}


def _readout_constants(group: ReadoutGroup, timing: Timing) -> Constants:
    return {"k_C": group.k_C, "k_D": group.k_D, "bias": group.bias}


def _gate_parameters(group: GateGroup, timing: Timing) -> Parameters:
    lines = len(group.sigmoid)
    return {"lines": lines, "g_bits": group.g_bits, "out_bits": group.bits}


def _gate_constants(group: GateGroup, timing: Timing) -> Constants:
    constants = {n: getattr(group, n) for n in ("bias", "k_g", "k_h", "k_u")}
    lines = group.sigmoid
    largest = 1 << (group.g_bits - 1)
    for i, shifts in enumerate(group.line_shifts):
        slope, offset = int(lines.slope[i]), int(lines.offset[i])
        reach = (slope * largest >> int(shifts.min())) + offset
        if reach >= 1 << (REGISTER_BITS - 1):
            text = f"gate: sigmoid line {i} can reach {reach:,}, a register holds up to"
            raise MicrocodeError(f"{text} {(1 << (REGISTER_BITS - 1)) - 1:,}")
        constants |= {f"slope{i}": slope, f"offset{i}": offset, f"shift{i}": shifts}
    return constants


def _bits_for(*values: np.ndarray, least: int = 16) -> int:
    """Width of a constant that holds all values, at least 16 bits."""
    largest = max(int(np.where(v < 0, ~v, v).max()) for v in values)
    return max(least, largest.bit_length() + 1)


STATE_SPIKES = {"real_gate": "together", "split": "each", "none": "always"}

BINDINGS: dict[type, Binding] = {
    AffineGroup: Binding(
        "affine.asm",
        _affine_parameters,
        _affine_constants,
        lambda group: "each" if group.relu else "always",
    ),
    RecurrenceGroup: Binding(
        "recurrence.asm",
        _recurrence_parameters,
        _recurrence_constants,
        lambda group: STATE_SPIKES[group.nonlinearity],
    ),
    ReadoutGroup: Binding("readout.asm", _readout_parameters, _readout_constants),
    GateGroup: Binding("gate.asm", _gate_parameters, _gate_constants),
}
"""How the neurons of each kind of group become a program; add your own."""


def binding_of(group: Group) -> Binding:
    """The binding of a group, or an error that lists the groups there are."""
    try:
        return BINDINGS[type(group)]
    except KeyError:
        known = ", ".join(t.__name__ for t in BINDINGS)
        text = f"no program for a {type(group).__name__}, there are: {known}"
        raise MicrocodeError(text) from None


def source(name: str) -> str:
    """Text of a program that comes with the library, as in ``source("gate")``."""
    folder = resources.files("lava_sparse_rnn.microcode") / "programs"
    file = folder / f"{name}.asm"
    if not file.is_file():
        known = sorted(f.name[:-4] for f in folder.iterdir() if f.name[-4:] == ".asm")
        raise MicrocodeError(f"no program {name!r}, there are: {', '.join(known)}")
    return file.read_text(encoding="utf-8")


@lru_cache(maxsize=64)
def _assembled(file: str, parameters: tuple[tuple[str, Value], ...]) -> Program:
    return assemble(source(file.removesuffix(".asm")), dict(parameters))


def program_for(group: Group, timing: Timing | None = None) -> Program:
    """The program that a group's neurons execute.

    Parameters
    ----------
    group : AffineGroup, RecurrenceGroup, ReadoutGroup or GateGroup
    timing : Timing, optional
        By default a token arrives in every step, from the first on.
    """
    binding = binding_of(group)
    parameters = binding.parameters(group, timing or Timing())
    return _assembled(binding.file, tuple(sorted(parameters.items())))


def constants_for(group: Group, timing: Timing | None = None) -> Constants:
    """Values for the constants that `program_for` declares.

    Raises
    ------
    MicrocodeError
        When a line of a gate's sigmoid would leave a 32-bit register.
    """
    return binding_of(group).constants(group, timing or Timing())


def interpreter_for(
    group: Group,
    rounding: str = "floor",
    overflow: str = "saturate",
    timing: Timing | None = None,
    counters: OverflowCounters | None = None,
) -> Interpreter:
    """An interpreter with a group's program and constants.

    Parameters
    ----------
    group : AffineGroup, RecurrenceGroup, ReadoutGroup or GateGroup
    rounding, overflow : str
        Of the network's recipe.
    timing : Timing, optional
    counters : OverflowCounters, optional
    """
    return Interpreter(
        program_for(group, timing),
        constants_for(group, timing),
        group.size,
        rounding=rounding,
        overflow=overflow,
        counters=counters,
    )
