# SPDX-License-Identifier: BSD-3-Clause
"""Tables that fit the screen, and one line per row where there is no screen."""

from __future__ import annotations

import os
from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from lava_sparse_rnn import markup
from lava_sparse_rnn.cli._console import on_terminal

Rows = Sequence[Sequence[str]]
CONTINUED = " (continued)"
FRAME = 3  # two spaces and a line for each column, and one line more


def show(screen: Console, table: markup.Table) -> None:
    """Print a table: drawn on a terminal, as plain lines into a file or pipe.

    On a terminal it comes in parts that each repeat the first column, where it is too
    wide. Elsewhere there is no width, unless ``COLUMNS`` asks for one: every row is
    one line with all of its cells.
    """
    title, columns, rows, last = table.title, table.columns, table.rows, table.last
    left = table.left
    if not on_terminal(screen) and "COLUMNS" not in os.environ:
        _print_plain(screen, title, columns, rows, left)
        return
    widths = [
        FRAME + max(cell_len(line) for cell in cells for line in cell.split("\n"))
        for cells in zip(columns, *rows, strict=True)
    ]
    for part in _parts(widths, screen.width):
        drawn = Table(title=title, title_justify="left")
        for i in part:
            justify = "left" if left[i] else "right"
            drawn.add_column(columns[i], justify=justify, overflow="fold")
        for n, row in enumerate(rows):
            if last and n == len(rows) - last:
                drawn.add_section()
            drawn.add_row(*(row[i] for i in part))
        screen.print(drawn)
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


def _print_plain(
    screen: Console,
    title: str,
    columns: Sequence[str],
    rows: Rows,
    left: Sequence[bool],
) -> None:
    heads = [name.replace("-\n", "").replace("\n", " ") for name in columns]
    cells = [[c.replace("\n(", " (").replace("\n", "; ") for c in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(heads, *cells, strict=True)]
    line = "|" if screen.options.ascii_only else "│"
    screen.print(title)
    for row in (heads, *cells):
        padded = (
            cell + " " * (width - cell_len(cell))
            if to_left
            else " " * (width - cell_len(cell)) + cell
            for cell, width, to_left in zip(row, widths, left, strict=True)
        )
        screen.print(f"{line} " + f" {line} ".join(padded) + f" {line}")
