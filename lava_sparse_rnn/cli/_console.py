# SPDX-License-Identifier: BSD-3-Clause
"""The console that everything a user may have written is printed on."""

from __future__ import annotations

import contextlib
import os
import sys

from rich.console import Console


def console(stderr: bool = False) -> Console:
    """A console that prints text as it is.

    File names and errors hold whatever the user typed: brackets are not styles,
    ``:name:`` is no picture, and a long path is not folded.
    """
    return Console(
        stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=True
    )


def on_terminal(screen: Console) -> bool:
    """Whether somebody looks at it; colours asked for in a pipe make no terminal."""
    return screen.file.isatty()


def replace_unknown() -> None:
    """From here on a character that an output cannot show becomes ``?``."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError, OSError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]


def flush() -> None:
    """Send what waits; a reader that is gone (``| head``) is no error.

    Otherwise the interpreter would try again at its end, and complain.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        except (OSError, ValueError):
            pass  # closed by the user, or full: nothing is left to tell it on
