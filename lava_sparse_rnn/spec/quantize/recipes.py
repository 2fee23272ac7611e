# SPDX-License-Identifier: BSD-3-Clause
"""Recipes of quantisation by name."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np

from lava_sparse_rnn.fixed_point import (
    SigmoidLines,
    SpecError,
    choose,
    lines_from_points,
)
from lava_sparse_rnn.spec.recipe import Recipe


def sigmoid_table(segments: int = 8, end: float = 8.0) -> SigmoidLines:
    """The sigmoid's values at equally spaced points, joined by straight lines.

    Parameters
    ----------
    segments : int
    end : float
        Last point; the first is 0.
    """
    x = np.linspace(0.0, end, segments + 1)
    return lines_from_points(x, 1 / (1 + np.exp(-x)))


RECIPES: dict[str, dict[str, Any]] = {
    "w8a16": {},
    "w8a8": {"wire_bits": 8, "gate_bits": 8, "rounding": "nearest"},
    "w4a16": {"weight_bits": 4},
    "sparse_rnns": {
        "state_nonlinearity": "real_gate",
        "state_bits": 16,
        "sigmoid": sigmoid_table(8),
    },
}
"""What each recipe changes of `spec.Recipe`'s defaults.

``'w8a16'``: weights of 8 bits, wires of 16, states of 24. ``'w8a8'``: wires and gate
arguments of 8 bits; they round to nearest, because the floor of every shift is a bias
that short wires cannot hide. ``'w4a16'``: weights of 4 bits; it needs training.
``'sparse_rnns'``: the choices of the fixed-point model of Pierro et al. (arXiv
2502.01330; public code IntelLabs/SparseRNNs) in this contract: W8A16, a ReLU that looks
at the real part of a state, states of 16 bits, a sigmoid of 8 segments (here
at 0, 1, ..., 8).
"""


def recipe(name: str = "w8a16", **changes: Any) -> Recipe:
    """A recipe by name.

    Parameters
    ----------
    name : str
        In `RECIPES`.
    **changes
        Fields of `spec.Recipe` that shall differ from it.

    Raises
    ------
    SpecError
        If the name or a field is unknown, or a value cannot be.

    Examples
    --------
    >>> recipe("w8a8", state_bits=16)
    """
    chosen = choose("recipe", name, RECIPES)
    for field in changes:
        choose("recipe: field", field, [f.name for f in fields(Recipe)])
    return replace(Recipe(), **(chosen | changes))


def recipe_of_one(value: Recipe | str | None) -> Recipe:
    """`as_recipe` of what is quantised on its own: it has no widths by layer.

    Raises
    ------
    SpecError
    """
    chosen = as_recipe(value)
    if chosen.by_layer:
        raise SpecError(
            f"by_layer names {', '.join(chosen.by_layer)}, but one layer has no place "
            "in a network: give its own widths"
        )
    return chosen


def as_recipe(value: Recipe | str | None) -> Recipe:
    """A recipe as it is or by its name; the default for None.

    Raises
    ------
    SpecError
        If the name is unknown, or the value is neither.
    """
    if isinstance(value, str):
        return recipe(value)
    if value is not None and not isinstance(value, Recipe):
        raise SpecError(
            f"recipe is {type(value).__name__}, must be a spec.Recipe or one of "
            f"{', '.join(RECIPES)}"
        )
    return value or Recipe()
