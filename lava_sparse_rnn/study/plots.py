# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of a study: fronts against cost, and what else was varied."""

from __future__ import annotations

from collections.abc import Sequence
from os.path import commonprefix
from pathlib import Path
from typing import Any

from lava_sparse_rnn.files import named
from lava_sparse_rnn.pictures import COLORS, MARKERS, figure, save
from lava_sparse_rnn.study.compare import COSTS, SCORES, Size, points, sizes
from lava_sparse_rnn.study.config import StudyConfig
from lava_sparse_rnn.study.fronts import front
from lava_sparse_rnn.study.table import Row

KINDS = (".png", ".svg")
PANELS = (("float", "macs"), ("integers", "macs"), ("integers", "chip_bytes"))


def draw(study: StudyConfig, rows: Sequence[Row], folder: Path) -> list[Path]:
    """Draw a study into a folder, every picture as PNG and as SVG.

    Parameters
    ----------
    study : StudyConfig
    rows : sequence of Row
    folder : Path
        ``NAME-fronts`` are the families that are compared, ``NAME-slices`` what
        changes with sparsity, bits and activity.

    Returns
    -------
    list of Path

    Raises
    ------
    ValueError
        If no trial is done.
    """
    if not sizes(rows):
        raise ValueError(f"study {study.name}: no trial is done, nothing can be drawn")
    with named(folder):
        folder.mkdir(parents=True, exist_ok=True)
    pictures = {"fronts": draw_fronts(study, rows), "slices": draw_slices(study, rows)}
    written = []
    for name, made in pictures.items():
        for kind in KINDS:
            path = folder / f"{study.name}-{name}{kind}"
            save(made, path, dpi=110)
            written.append(path)
    return written


def draw_fronts(
    study: StudyConfig, rows: Sequence[Row], panels: Sequence[tuple[str, str]] = PANELS
) -> Any:
    """Scores against costs; lines are fronts, bars reach from seed to seed."""
    made, axes = _figure(len(panels))
    for axis, (score, cost) in zip(axes, panels, strict=True):
        for name in compared(study):
            _curve(axis, study, rows, name, cost, SCORES[score])
        _logarithmic(axis)
        axis.set_xlabel(COSTS[cost])
        axis.set_title(f"score of {score}", loc="left", fontsize=10)
    axes[0].set_ylabel(_figures(rows))
    _legend(axes[0])
    return made


def compared(study: StudyConfig) -> list[str]:
    """Families with a front: those that are compared, or all."""
    names = {name for pair in study.compare for name in (pair.sparse, pair.dense)}
    return [name for name in study.families if not names or name in names]


def _curve(
    axis: Any, study: StudyConfig, rows: Sequence[Row], name: str, cost: str, score: str
) -> None:
    found = points(rows, name, cost, score)
    if not found:
        return
    color, marker = _style(study, name)
    axis.plot(*front(found), color=color, lw=1.4, zorder=1)
    center = [p.score for p in found]
    below = [p.score - p.scores.min() for p in found]
    above = [p.scores.max() - p.score for p in found]
    axis.errorbar(
        [p.cost for p in found],
        center,
        yerr=(below, above),
        fmt=marker,
        color=color,
        ms=6,
        capsize=3,
        lw=1,
        label=name.replace("_", " "),
    )


def draw_slices(study: StudyConfig, rows: Sequence[Row]) -> Any:
    """Scores by sparsity and by bits, and how many messages are silent."""
    several = {
        what: [n for n in study.families if _varies(rows, n, what)]
        for what in ("sparsity", "bits")
    }
    panels = [(_by_sparsity, several["sparsity"]), (_by_bits, several["bits"])]
    panels = [(panel, names) for panel, names in panels if names]
    panels.append((_activity, compared(study)))
    made, axes = _figure(len(panels))
    for axis, (panel, names) in zip(axes, panels, strict=True):
        panel(axis, study, rows, names)
        _legend(axis)
    if len(panels) > 1:
        axes[0].set_ylabel(_figures(rows))
    return made


def _varies(rows: Sequence[Row], name: str, what: str) -> bool:
    """Whether a family has sizes that differ in that."""
    return len({getattr(size.first, what) for size in sizes(rows, name)}) > 1


