# SPDX-License-Identifier: BSD-3-Clause
"""States that are given to a Process without a description."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import SpecError
from lava_sparse_rnn.proc.neurons.guard import whole
from lava_sparse_rnn.spec.stream import State


def check_values(
    groups: Sequence[tuple[Any, ...]], parts: State, real: bool
) -> list[tuple[NDArray, ...]]:
    """A value for each Var: Lava would take a part of one of another shape.

    Parameters
    ----------
    groups : sequence of tuple of Var
    parts : sequence of tuple of array
        In the same order.
    real : bool
        Whether values may have fractions.

    Raises
    ------
    SpecError
    """
    given = [tuple(np.asarray(value) for value in part) for part in parts]
    if [len(part) for part in given] != [len(variables) for variables in groups]:
        names = [tuple(var.name for var in variables) for variables in groups]
        raise SpecError(f"state: must be an array for each of {names}")
    for variables, values in zip(groups, given, strict=True):
        for var, value in zip(variables, values, strict=True):
            name = f"state: {var.name}"
            if value.shape != tuple(var.shape):
                text = f"shape {value.shape}, must be {tuple(var.shape)}"
                raise SpecError(f"{name}: {text}")
            if not real:
                whole(value, name)
    return given
