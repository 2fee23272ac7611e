# SPDX-License-Identifier: BSD-3-Clause
"""Tables that fit the screen: one with too many columns becomes several."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.console import Console
from rich.table import Table

Rows = Sequence[Sequence[str]]
CONTINUED = " (continued)"
FRAME = 3  # two spaces and a line for each column, and one line more


def show_table(
    screen: Console,
    title: str,
    columns: Sequence[str],
    rows: Rows,
    *,
    last: int = 0,
    text: Collection[str] = (),
) -> None:
    """Print a table, in parts that each repeat the first column where it is too wide.

    Parameters
    ----------
    screen : Console
    title : str
    columns : sequence of str
        Heads. What is in the first column names the row.
    rows : sequence of sequences of str
    last : int
        How many rows at the end stand apart.
    text : collection of str
        Columns, besides the first, that do not hold numbers.
    """
    widths = [
        FRAME + max(len(line) for cell in cells for line in cell.split("\n") or [""])
        for cells in zip(columns, *rows, strict=True)
    ]
    for part in _parts(widths, screen.width):
        table = Table(title=title, title_justify="left")
        for i in part:
            words = i == 0 or columns[i] in text
            table.add_column(
                columns[i], justify="left" if words else "right", overflow="fold"
            )
        for n, row in enumerate(rows):
            if last and n == len(rows) - last:
                table.add_section()
            table.add_row(*(row[i] for i in part))
        screen.print(table)
        title = title.removesuffix(CONTINUED) + CONTINUED


def _parts(widths: list[int], room: int) -> list[list[int]]:
    """Columns of each part: as many as fit beside the first."""
    parts, used = [[0]], widths[0] + 1
    for i, width in enumerate(widths[1:], start=1):
        if used + width > room and len(parts[-1]) > 1:
            parts.append([0])
            used = widths[0] + 1
        parts[-1].append(i)
        used += width
    return parts
