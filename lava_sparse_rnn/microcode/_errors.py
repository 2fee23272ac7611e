# SPDX-License-Identifier: BSD-3-Clause
"""Errors of programs, with the place in the text where there is one."""

from __future__ import annotations

from dataclasses import dataclass

from lava_sparse_rnn.fixed_point import SpecError


@dataclass(frozen=True)
class Position:
    """A place in an assembly text.

    Parameters
    ----------
    line, column : int
        From 1; 0 for something that no text stands for.
    """

    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: " if self.line else ""


NOWHERE = Position()


class MicrocodeError(SpecError):
    """Constants, states or inputs that do not suit a program."""


class AssemblyError(MicrocodeError):
    """A program that breaks a rule of the instruction set.

    Parameters
    ----------
    message : str
    position : Position
    program : str
        The program's name, put in front where there is one.

    Attributes
    ----------
    line, column : int
        From 1; 0 where the program did not come from text.
    """

    def __init__(
        self, message: str, position: Position = NOWHERE, program: str = ""
    ) -> None:
        self.line, self.column = position.line, position.column
        name = f"program {program!r}, " if program else ""
        super().__init__(f"{name}{position}{message}")
