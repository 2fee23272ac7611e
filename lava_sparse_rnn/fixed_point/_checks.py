# SPDX-License-Identifier: BSD-3-Clause
"""Checks of arguments: whole numbers, numbers, flags and arrays, one of each kind.

Every entrance of the library asks here, so that a wrong value is named the same way
everywhere: the argument, the value, the limit.
"""

from __future__ import annotations

import math
from contextlib import suppress
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.fixed_point._brief import brief
from lava_sparse_rnn.fixed_point._errors import SpecError


def check_whole(
    name: str,
    value: Any,
    least: int = 0,
    most: int | None = None,
    *,
    error: type[ValueError] = SpecError,
) -> int:
    """``value`` as an int, or an error that names it unless it is whole and in range.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    value : int
    least : int
        The smallest that is allowed.
    most : int, optional
        The largest that is allowed.
    error : type
        What is raised.
    """
    is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not is_whole or value < least or (most is not None and value > most):
        to = "" if most is None else f" to {most}"
        text = f"{name} is {brief(value)}, must be a whole number from {least}{to}"
        raise error(text)
    return int(value)


def check_number(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    least: float | None = None,
    most: float | None = None,
    error: type[ValueError] = SpecError,
) -> float:
    """``value`` as a float, or an error that names it unless it is finite and in range.

    Parameters
    ----------
    name : str
        Of the argument, for the message.
    value : float
    above : float, optional
        What it must be larger than.
    least, most : float, optional
        The smallest and the largest that are allowed.
    error : type
        What is raised.
    """
    number = math.nan
    if isinstance(value, Real) and not isinstance(value, bool | np.bool_):
        with suppress(OverflowError):  # a whole number beyond all floats
            number = float(value)
    fits = (
        math.isfinite(number)
        and (above is None or number > above)
        and (least is None or number >= least)
        and (most is None or number <= most)
    )
    if not fits:
        limits = {"above": above, "at least": least, "at most": most}
        said = [f"{word} {x:g}" for word, x in limits.items() if x is not None]
        text = f"must be a finite number {' and '.join(said)}".rstrip()
        raise error(f"{name} is {brief(value)}, {text}")
    return number


def check_flag(name: str, value: Any, error: type[ValueError] = SpecError) -> bool:
    """``value`` as a bool, or an error that names it: ``"no"`` would count as true."""
    if not isinstance(value, bool | np.bool_):
        raise error(f"{name} is {brief(value)}, must be True or False")
    return bool(value)


def as_array(
    name: str, values: ArrayLike, error: type[ValueError] = SpecError
) -> NDArray:
    """``values`` as an array, or an error that names what is none.

    Rows of unequal lengths are none, nor is a tensor on another device or with a
    gradient, nor an array of which a part is masked.
    """
    if np.ma.is_masked(values):
        text = "a part of it is masked, fill it first (numpy.ma.filled)"
        raise error(f"{name}: cannot be read as an array, {text}")
    try:
        return np.asarray(values)
    except (ValueError, TypeError, RuntimeError) as cause:
        ragged = "inhomogeneous" in str(cause)
        text = "its rows differ in length" if ragged else str(cause)
        raise error(f"{name}: cannot be read as an array, {text}") from None
