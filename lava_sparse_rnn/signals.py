# SPDX-License-Identifier: BSD-3-Clause
"""Signals that would be lost: they wait while C calls Python back."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""What ends a process from outside, and lets it put away what is half done."""

_came: list[int] = []  # signals that wait
_before: dict[int, Any] = {}  # their handlers, while a block has them wait


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let signals wait until the block has ended, for calls of C that call Python back.

    What a handler raises inside such a callback, C never sees: it is printed and lost,
    and the callback has answered 0. libsndfile calls the methods of a file, h5py those
    and what keeps count of its objects, each time that one of them dies. As a decorator
    it holds until the objects of a function's own are gone, too.

    Blocks have to be short, and may not wait for anything from outside.
    """
    if _before or threading.current_thread() is not threading.main_thread():
        yield  # the outer block, or nobody, is told of them
        return
    try:
        for number in (signal.SIGINT, *SIGNALS):
            if callable(handler := signal.getsignal(number)):
                _before[number] = handler
                signal.signal(number, lambda number, frame: _came.append(number))
        yield
    finally:
        try:
            _restore()
        finally:
            _restore()  # what a handler raises may have ended the first one early
            _before.clear()
            came = list(dict.fromkeys(_came))
            _came.clear()
            _tell(came)


def _restore() -> None:
    for number, handler in _before.items():
        signal.signal(number, handler)


def _tell(came: list[int]) -> None:
    """Raise every signal that came, whatever the handlers of others raise."""
    if not came:
        return
    try:
        signal.raise_signal(came[0])
    finally:
        _tell(came[1:])


def interrupted() -> bool:
    """Whether a signal waits: a callback that waits for something should end."""
    return bool(_came)
