# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of a mapping and of what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lava_sparse_rnn import pictures
from lava_sparse_rnn.loihi2.bounds import Estimate
from lava_sparse_rnn.loihi2.cost import part_times
from lava_sparse_rnn.loihi2.mapping import Mapping, check_mapping
from lava_sparse_rnn.loihi2.sweep import Choice, work

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHIPS_SHOWN = 8
BARS = 400  # beyond so many cores, bars become outlines
MEMORY_COLORS = {
    "synapses": pictures.BLUE,
    "axons": pictures.SKY,
    "destinations": pictures.PURPLE,
    "neurons": pictures.ORANGE,
}
LINES = ("-", "--", "-.", ":")
KIND_COLORS = {
    "affine": pictures.GREY,
    "recurrence": pictures.BLUE,
    "readout": pictures.GREEN,
    "gate": pictures.ORANGE,
}


def cores(mapping: Mapping, estimate: Estimate | None = None) -> Figure:
    """A mapping: cores on the chip, memory and work of each core.

    Parameters
    ----------
    mapping : Mapping
    estimate : Estimate, optional
        Adds the parts of the lower bound of a step's time, per core, and says which
        core is busiest; without it that is the core with most in memory.

    Returns
    -------
    Figure
    """
    check_mapping(mapping, "cores")
    panels = 3 if estimate is not None and estimate.terms else 2
    top = 3.6 if min(mapping.chips, CHIPS_SHOWN) in (1, 2) else 2.8
    figure = pictures.figure(12, top + 2.4 * panels)
    ratios = [top, 2.4 * panels]
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=ratios).flat
    busiest = busiest_core(mapping, estimate)
    _chips(mapping, busiest, above)
    axes = below.subplots(panels, 1, sharex=True)
    _memory(mapping, axes[0])
    _work(mapping, axes[1])
    if estimate is not None and estimate.terms:
        _times(estimate, axes[2])
        below.supxlabel(estimate.label, fontsize=8)
    for axis in axes:
        axis.axvline(busiest, color="black", ls=":", lw=1, zorder=0)
    _group_ticks(mapping, axes)
    return figure


def busiest_core(mapping: Mapping, estimate: Estimate | None = None) -> int:
    """The core with most to do for a token, or with most in memory if unknown."""
    held = mapping.on_cores(mapping.total_bytes)
    return int(np.argmax(held if estimate is None else work(estimate.counts)))


