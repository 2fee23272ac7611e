# SPDX-License-Identifier: BSD-3-Clause
"""The error that bad numbers, formats, names and files raise."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from lava_sparse_rnn.fixed_point._brief import brief


class SpecError(ValueError):
    """A description, format or value breaks a rule; the text says which and how."""


def choose(option: str, name: str, known: Collection[str]) -> Any:
    """What a registry has under a name; a name that a list has, as it is.

    Parameters
    ----------
    option : str
        What is chosen, for the message.
    name : str
    known : mapping or collection of str
        All that there are.

    Raises
    ------
    SpecError
        When there is no such name; the message lists them.
    """
    if not isinstance(name, str) or name not in known:
        names = ", ".join(known)
        raise SpecError(f"{option} is {brief(name)}, must be one of: {names}")
    return known[name] if isinstance(known, Mapping) else name
