# SPDX-License-Identifier: BSD-3-Clause
"""Signals that end a command as Ctrl-C does: what is half done is put away first."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from lava_sparse_rnn.signals import SIGNALS


class Stopped(SystemExit):
    """Raised where the main thread is when such a signal comes."""


@contextmanager
def stopping() -> Iterator[None]:
    """Let signals that would end the process at once raise `Stopped` instead.

    One that is ignored, as under ``nohup``, stays so.
    """
    own, before = os.getpid(), {}

    def stop(number: int, frame: object) -> None:
        if os.getpid() != own:  # a child that was forked off has nothing to put away
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        raise Stopped(128 + number)

    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            if signal.getsignal(number) is signal.SIG_DFL:
                before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
