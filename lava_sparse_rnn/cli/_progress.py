# SPDX-License-Identifier: BSD-3-Clause
"""How far a command is: a bar on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from lava_sparse_rnn.cli._console import console, on_terminal

LINE_SECONDS = 10.0  # between two lines where there is no terminal


@contextmanager
def tokens_bar(text: str = "tokens") -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error; yields a function of things done and in all."""
    screen = console(stderr=True)
    if not on_terminal(screen):
        yield _lines(text)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task(text, total=None)

        def report(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield report


def _lines(text: str) -> Callable[[int, int], None]:
    """What takes long says a line from time to time, what is quick says none."""
    told = time.monotonic()

    def report(done: int, total: int) -> None:
        nonlocal told
        if (now := time.monotonic()) - told >= LINE_SECONDS:
            told = now
            console(stderr=True).print(f"{text}: {done:,} of {total:,}")

    return report
