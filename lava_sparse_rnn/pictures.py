# SPDX-License-Identifier: BSD-3-Clause
"""Figures without a window, in colours for every eye, and files of them."""

from __future__ import annotations

import base64
import io
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lava_sparse_rnn.files import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's: told apart by colour-blind eyes and, in this order, by their grey.
BLUE, ORANGE, GREEN = "#0072b2", "#e69f00", "#009e73"
VERMILION, SKY, PURPLE, GREY = "#d55e00", "#56b4e9", "#cc79a7", "#7f7f7f"
COLORS = (BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE, GREY)
MARKERS = "osD^vPX"
"""Beside the colours, for print without any."""

STYLE: dict[str, Any] = {
    "axes.prop_cycle": f"cycler(color={list(COLORS)})",
    "figure.constrained_layout.use": True,
    "figure.figsize": (8, 3),
    "axes.titlesize": "medium",
    "axes.titlelocation": "left",
}
"""For pictures of your own: ``matplotlib.pyplot.rcParams.update(STYLE)``."""


def figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches, which no window shows.

    A notebook shows it where a cell returns it.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(made)
    return made


def save(figure: Figure, path: str | Path, dpi: int = 120) -> None:
    """Write a figure; the file appears when it is whole.

    Parameters
    ----------
    figure : Figure
    path : str or Path
        Its ending decides the kind; PNG where it has none.
    dpi : int
        Dots per inch of a picture made of dots.

    Raises
    ------
    ValueError
        For an ending that matplotlib does not know.
    OSError
    """
    with replacing(path) as temporary:
        kind = temporary.suffix[1:] or "png"
        figure.savefig(temporary, dpi=dpi, format=kind)


def svg(figure: Figure) -> str:
    """A figure as SVG, the same text for the same figure."""
    from matplotlib import rc_context

    memory = io.StringIO()
    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": "figure"}
    with rc_context(settings):
        figure.savefig(memory, format="svg", metadata={"Date": None})
    return memory.getvalue()


def html(figure: Figure, about: str) -> str:
    """A figure as an element of HTML that asks for no other file.

    Parameters
    ----------
    figure : Figure
    about : str
        What it shows, for who cannot see it.
    """
    source = base64.b64encode(svg(figure).encode()).decode()
    return f'<img alt="{escape(about)}" src="data:image/svg+xml;base64,{source}">'
