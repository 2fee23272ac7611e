# SPDX-License-Identifier: BSD-3-Clause
"""The picture of what `inline_runtime.py` and `inline_examples.py` have measured.

python benchmarks/inline_runtime.py -o runtime.md
python benchmarks/inline_examples.py -o examples.md
python benchmarks/inline_plot.py runtime.md examples.md -o docs/runtime_speed.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from lava_sparse_rnn.files import replacing

# Colour-blind safe (Okabe and Ito).
INLINE, PROCESSES = "#0072b2", "#e69f00"
CELLS = 6

Row = tuple[str, float, float, str]  # name, steps/s here and under Lava's own, ratio


def rows(path: Path) -> list[Row]:
    """What a table of these benchmarks says.

    Raises
    ------
    SystemExit
        When it has no row.
    """
    found = []
    for line in path.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == CELLS and cells[-1].endswith("x"):
            ours, theirs = (float(cell.replace(",", "")) for cell in cells[3:5])
            found.append((cells[0], ours, theirs, cells[5]))
    if not found:
        raise SystemExit(f"{path}: has no row of a benchmark's table")
    return found


def plot(measured: list[Row], note: str, path: Path) -> None:
    """Two bars for each network, as PNG."""
    style = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
    with mpl.rc_context(style):
        figure = Figure(figsize=(8, 0.9 + 0.42 * len(measured)), layout="constrained")
        ax = figure.subplots()
        at = [-i for i in range(len(measured))]
        names, ours, theirs, ratios = zip(*measured, strict=True)
        above, below = ([y + shift for y in at] for shift in (0.2, -0.2))
        bars = ax.barh(above, ours, 0.38, color=INLINE, label="in one process")
        ax.barh(below, theirs, 0.38, color=PROCESSES, label="Lava's own runtime")
        ax.bar_label(bars, [f" {ratio}" for ratio in ratios])
        ax.set_yticks(at, names)
        ax.set_xscale("log")
        ax.set_xlim(min(theirs) / 2, 3 * max(ours))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,g}"))
        ax.set_xlabel(f"time steps in a second{note}")
        ax.grid(alpha=0.3, axis="x")
        ax.set_axisbelow(True)
        figure.legend(loc="outside upper right", ncols=2)
        with replacing(path) as temporary:
            figure.savefig(temporary, dpi=110, format="png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tables", nargs="+", type=Path)
    parser.add_argument("--note", default="", help="of the machine, for the axis")
    parser.add_argument("-o", "--output", type=Path, required=True, help="a PNG")
    args = parser.parse_args()
    measured = [row for table in args.tables for row in rows(table)]
    note = f" ({args.note})" if args.note else ""
    plot(measured, note, args.output)


if __name__ == "__main__":
    main()
