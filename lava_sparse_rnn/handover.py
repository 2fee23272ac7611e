# SPDX-License-Identifier: BSD-3-Clause
"""Items and news from one thread to another that signals' handlers may interrupt.

A handler may raise at any line of Python's main thread. What `threading.Event` and
`queue.Queue` do there is Python, too: between taking their lock and the block that
gives it back a handler that raises leaves it taken for ever, and the other thread waits
for it. About one in ten thousand signals came there. Here one call of C waits.

Where the wait has a limit, that call is a lock's: a `queue.SimpleQueue` before Python
3.13 forgets the limit, and waits for ever, if a handler takes longer than what is left
of it, and on 3.10 without any handler: a new one with a limit of 0 once in 2,000 times.
"""

from __future__ import annotations

import contextlib
import threading
from queue import SimpleQueue
from typing import Generic, TypeVar

Item = TypeVar("Item")

_LOOK_SECONDS = 0.1  # between two looks whether to stop


class Hint:
    """That something may have changed: wakes one who waits, and is gone then.

    Several that nobody has waited for are one.
    """

    def __init__(self) -> None:
        self._none = threading.Lock()
        self._none.acquire()

    def give(self) -> None:
        """Wake who waits, or who waits next."""
        with contextlib.suppress(RuntimeError):  # there is one already
            self._none.release()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for so many seconds at most, and say whether there was a hint.

        May be interrupted, which may lose the hint, and called again.
        """
        if timeout is None:
            return self._none.acquire()
        return self._none.acquire(timeout=min(max(timeout, 0), threading.TIMEOUT_MAX))


class News:
    """What one thread tells and another one waits for; it stays told.

    As `threading.Event`, of which only one thread may wait at a time.
    """

    def __init__(self) -> None:
        self._told, self._wakes = False, Hint()

    def tell(self) -> None:
        """Wake who waits, now and from now on."""
        self._told = True  # first: a waking that is lost does not matter then
        self._wakes.give()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for so many seconds at most, and say whether it has been told.

        May be interrupted and called again.
        """
        if not self._told:
            self._wakes.wait(timeout)
        return self._told


class Handover(Generic[Item]):
    """Items from one thread to another one in their order, only so many on the way.

    Parameters
    ----------
    room : int
        Items that may wait to be taken; at least 1.

    Attributes
    ----------
    closed : bool
        Whether nothing is taken any more.
    """

    def __init__(self, room: int) -> None:
        self._room, self.closed = room, False
        self._items, self._wakes = SimpleQueue[Item](), Hint()

    @property
    def waiting(self) -> int:
        """Items that wait to be taken."""
        return self._items.qsize()

    def put(self, item: Item) -> bool:
        """Hand an item over as soon as there is room; False once it is closed."""
        while self._items.qsize() >= self._room and not self.closed:
            self._wakes.wait(_LOOK_SECONDS)  # one may be lost: what counts is the room
        if not self.closed:
            self._items.put(item)
        return not self.closed

    def get(self) -> Item:
        """The next item, when there is one.

        Interrupted, it may lose that one, and can be called again.
        """
        item = self._items.get()
        self._wakes.give()
        return item

    def close(self) -> None:
        """Take nothing any more: who waits for room goes on."""
        self.closed = True
