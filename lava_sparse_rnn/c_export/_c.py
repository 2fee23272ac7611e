# SPDX-License-Identifier: BSD-3-Clause
"""Pieces of C: names, types and tables of integers."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from lava_sparse_rnn.fixed_point import SpecError, brief

WIDTH = 88  # of a line of a table
NAME = r"[A-Za-z][A-Za-z0-9_]{0,30}"
WIDTHS = (8, 16, 32, 64)
KEYWORDS = frozenset(
    "auto break case char const continue default do double else enum extern float "
    "for goto if inline int long register restrict return short signed sizeof static "
    "struct switch typedef union unsigned void volatile while "
    # and of C++, in which the header can be included
    "and asm bool catch class delete explicit export false friend mutable namespace "
    "new not operator or private protected public template this throw true try "
    "typeid typename using virtual xor main".split()
)


def identifier(name: str) -> str:
    """``name`` itself, when C takes it for what every exported name begins with.

    Raises
    ------
    SpecError
        When it is no identifier, a word of C or C++, or reserved.
    """
    is_name = isinstance(name, str) and re.fullmatch(NAME, name)
    if not is_name or name in KEYWORDS:
        raise SpecError(
            f"prefix is {brief(name)}, must be an identifier of C: a letter, then at "
            "most 30 letters, digits and underscores, and no word of the language"
        )
    return name


def identifier_of(stem: str) -> str:
    """An identifier made of the name of a file."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", stem).strip("_")[:25]
    if not name or not name[0].isalpha() or name in KEYWORDS:
        name = f"net_{name}".rstrip("_")
    return name


def bits_for(*values: ArrayLike) -> int:
    """Width of the narrowest signed type that holds all values: 8, 16, 32 or 64."""
    arrays = [np.asarray(v) for v in values]
    low = min((int(a.min()) for a in arrays if a.size), default=0)
    high = max((int(a.max()) for a in arrays if a.size), default=0)
    return next(w for w in WIDTHS if -(1 << (w - 1)) <= low and high < 1 << (w - 1))


def int_type(bits: int) -> str:
    """The narrowest signed type of at least ``bits`` bits."""
    return f"int{next(w for w in WIDTHS if w >= bits)}_t"


def uint_type(highest: int) -> str:
    """The narrowest unsigned type that holds 0 to ``highest``."""
    return f"uint{next(w for w in WIDTHS if highest < 1 << w)}_t"


def size_of(c_type: str) -> int:
    """Bytes of an integer type."""
    return int(re.sub(r"\D", "", c_type)) // 8


def filled(words: str) -> str:
    """Words in indented lines."""
    return textwrap.fill(
        words,
        WIDTH,
        initial_indent="    ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


@dataclass
class Tables:
    """Constant arrays of a C file, in the order in which they were added.

    Attributes
    ----------
    texts : list of str
        Their definitions.
    bytes : int
        What they take in memory, all together.
    """

    texts: list[str] = field(default_factory=list)
    bytes: int = 0

    def add(self, name: str, c_type: str, values: ArrayLike, storage="static ") -> str:
        """Define an array of integers; returns its name."""
        words = [str(int(v)) for v in np.asarray(values).ravel()]
        self.define(name, c_type, words, size_of(c_type), storage)
        return name

    def define(
        self, name: str, c_type: str, words: list[str], size: int, storage="static "
    ) -> None:
        """Define an array of numbers of some bytes, as C has them."""
        self.bytes += size * len(words)
        self._define(f"{storage}const {c_type} {name}[{len(words)}]", words)

    def add_pairs(self, name: str, c_type: str, pairs: ArrayLike) -> str:
        """Define an array of structures of two bytes, pairs of shape (n, 2)."""
        words = [f"{{{int(a)},{int(b)}}}" for a, b in np.asarray(pairs)]
        self.bytes += 2 * len(words)
        self._define(f"static const {c_type} {name}[{len(words)}]", words)
        return name

    def _define(self, head: str, words: list[str]) -> None:
        body = filled(", ".join(words))
        self.texts.append(f"{head} = {{\n{body}\n}};")
