# SPDX-License-Identifier: BSD-3-Clause
"""Signals that end a training wait for the end of a step, which is kept."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from lava_sparse_rnn.signals import SIGNALS, Handler


@contextmanager
def one_step() -> Iterator[None]:
    """Let the first signal that would end the process wait for the end of the block.

    A second one does at once what it would have done. What nobody handles ends the
    process at once, too, as do signals to a training in a thread.
    """
    before: dict[int, Handler] = {}
    came: list[int] = []
    over = False

    def note(number: int, frame: FrameType | None) -> None:
        if over or came:  # this one stays where a handler interrupts its removal
            before[number](number, frame)
        else:
            came.append(number)

    try:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, *SIGNALS):
                if callable(handler := signal.getsignal(number)):
                    before[number] = handler
                    signal.signal(number, note)
        yield
    finally:
        over = True
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])
