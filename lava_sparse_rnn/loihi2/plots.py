# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of a mapping and of what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lava_sparse_rnn.files import replacing
from lava_sparse_rnn.loihi2.bounds import Estimate
from lava_sparse_rnn.loihi2.mapping import Mapping
from lava_sparse_rnn.loihi2.sweep import Choice

CHIPS_SHOWN = 8
BARS = 400  # beyond so many cores, bars become outlines
MEMORY_COLORS = {
    "synapses": "#4c72b0",
    "axons": "#8fb0dc",
    "destinations": "#c9a9d8",
    "neurons": "#dd8452",
}


def draw(mapping: Mapping, path: str | Path, estimate: Estimate | None = None) -> None:
    """Draw a mapping: cores on the chip, memory and work of each core.

    Parameters
    ----------
    mapping : Mapping
    path : str or Path
        Picture to write; its ending decides the kind.
    estimate : Estimate, optional
        Adds the parts of the lower bound of a step's time, per core.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = 3 if estimate is not None and estimate.terms else 2
    top = 3.6 if min(mapping.chips, CHIPS_SHOWN) in (1, 2) else 2.8
    figure = Figure(figsize=(12, top + 2.4 * panels), layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subfigures(2, 1, height_ratios=[top, 2.4 * panels])
    _chips(mapping, above)
    axes = below.subplots(panels, 1, sharex=True)
    _memory(mapping, axes[0])
    _work(mapping, axes[1])
    if estimate is not None and estimate.terms:
        _times(estimate, axes[2])
        below.supxlabel(estimate.label, fontsize=8)
    _group_ticks(mapping, axes)
    with replacing(path) as temporary:
        kind = temporary.suffix[1:] or "png"
        figure.savefig(temporary, dpi=120, format=kind)


def draw_sweep(choices: Sequence[Choice], path: str | Path) -> None:
    """Draw what more cores bring and cost.

    Parameters
    ----------
    choices : sequence of Choice
        Of `sweep`.
    path : str or Path
        Picture to write; its ending decides the kind.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullLocator

    cores = [len(c.mapping) for c in choices]
    preset = choices[0].estimate.preset.name
    estimated = f"preset {preset}, estimate"
    steps = [c.estimate.pipelined.step_s for c in choices]
    panels = (
        ("busiest core, per token", [c.busiest for c in choices]),
        ("busiest core / mean", [c.imbalance for c in choices]),
        (f"step, us ({estimated})", [_scaled(s, 1e6) for s in steps]),
        (
            f"latency, fall-through, us ({estimated})",
            [_scaled(c.latency_s, 1e6) for c in choices],
        ),
        (
            f"energy, uJ a token ({estimated})",
            [_scaled(c.energy_j, 1e6) for c in choices],
        ),
        ("copies on the board", [c.mapping.copies for c in choices]),
    )
    figure = Figure(figsize=(11, 5.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 3, sharex=True).ravel()
    least, label = [c.least for c in choices], "at least, however it is cut"
    axes[0].plot(cores, least, "--", color="0.3", lw=1, label=label, zorder=3)
    axes[0].legend(fontsize=8, frameon=False)
    for axis, (title, values) in zip(axes, panels, strict=True):
        axis.plot(cores, values, "o-", color="#4c72b0", lw=1.5, ms=4)
        axis.set_title(title, loc="left", fontsize=10)
        axis.set_xscale("log")
        axis.set_xticks(cores[:: max(1, len(cores) // 6)], minor=False)
        axis.xaxis.set_major_formatter("{x:.0f}")
        axis.xaxis.set_minor_locator(NullLocator())
        axis.set_ylim(0, 1.15 * max([*np.nan_to_num(values), 1e-9]))
        axis.grid(color="0.9")
    figure.supxlabel(f"neurocores of {choices[0].mapping.board.name}", fontsize=10)
    figure.suptitle(choices[0].estimate.label, fontsize=8)
    with replacing(path) as temporary:
        kind = temporary.suffix[1:] or "png"
        figure.savefig(temporary, dpi=120, format=kind)


def _scaled(value: float | None, by: float) -> float:
    return np.nan if value is None else value * by


def _colors(mapping: Mapping) -> np.ndarray:
    """One colour per group, kinds of groups alike in hue, shape (G, 4)."""
    from matplotlib import colormaps

    kinds = {"affine": "Greys", "recurrence": "Blues"}
    kinds |= {"readout": "Greens", "gate": "Oranges"}
    layers = max(g.layer for g in mapping.groups) + 1
    return np.array(
        [
            colormaps[kinds[g.kind]](0.4 + 0.45 * g.layer / layers)
            for g in mapping.groups
        ]
    )


def _core_position(mapping: Mapping, k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Column and row of places in a drawing: cores in a square around each router."""
    chip = mapping.board.chip
    side = int(np.ceil(np.sqrt(chip.cores_per_router)))
    x, y = mapping.mesh.position(mapping.mesh.router_of(k))
    around = k % chip.cores_per_router
    return x * side + around % side, y * side + around // side


def _chips(mapping: Mapping, figure: Any) -> None:
    from matplotlib.patches import Patch

    chip = mapping.board.chip
    shown = min(mapping.chips, CHIPS_SHOWN)
    columns = min(shown, 4)
    axes = figure.subplots(-(-shown // columns), columns, squeeze=False).ravel()
    colors = _colors(mapping)
    side = int(np.ceil(np.sqrt(chip.cores_per_router)))
    width, height = side * chip.routers_x, side * chip.routers_y
    for i, axis in enumerate(axes):
        axis.set_axis_off()
        if i >= shown:
            continue
        picture = np.ones((height, width, 4)) * 0.93
        column, row = _core_position(mapping, np.arange(chip.cores))
        picture[row, column] = (0.82, 0.82, 0.82, 1.0)
        here = np.flatnonzero(mapping.chip_of == i)
        column, row = _core_position(mapping, mapping.place[here] % chip.cores)
        picture[row, column] = colors[mapping.group_of[here]]
        axis.imshow(picture, interpolation="nearest")
        for edge in range(side, width, side):
            axis.axvline(edge - 0.5, color="white", lw=1.5)
        for edge in range(side, height, side):
            axis.axhline(edge - 0.5, color="white", lw=1.5)
        axis.set_title(f"chip {i}: {len(here)} of {chip.cores} cores", fontsize=9)
    names = [g.name for g in mapping.groups]
    patches = [Patch(color=c, label=n) for c, n in zip(colors, names, strict=True)]
    figure.legend(
        handles=patches[:24], loc="outside right center", fontsize=7, frameon=False
    )
    more = f", {shown} shown" if shown < mapping.chips else ""
    figure.suptitle(
        f"{len(mapping)} cores on {mapping.chips} chip(s){more}, "
        f"copies that fit {mapping.board.name}: {mapping.copies}",
        fontsize=11,
    )


def _memory(mapping: Mapping, axis: Any) -> None:
    chip = mapping.board.chip
    parts = {name: v / 1024 for name, v in mapping.memory.items()}
    _stack(axis, parts, MEMORY_COLORS)
    limit, half = chip.core_bytes / 1024, chip.synapse_bytes / 1024
    top = max(float(np.sum(list(parts.values()), axis=0).max()) * 1.15, 1.0)
    if top > half:
        axis.axhline(half, color="#4c72b0", ls=":", lw=1, label="synaptic limit")
    if top > limit:
        axis.axhline(limit, color="k", ls="--", lw=1, label="limit")
    axis.set_ylim(0, top)
    axis.set_ylabel("KB")
    axis.set_title(f"memory of each core (limit {limit:g} KB)", loc="left", fontsize=10)
    axis.legend(fontsize=7, ncols=6, loc="upper right", frameon=False)


def _work(mapping: Mapping, axis: Any) -> None:
    x = np.arange(len(mapping) + 1) - 0.5
    for values, name, color in (
        (mapping.synapses, "stored synapses", "#4c72b0"),
        (mapping.instructions, "instructions, longest path", "#dd8452"),
    ):
        axis.stairs(values, x, label=name, color=color, lw=1.5)
    axis.set_ylim(0, 1.3 * axis.get_ylim()[1])
    axis.set_title("work of each core", loc="left", fontsize=10)
    axis.legend(fontsize=7, ncols=2, loc="upper right", frameon=False)


def _times(estimate: Estimate, axis: Any) -> None:
    from lava_sparse_rnn.loihi2.cost import core_times

    mapping = estimate.counts.mapping
    x = np.arange(len(mapping) + 1) - 0.5
    for name, values in core_times(estimate.counts.real, estimate.preset).items():
        axis.stairs(values.mean(axis=0) * 1e6, x, label=name, lw=1.5)
    step = estimate.pipelined.step_s
    if step is not None:
        axis.axhline(step * 1e6, color="k", ls="--", lw=1, label="step, lower bound")
    axis.set_ylim(0, 1.3 * axis.get_ylim()[1])
    axis.set_ylabel("us")
    title = f"time per token on each core, preset {estimate.preset.name} (estimate)"
    axis.set_title(title, loc="left", fontsize=10)
    axis.legend(fontsize=7, ncols=6, loc="upper right", frameon=False)


def _stack(axis: Any, parts: dict[str, np.ndarray], colors: dict[str, str]) -> None:
    n = len(next(iter(parts.values())))
    x, floor = np.arange(n), np.zeros(n)
    for name, values in parts.items():
        if n > BARS:
            edges = np.arange(n + 1) - 0.5
            axis.stairs(
                floor + values,
                edges,
                baseline=floor,
                fill=True,
                color=colors[name],
                label=name,
            )
        else:
            axis.bar(x, values, 0.9, floor, color=colors[name], label=name)
        floor = floor + values


def _group_ticks(mapping: Mapping, axes: Any) -> None:
    """Names of groups below their cores, and a line where one ends."""
    starts = np.searchsorted(mapping.group_of, np.arange(len(mapping.groups)))
    stops = np.append(starts[1:], len(mapping))
    for axis in axes:
        for edge in stops[:-1]:
            axis.axvline(edge - 0.5, color="0.85", lw=0.8, zorder=0)
    names = [g.name.replace("layer", "").replace("_", "\n") for g in mapping.groups]
    axes[-1].set_xticks((starts + stops - 1) / 2, names, fontsize=7)
    axes[-1].set_xlim(-0.5, len(mapping) - 0.5)