def _by_sparsity(
    axis: Any, study: StudyConfig, rows: Sequence[Row], names: Sequence[str]
) -> None:
    for name in names:
        found = sorted(sizes(rows, name), key=lambda size: size.first.sparsity)
        for (label, column), line in zip(SCORES.items(), ("--", "-"), strict=True):
            color, marker = _style(study, name)
            x = [100 * size.first.sparsity for size in found]
            _spread(axis, x, found, column, color, marker, line, f"{name}, {label}")
    equal = all(study.families[name].equal_weights for name in names)
    axis.set_title(
        "at about equal kept weights" if equal else "by sparsity",
        loc="left",
        fontsize=10,
    )
    axis.set_xlabel("weights that are zero, %")


def _by_bits(
    axis: Any, study: StudyConfig, rows: Sequence[Row], names: Sequence[str]
) -> None:
    stages = {"before the fine-tune": "ptq_score", "after it": "integer_score"}
    for name in names:
        found = sizes(rows, name)
        color, marker = _style(study, name)
        for (label, column), line in zip(stages.items(), ("--", "-"), strict=True):
            x = list(range(len(found)))
            _spread(axis, x, found, column, color, marker, line, f"{name}, {label}")
        ticks = [f"{size.first.bits}\n{size.first.width:g}" for size in found]
        single = len({size.first.width for size in found}) == 1
        ticks = [size.first.bits for size in found] if single else ticks
        axis.set_xticks(range(len(found)), ticks)
        axis.set_xlim(-0.4, len(found) - 0.6)
    axis.set_title("bits of weights and messages", loc="left", fontsize=10)


def _spread(
    axis: Any,
    x: Sequence[float],
    found: Sequence[Size],
    column: str,
    color: str,
    marker: str,
    line: str,
    label: str,
) -> None:
    """Means over seeds with their range; what was not found is left out."""
    shown = [
        (at, v) for at, s in zip(x, found, strict=True) if len(v := s.values(column))
    ]
    if not shown:
        return
    mean = [float(v.mean()) for _, v in shown]
    below = [float(v.mean() - v.min()) for _, v in shown]
    above = [float(v.max() - v.mean()) for _, v in shown]
    axis.errorbar(
        [at for at, _ in shown],
        mean,
        yerr=(below, above),
        fmt=marker + line,
        color=color,
        mfc=color if line == "-" else "white",
        ms=6,
        capsize=3,
        lw=1.2,
        label=label.replace("_", " "),
    )


def _activity(
    axis: Any, study: StudyConfig, rows: Sequence[Row], names: Sequence[str]
) -> None:
    for name in names:
        found = [s for s in sizes(rows, name) if s.mean("integer_score") is not None]
        color, marker = _style(study, name)
        label = name.replace("_", " ")
        axis.plot(
            [s.mean("kept") for s in found],
            [100 * (s.mean("silent") or 0) for s in found],
            marker,
            color=color,
            ms=6,
            label=label if found else None,
        )
    _logarithmic(axis)
    axis.set_xlabel("kept weights")
    axis.set_ylabel("messages that are zero, %")
    axis.set_title("activity of the integers", loc="left", fontsize=10)


def _figure(panels: int) -> tuple[Any, Any]:
    made = figure(4.2 * panels, 3.8)
    axes = made.subplots(1, panels, squeeze=False)[0]
    for axis in axes:
        axis.grid(color="0.92", which="both", lw=0.6)
        axis.set_axisbelow(True)
    return made, axes


def _logarithmic(axis: Any) -> None:
    """A logarithmic axis whose numbers can be read within a decade, too."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter("{x:,.0f}")
    axis.xaxis.set_minor_formatter(NullFormatter())


def _style(study: StudyConfig, name: str) -> tuple[str, str]:
    place = list(study.families).index(name) % len(COLORS)
    return COLORS[place], MARKERS[place]


def _figures(rows: Sequence[Row]) -> str:
    """What a score is the mean of: one figure, or what their names begin with."""
    named = {mean_of(row.figures.split()) for row in rows if row.figures}
    return f"{' / '.join(sorted(named))}, validation"


def mean_of(names: Sequence[str]) -> str:
    """A score in words, from the names of the figures that it is the mean of."""
    if len(names) == 1:
        return names[0]
    return f"mean {commonprefix(names).rstrip('_') or 'of ' + ', '.join(names)}"


def _legend(axis: Any) -> None:
    if axis.get_legend_handles_labels()[0]:
        axis.legend(fontsize=8, frameon=False)
