# SPDX-License-Identifier: BSD-3-Clause
"""A `repr` of a few words for classes that hold thousands of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn import markup

MOST_CHARACTERS, MOST_LINES = 700, 10
_MOST_ITEMS, _LONGEST = 4, 60


class Brief:
    """Base of classes that show what they are in at most 10 lines and 700 characters.

    A dataclass shows its fields, arrays by type, shape and range. `_about` says
    something better.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # A dataclass that finds none in the class itself writes one with all numbers.
        cls.__repr__ = cls.__repr__

    def __repr__(self) -> str:
        package, _, module = type(self).__module__.partition(".")
        room = f"{module.partition('.')[0]}." if package == "lava_sparse_rnn" else ""
        text = f"{room}{type(self).__qualname__}({self._about()})"
        lines = text.splitlines()
        if len(lines) > MOST_LINES or len(text) > MOST_CHARACTERS:
            text = "\n".join(lines[:MOST_LINES])[: MOST_CHARACTERS - 4] + " ..."
        return text

    def _repr_html_(self) -> str | None:
        """What a notebook shows; None says that it is the `repr`."""
        return markup.as_html(self)

    def _about(self) -> str:
        """What stands between the parentheses."""
        if not is_dataclass(self):
            return ""
        names = (f.name for f in fields(self) if f.repr)
        return ", ".join(f"{name}={brief(getattr(self, name))}" for name in names)


def brief(value: Any) -> str:
    """A value in a few words: an array by type, shape and range."""
    if isinstance(value, Brief):
        return type(value).__name__
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray) and value.dtype.kind in "biu":
        return f"{value.dtype} {value.shape}, {span(value)}" if value.size else "empty"
    if hasattr(value, "shape") and hasattr(value, "dtype") and type(value) is not type:
        nnz = getattr(value, "nnz", None)
        weights = f", {nnz:,} nonzero" if nnz is not None else ""
        return f"{value.dtype} {tuple(value.shape)}{weights}"
    if isinstance(value, Mapping):
        names = [str(name)[:_LONGEST] for name in list(value)[:_MOST_ITEMS]]
        return f"{{{', '.join(names)}{_more(len(value))}}}"
    if isinstance(value, tuple | list):
        items = [brief(item) for item in value[:_MOST_ITEMS]]
        return f"({', '.join(items)}{_more(len(value))})"
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 4] + " ..."


def shown(value: Any) -> str:
    """A value as Python writes it: numpy's numbers and words without their type.

    numpy 2 writes ``np.float64(inf)`` where its predecessor wrote ``inf``. Whatever
    may hold such a value is put into a message by this.
    """
    return repr(value.item() if isinstance(value, np.generic) else value)


def span(values: NDArray) -> str:
    """The least and the largest of some integers, or the one that all are."""
    if not values.size:
        return "none"
    low, high = int(values.min()), int(values.max())
    return str(low) if low == high else f"{low}..{high}"


def _more(n: int) -> str:
    return f", ... {n} in all" if n > _MOST_ITEMS else ""
