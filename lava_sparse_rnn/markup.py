# SPDX-License-Identifier: BSD-3-Clause
"""Tables that a terminal and a page both show, and objects as HTML in notebooks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import singledispatch
from html import escape


@dataclass(frozen=True)
class Table:
    """Some rows of text.

    Parameters
    ----------
    title : str
    columns : sequence of str
        Heads. What is in the first column names the row.
    rows : sequence of sequences of str
    last : int
        How many rows at the end stand apart.
    text : collection of str
        Columns, besides the first, that do not hold numbers.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    last: int = 0
    text: Collection[str] = ()

    def html(self) -> str:
        """The table as HTML; numbers stand to the right, as on a terminal."""
        left = [i == 0 or name in self.text for i, name in enumerate(self.columns)]

        def line(cells: Sequence[str], tag: str, rule: str = "") -> str:
            made = (
                f'<{tag} style="text-align:{"left" if to_left else "right"};'
                f'vertical-align:top{rule}">{_lines(cell)}</{tag}>'
                for cell, to_left in zip(cells, left, strict=True)
            )
            return f"<tr>{''.join(made)}</tr>"

        first_last = len(self.rows) - self.last
        rows = (
            line(row, "td", ";border-top:1px solid" if i == first_last else "")
            for i, row in enumerate(self.rows)
        )
        caption = f'<caption style="text-align:left">{escape(self.title)}</caption>'
        head = f"<thead>{line(self.columns, 'th')}</thead>"
        return f"<table>{caption}{head}<tbody>{''.join(rows)}</tbody></table>"


def _lines(cell: str) -> str:
    """A cell; a head that was broken within a word is one word again."""
    return escape(cell.replace("-\n", "")).replace("\n", "<br>")


@singledispatch
def as_html(thing: object) -> str | None:
    """An object as a notebook shows it; None where its `repr` is all there is.

    Rooms register the classes that have more to show.
    """
    return None


def titled(thing: object, *tables: Table) -> str:
    """The `repr` of an object above some tables, as HTML."""
    head = f'<pre style="white-space:pre-wrap">{escape(repr(thing))}</pre>'
    return head + "".join(table.html() for table in tables)
