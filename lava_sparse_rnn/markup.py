# SPDX-License-Identifier: BSD-3-Clause
"""Tables that a terminal and a page both show, and objects as HTML in notebooks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
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

    @property
    def left(self) -> list[bool]:
        """Which columns stand to the left: those without numbers.

        It is the column that says so, and no cell of it: the first and those of `text`
        do, all others are of numbers, also where a row has a dash or a word instead.
        """
        return [i == 0 or name in self.text for i, name in enumerate(self.columns)]

    def html(self) -> str:
        """The table as HTML; numbers stand to the right, as on a terminal."""
        left = self.left

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

    def markdown(self) -> str:
        """The table as Markdown, without its title; numbers stand to the right."""
        rule = ["---" if to_left else "---:" for to_left in self.left]
        head, *rows = ([_cell(c) for c in row] for row in (self.columns, *self.rows))
        return "".join(f"| {' | '.join(row)} |\n" for row in (head, rule, *rows))


def _lines(cell: str) -> str:
    """A cell; a head that was broken within a word is one word again."""
    return escape(cell.replace("-\n", "")).replace("\n", "<br>")


def _cell(cell: str) -> str:
    """The same for Markdown, which has a row in one line."""
    return cell.replace("-\n", "").replace("\n", "<br>").replace("|", "\\|")


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


STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto;
  padding: 0 1rem; color: #1a1a1a; background: #fff; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.5rem; }
pre { background: #f4f4f4; padding: .7rem; font-size: .8rem; white-space: pre-wrap; }
section { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-size: .8rem;
  font-variant-numeric: tabular-nums; }
th, td { padding: .15rem .7rem; white-space: nowrap; }
thead tr { border-bottom: 1px solid #1a1a1a; }
tbody tr:nth-child(even) { background: #f4f4f4; }
caption { font-weight: 600; padding: .3rem 0; } img { max-width: 100%; height: auto; }
figure { display: inline-block; margin: 0 1.5rem 1rem 0; }
@media (max-width: 44rem) { section > img { max-width: none; width: 44rem; } }
@media print {
  html { font-size: 9px; } body { font-size: 11px; margin: 0; padding: 0; }
  th, td { padding: .1rem .5rem; } section { overflow: visible; }
  audio { display: none; }
  h2 { break-after: avoid; } tr, img { break-inside: avoid; }
}
"""


def page(title: str, sections: Iterable[tuple[str, str]]) -> str:
    """A page of HTML that asks for no other file.

    Parameters
    ----------
    title : str
    sections : iterable of (str, str)
        Heading, and what stands below it as HTML.
    """
    parts = (
        f"<section><h2>{escape(heading)}</h2>{text}</section>"
        for heading, text in sections
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><h1>{escape(title)}</h1>"
        f"{''.join(parts)}</body></html>\n"
    )
