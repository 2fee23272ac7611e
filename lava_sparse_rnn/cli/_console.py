# SPDX-License-Identifier: BSD-3-Clause
"""The console that everything a user may have written is printed on."""

from __future__ import annotations

from rich.console import Console


def console(stderr: bool = False) -> Console:
    """A console that prints text as it is.

    File names and errors hold whatever the user typed: brackets are not styles,
    ``:name:`` is no picture, and a long path is not folded.
    """
    return Console(
        stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=True
    )
