# SPDX-License-Identifier: BSD-3-Clause
"""A group's program with all that its neurons need to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn import microcode
from lava_sparse_rnn.fixed_point import Brief
from lava_sparse_rnn.microcode import Program, Timing
from lava_sparse_rnn.spec import Recipe

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class GroupProgram(Brief):
    """Neurons of one group, ready to be put on a board.

    Parameters
    ----------
    name : str
    program : Program
    constants : dict of str to array of int
        A value for each constant that the program declares, shape () or (n,).
    neurons : int
        How many there are, n.
    rounding, overflow : str
        Of the instructions, see `lava_sparse_rnn.microcode.Interpreter`.
    """

    name: str
    program: Program
    constants: dict[str, IntArray]
    neurons: int
    rounding: str
    overflow: str

    @property
    def text(self) -> str:
        """The program as assembly text."""
        return microcode.disassemble(self.program)


def group_program(
    name: str, group: Any, recipe: Recipe, timing: Timing | None = None
) -> GroupProgram:
    """The program and the constants of a neuron group.

    Parameters
    ----------
    name : str
    group : AffineGroup, RecurrenceGroup, ReadoutGroup or GateGroup
        From `lava_sparse_rnn.spec.groups`.
    recipe : Recipe
        Of the group's network.
    timing : Timing, optional
        By default a token arrives in every step, from the first on.
    """
    constants = microcode.constants_for(group, timing)
    return GroupProgram(
        name=name,
        program=microcode.program_for(group, timing),
        constants={k: np.asarray(v, np.int64) for k, v in constants.items()},
        neurons=group.size,
        rounding=recipe.rounding,
        overflow=recipe.overflow,
    )
