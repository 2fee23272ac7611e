# SPDX-License-Identifier: BSD-3-Clause
"""Signals that would be lost: they wait while C calls Python back."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
"""What ends a process from outside, and lets it put away what is half done."""

Handler = Callable[[int, FrameType | None], object]

_waiting: list[list[int]] = []  # the signals that came to the block that holds them


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let signals wait until the block has ended, for calls of C that call Python back.

    What a handler raises inside such a callback, C never sees: it is printed and lost,
    and the callback has answered 0. libsndfile calls the methods of a file, h5py those
    and what keeps count of its objects, each time that one of them dies. As a decorator
    it holds until the objects of a function's own are gone, too.

    Blocks have to be short, and may not wait for anything from outside.
    """
    if _waiting or threading.current_thread() is not threading.main_thread():
        yield  # the outer block, or nobody, is told of them
        return
    handlers: dict[int, Handler] = {}
    came: list[int] = []
    try:
        _waiting.append(came)
        for number in (signal.SIGINT, *SIGNALS):
            if callable(handler := signal.getsignal(number)):
                handlers[number] = handler
                signal.signal(number, lambda number, frame: came.append(number))
        yield
    finally:
        _waiting.clear()  # before a handler can raise again: nothing stays behind
        try:
            _restore(handlers)
        finally:
            try:
                _restore(handlers)  # one that raised may have ended the first early
            finally:
                _tell(list(dict.fromkeys(came)))


def _restore(handlers: dict[int, Handler]) -> None:
    for number, handler in handlers.items():
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
    return any(_waiting)