def sweep(choices: Sequence[Choice]) -> Figure:
    """What more cores bring and cost.

    Parameters
    ----------
    choices : sequence of Choice
        Of `loihi2.sweep`.

    Returns
    -------
    Figure
    """
    from matplotlib.ticker import NullLocator

    cores = [len(c.mapping) for c in choices]
    steps = [c.estimate.pipelined.step_s for c in choices]
    panels = (
        ("busiest core, per token", [c.busiest for c in choices]),
        ("busiest core / mean", [c.imbalance for c in choices]),
        ("step, us (estimate)", [_scaled(s, 1e6) for s in steps]),
        (
            "latency, fall-through, us (estimate)",
            [_scaled(c.latency_s, 1e6) for c in choices],
        ),
        (
            "energy, uJ a token (estimate)",
            [_scaled(c.energy_j, 1e6) for c in choices],
        ),
        ("copies on the board", [c.mapping.copies for c in choices]),
    )
    figure = pictures.figure(11, 5.6)
    axes = figure.subplots(2, 3, sharex=True).ravel()
    for axis, (title, values) in zip(axes, panels, strict=True):
        axis.plot(cores, values, "o-", color=pictures.BLUE, lw=1.5, ms=4)
        axis.set_title(title, loc="left", fontsize=10)
        axis.set_xscale("log")
        axis.set_xticks(cores[:: max(1, len(cores) // 6)], minor=False)
        axis.xaxis.set_major_formatter("{x:.0f}")
        axis.xaxis.set_minor_locator(NullLocator())
        axis.set_ylim(0, 1.15 * max([*np.nan_to_num(values), 1e-9]))
        axis.grid(color="0.9")
    least, label = [c.least for c in choices], "at least, however it is cut"
    # Above the line that it nearly is: dashes of another colour, which leave it seen.
    look = {"color": pictures.ORANGE, "lw": 2.5, "dashes": (2, 2)}
    axes[0].plot(cores, least, label=label, zorder=3, **look)
    axes[0].legend(fontsize=8, frameon=False)
    figure.supxlabel(f"neurocores of {choices[0].mapping.board.name}", fontsize=10)
    figure.suptitle(choices[0].estimate.label, fontsize=8)
    return figure


def _scaled(value: float | None, by: float) -> float:
    return np.nan if value is None else value * by


def _colors(mapping: Mapping) -> np.ndarray:
    """One colour per group, kinds of groups alike in hue, shape (G, 4)."""
    from matplotlib.colors import to_rgba

    layers = max(g.layer for g in mapping.groups) + 1
    pure = np.array([to_rgba(KIND_COLORS[g.kind]) for g in mapping.groups])
    share = np.array([0.4 + 0.6 * (g.layer + 1) / layers for g in mapping.groups])
    return pure * share[:, None] + 1.0 - share[:, None]  # mixed with white


def _core_position(mapping: Mapping, k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Column and row of places in a drawing: cores in a square around each router."""
    chip = mapping.board.chip
    side = int(np.ceil(np.sqrt(chip.cores_per_router)))
    x, y = mapping.mesh.position(mapping.mesh.router_of(k))
    around = k % chip.cores_per_router
    return x * side + around % side, y * side + around // side


def _chips(mapping: Mapping, busiest: int, figure: Any) -> None:
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
        # Where groups share a core, the one with most instructions colours it.
        by_size = np.argsort(mapping.instructions[here], kind="stable")
        at = row[by_size], column[by_size]
        picture[at] = colors[mapping.group_of[here[by_size]]]
        axis.imshow(picture, interpolation="nearest")
        for edge in range(side, width, side):
            axis.axvline(edge - 0.5, color="white", lw=1.5)
        for edge in range(side, height, side):
            axis.axhline(edge - 0.5, color="white", lw=1.5)
        used = len(np.unique(mapping.place[here]))
        axis.set_title(f"chip {i}: {used} of {chip.cores} cores", fontsize=9)
        place = mapping.place[mapping.core_of == busiest][:1]
        if place[0] // chip.cores == i:
            x, y = _core_position(mapping, place % chip.cores)
            axis.plot(x, y, "x", color="black", ms=7, mew=2)
    names = [g.name for g in mapping.groups]
    patches = [Patch(color=c, label=n) for c, n in zip(colors, names, strict=True)]
    figure.legend(
        handles=patches[:24], loc="outside right center", fontsize=7, frameon=False
    )
    more = f", {shown} shown" if shown < mapping.chips else ""
    figure.suptitle(
        f"{len(mapping)} cores on {mapping.chips} chip(s){more}, "
        f"copies that fit {mapping.board.name}: {mapping.copies}; busiest (x): "
        f"{mapping.describe_core(busiest)}",
        fontsize=11,
    )


def _memory(mapping: Mapping, axis: Any) -> None:
    chip = mapping.board.chip
    parts = {n: mapping.on_cores(v) / 1024 for n, v in mapping.memory.items()}
    _stack(axis, parts, MEMORY_COLORS)
    limit, half = chip.core_bytes / 1024, chip.synapse_bytes / 1024
    top = max(float(np.sum(list(parts.values()), axis=0).max()) * 1.15, 1.0)
    if top > half:
        axis.axhline(half, color=pictures.BLUE, ls=":", lw=1, label="synaptic limit")
    if top > limit:
        axis.axhline(limit, color="k", ls="--", lw=1, label="limit")
    axis.set_ylim(0, top)
    axis.set_ylabel("KB")
    axis.set_title(f"memory of each core (limit {limit:g} KB)", loc="left", fontsize=10)
    axis.legend(fontsize=7, ncols=6, loc="upper right", frameon=False)


def _work(mapping: Mapping, axis: Any) -> None:
    x = np.arange(len(mapping) + 1) - 0.5
    for values, name, color in (
        (mapping.synapses, "stored synapses", pictures.BLUE),
        (mapping.instructions, "instructions, longest path", pictures.ORANGE),
    ):
        axis.stairs(mapping.on_cores(values), x, label=name, color=color, lw=1.5)
    axis.set_ylim(0, 1.3 * axis.get_ylim()[1])
    axis.set_title("work of each core", loc="left", fontsize=10)
    axis.legend(fontsize=7, ncols=2, loc="upper right", frameon=False)


def _times(estimate: Estimate, axis: Any) -> None:
    mapping = estimate.counts.mapping
    x = np.arange(len(mapping) + 1) - 0.5
    times = part_times(estimate.counts.real, estimate.preset)
    for k, (name, values) in enumerate(times.items()):
        color = pictures.COLORS[k % len(pictures.COLORS)]
        mean = mapping.on_cores(values.mean(axis=0)) * 1e6
        axis.stairs(mean, x, label=name, lw=1.5, color=color, ls=LINES[k % len(LINES)])
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
    axes[-1].set_xlim(-0.5, len(mapping) - 0.5)
    if mapping.parts > len(mapping):
        axes[-1].set_xlabel("core; groups share them", fontsize=8)
        return
    starts = np.searchsorted(mapping.group_of, np.arange(len(mapping.groups)))
    stops = np.append(starts[1:], len(mapping))
    for axis in axes:
        for edge in stops[:-1]:
            axis.axvline(edge - 0.5, color="0.85", lw=0.8, zorder=0)
    names = [g.name.replace("layer", "").replace("_", "\n") for g in mapping.groups]
    axes[-1].set_xticks((starts + stops - 1) / 2, names, fontsize=7)
