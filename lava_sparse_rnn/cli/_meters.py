# SPDX-License-Identifier: BSD-3-Clause
"""Levels, latency and load of live sound, on standard error."""

from __future__ import annotations

import time
from itertools import groupby
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from lava_sparse_rnn.cli._console import console

if TYPE_CHECKING:
    from lava_sparse_rnn.audio.live.session import Gaps, Level, Status

WIDTH = 40  # characters of a meter
LOWEST = -60.0  # dB at its left end
ZONES = ((-18.0, "green"), (-6.0, "yellow"), (0.0, "red"))  # each up to its level
NOTICE_SECONDS = 1.0  # between two lines about lost sound


class Screen:
    """Meters that are drawn over and over where standard error is a terminal.

    Sound that is lost is also told in a line of its own, at most one a second, on a
    terminal and elsewhere.

    Attributes
    ----------
    seconds : float
        Between two looks.
    """

    seconds = 0.1

    def __init__(self) -> None:
        self._console = console(stderr=True)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._told = (0, 0)
        self._next = 0.0

    def __enter__(self) -> Screen:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.update("")
        self._live.stop()

    def show(self, status: Status) -> None:
        """Draw, and tell what was lost since it was told last."""
        events = (status.overruns.events, status.underruns.events)
        now = time.monotonic()
        if events != self._told and now >= self._next:
            self._told, self._next = events, now + NOTICE_SECONDS
            self._console.print(f"{status.seconds:.1f} s: {gaps_line(status)}")
        self._live.update(panel(status), refresh=self._console.is_terminal)


def panel(status: Status) -> Group:
    """What is drawn."""
    meters = Table.grid(padding=(0, 1))
    for name, level in zip(("in", "out"), status.levels, strict=True):
        meters.add_row(name, bar(level), f"{level.rms:6.1f} dB", f"{level.peak:6.1f}")
    parts = (status.algorithm + status.buffers, status.algorithm, status.buffers)
    total, window, waiting = (f"{1000 * part:.0f}" for part in parts)
    lines = (
        f"latency {total} ms: window {window}, buffers and devices {waiting}, "
        f"computing {1000 * status.slowest:.1f} more",
        f"load {status.load:.1%}, {status.seconds:.0f} s; {gaps_line(status)}",
    )
    return Group(meters, *map(Text, lines))


def bar(level: Level) -> Text:
    """A meter: filled up to the mean level, with a line at the peak."""
    filled, peak = _column(level.rms), _column(level.peak)
    marks: list[tuple[str, str]] = []
    for i in range(WIDTH):
        db = LOWEST * (1 - (i + 0.5) / WIDTH)
        style = next(style for highest, style in ZONES if db <= highest)
        mark = "█" if i < filled else "│" if i == peak - 1 else "·"
        marks.append((mark, style if mark != "·" else "dim"))
    runs = groupby(marks, key=lambda mark: mark[1])
    return Text.assemble(*(("".join(m for m, _ in run), style) for style, run in runs))


def _column(db: float) -> int:
    return round(WIDTH * min(max(1 - db / LOWEST, 0.0), 1.0))


def gaps_line(status: Status) -> str:
    """Overruns and underruns so far."""
    return f"{_gaps('overruns', status.overruns, 'lost')}, " + _gaps(
        "underruns", status.underruns, "of silence played"
    )


def _gaps(name: str, gaps: Gaps, what: str) -> str:
    seconds = f" ({1000 * gaps.seconds:.0f} ms {what})" if gaps.events else ""
    return f"{gaps.events} {name}{seconds}"


def summary(status: Status) -> list[str]:
    """What to say at the end."""
    return [
        f"{status.seconds:.2f} s of sound; load {status.mean_load:.1%} on average",
        gaps_line(status),
    ]
