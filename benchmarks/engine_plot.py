# SPDX-License-Identifier: BSD-3-Clause
"""The picture of `engine.py`: microseconds per token of everybody, four panels."""

from __future__ import annotations

import textwrap
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter, ScalarFormatter

from lava_sparse_rnn.files import replacing

# Colour-blind safe (Okabe and Ito); peers are dashed, the engine is solid.
STYLES: dict[str, tuple[str, str, str]] = {
    "torch eager, dense fp32": ("#777777", "--", "v"),
    "torch traced and frozen, dense fp32": ("#aaaaaa", "--", "^"),
    "numpy, dense fp32": ("#000000", ":", "x"),
    "scipy CSR, fp32": ("#000000", "--", "+"),
    "ONNX Runtime, dense fp32": ("#cc79a7", "--", "s"),
    "ONNX Runtime, dense int8": ("#d55e00", "--", "D"),
    "engine, scalar": ("#e69f00", "-", "o"),
    "engine, avx2": ("#56b4e9", "-", "o"),
    "engine, avx512, dense int8": ("#009e73", "-.", "o"),
    "engine, avx512": ("#0072b2", "-", "o"),
}
LINES = ("sparsity", "activity", "width")
TITLES = {
    "sparsity": "By weight sparsity",
    "activity": "By silence, at 90 % weight sparsity",
    "width": "By width, at 90 % weight sparsity",
}
LABELS = {
    "sparsity": "share of weights that are zero",
    "activity": "share of messages that are zero",
    "width": "width (1: 192 channels, 128 states)",
}
UNIT = "µs per token"


def plot(about: dict, results: dict, path: Path) -> None:
    """Write the panels of the cases that were measured as PNG.

    Parameters
    ----------
    about : dict
        As `engine.measure` gives it.
    results : dict of Case
    path : Path
    """
    style = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
    with mpl.rc_context(style):
        figure = Figure(figsize=(10, 8.6), layout="constrained")
        figure.get_layout_engine().set(w_pad=0.1, h_pad=0.08)
        axes = figure.subplots(2, 2)
        if "step" in results:
            _bars(axes[0, 0], results["step"].rows[0], about["network"])
        for ax, name in zip(axes.flat[1:], LINES, strict=True):
            if name in results:
                _lines(ax, name, results[name].rows)
        handles, labels = axes[0, 1].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
        title = "Microseconds per token: one stream, one thread, called from Python"
        figure.suptitle(f"{title}\n{about['cpu']}")
        with replacing(path) as temporary:
            figure.savefig(temporary, dpi=110, format="png")


def _bars(ax: Axes, row, network: str) -> None:
    names = [name for name in STYLES if name in row.times]
    names.sort(key=row.us)
    values = [row.us(name) for name in names]
    bars = ax.barh(names, values, color=[STYLES[name][0] for name in names])
    ax.bar_label(bars, [f" {v:.3g}" for v in values])
    ax.set_xscale("log")
    ax.set_xlim(min(1, min(values) / 2), 3 * max(values))
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.set_title(textwrap.fill(network, 50), fontsize=9)
    ax.set_xlabel(UNIT)


def _lines(ax: Axes, name: str, rows: list) -> None:
    at = [row.facts["x"] for row in rows]
    for contender, (colour, line, marker) in STYLES.items():
        if all(contender in row.times for row in rows):
            us = [row.us(contender) for row in rows]
            ax.plot(
                at, us, line, color=colour, marker=marker, markersize=4, label=contender
            )
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter(ScalarFormatter())
    if name == "width":
        ax.set_xscale("log", base=2)
        ax.set_xticks(at, [row.at for row in rows])
    else:
        ax.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    ax.set_xlabel(LABELS[name])
    ax.set_ylabel(UNIT)
    ax.set_title(TITLES[name], fontsize=9)
    ax.grid(alpha=0.3)
