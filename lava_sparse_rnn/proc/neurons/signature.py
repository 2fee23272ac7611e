# SPDX-License-Identifier: BSD-3-Clause
"""The parameters of a Process, which Lava's metaclass hides from `help`."""

from __future__ import annotations

import inspect
from collections.abc import Collection

Parameter = inspect.Parameter


def signature_of(cls: type, given: Collection[str] = ()) -> inspect.Signature:
    """Parameters of ``__init__``, and those that its ``**kwargs`` hand to the bases.

    Parameters
    ----------
    cls : type
    given : collection of str
        Names that are left out: no caller gives them.
    """
    named: dict[str, Parameter] = {}
    rest: list[Parameter] = []
    for base in cls.__mro__:
        if "__init__" not in vars(base) or base is object:
            continue
        _, *parameters = inspect.signature(vars(base)["__init__"]).parameters.values()
        if named:  # what ``**kwargs`` hand on goes by name
            kept = [p for p in parameters if p.kind is Parameter.VAR_KEYWORD]
            plain = [p for p in parameters if p not in kept]
            parameters = [p.replace(kind=Parameter.KEYWORD_ONLY) for p in plain] + kept
        rest = [p for p in parameters if p.kind is Parameter.VAR_KEYWORD]
        for p in parameters:
            if p not in rest and p.name not in given:
                named.setdefault(p.name, p)
        if not rest:
            break
    return inspect.Signature([*named.values(), *rest])
