# SPDX-License-Identifier: BSD-3-Clause
"""How Lava's operating-system processes are tied to the one that starts them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
from collections.abc import Iterator
from multiprocessing import resource_tracker


@contextlib.contextmanager
def interrupts_blocked() -> Iterator[None]:
    """Fork children that leave Ctrl-C to their parent, which ends them."""
    # Starting Python's tracker of shared memory ends with all interrupts let in.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Bond:
    """Children that end with their parent, also when it is killed (Linux).

    Without its actors and their manager nobody holds a runtime's shared memory, and
    Python's tracker removes it.
    """

    PR_SET_PDEATHSIG = 1

    def __init__(self) -> None:
        self._tied = False
        self._libc = ctypes.CDLL(None) if sys.platform == "linux" else None
        os.register_at_fork(after_in_child=self._in_child)

    def _in_child(self) -> None:
        if self._tied and self._libc is not None:
            self._libc.prctl(self.PR_SET_PDEATHSIG, signal.SIGKILL)

    @contextlib.contextmanager
    def tied(self) -> Iterator[None]:
        """Tie all children that are forked meanwhile."""
        # The signal comes when the thread ends that has forked them.
        self._tied = threading.current_thread() is threading.main_thread()
        try:
            yield
        finally:
            self._tied = False


BOND = Bond()
