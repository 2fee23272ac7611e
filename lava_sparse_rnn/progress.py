# SPDX-License-Identifier: BSD-3-Clause
"""How far something is: a bar on a terminal or in a notebook, elsewhere some lines."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from rich.console import Console

LINE_SECONDS = 10.0  # between two lines where there is neither terminal nor notebook
DRAW_SECONDS = 0.1  # between two drawings of a bar in a notebook


class Report(Protocol):
    """Takes the things that are done, their number in all, and what comes now."""

    def __call__(self, done: int, total: int, now: str = "") -> None: ...


@contextmanager
def bar(
    text: str = "tokens", screen: Console | None = None, lines: bool = True
) -> Iterator[Report]:
    """Show how far something is, for whatever takes ``progress``.

    Parameters
    ----------
    text : str
        What is counted.
    screen : Console, optional
        Rich's; standard error if there is none.
    lines : bool
        Whether lines take the bar's place where there is no room for one.

    Yields
    ------
    callable
        ``report(done, total)``, or ``report(done, total, now)`` with the name of what
        comes now; where there are lines, each name is one.

    Examples
    --------
    ::

        with progress.bar() as report:
            proc.run(network, x, progress=report)
    """
    from rich.console import Console

    screen = screen or Console(stderr=True, markup=False, emoji=False, highlight=False)
    if screen.is_jupyter:
        yield _notebook(text)
    elif screen.is_terminal and screen.file.isatty():  # colours may be asked of a pipe
        with _terminal(text, screen) as report:
            yield report
    else:
        yield _lines(text, screen if lines else None)


@contextmanager
def _terminal(text: str, screen: Console) -> Iterator[Report]:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=screen, transient=True) as shown:
        task = shown.add_task(text, total=None)

        def report(done: int, total: int, now: str = "") -> None:
            said = _named(text, now)
            shown.update(task, description=said, completed=done, total=total)

        yield report


def _notebook(text: str) -> Report:
    """A bar of HTML, which needs no widgets."""
    from IPython.display import HTML, display

    handle: Any = None
    drawn = 0.0

    def report(done: int, total: int, now: str = "") -> None:
        nonlocal handle, drawn
        time_now = time.monotonic()
        if handle is not None and done < total and time_now - drawn < DRAW_SECONDS:
            return
        drawn = time_now
        shown = HTML(
            f"{escape(_named(text, now))} "
            f'<progress value="{done}" max="{max(total, 1)}"></progress>'
            f" {done:,} of {total:,}"
        )
        if handle is None:
            handle = display(shown, display_id=True)
        else:
            handle.update(shown)

    return report


def _lines(text: str, screen: Console | None) -> Report:
    """What takes long says a line from time to time, what is quick says none."""
    told, last = time.monotonic(), ""

    def report(done: int, total: int, now: str = "") -> None:
        nonlocal told, last
        late = time.monotonic() - told >= LINE_SECONDS
        if screen is not None and (late or now != last):
            told, last = time.monotonic(), now
            screen.print(f"{_named(text, now)}: {done:,} of {total:,}", soft_wrap=True)

    return report


def _named(text: str, now: str) -> str:
    return f"{text}, {now}" if now else text
