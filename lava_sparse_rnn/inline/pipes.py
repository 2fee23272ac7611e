# SPDX-License-Identifier: BSD-3-Clause
"""Channels between a network and the rest of a program, in whatever thread."""

from __future__ import annotations

import threading
import time
from typing import Any

from numpy.typing import NDArray

from lava_sparse_rnn.inline.channels import Channel, RecvPort, SendPort

GRACE_SECONDS = 0.01  # without a message taken, until nobody is waited for
CLOSED = "{}: the network has ended"


class Pipe(Channel):
    """A channel one end of which lies outside the network.

    Parameters
    ----------
    inward : bool
        Whether the program sends and a model receives.
    *args
        See `Channel`.
    """

    outside = True

    def __init__(self, inward: bool, *args: Any) -> None:
        self.inward, self.closed = inward, False
        self.taker: threading.Thread | None = None  # who receives outside
        super().__init__(*args)

    def sender(self, *args: Any) -> SendPort:
        return OutsideSendPort(*args) if self.inward else PipeSendPort(*args)

    def receiver(self, *args: Any) -> RecvPort:
        return PipeRecvPort(*args) if self.inward else OutsideRecvPort(*args)

    def close(self) -> None:
        """No more is sent into it; what waits can still be received.

        A thread that is receiving is given the time to take what waits: a program may
        count on it once the network has stopped.
        """
        with self.hub.changed:
            self.closed = True
            self.hub.changed.notify_all()
        me = threading.current_thread()
        if self.taker is not None and self.taker is not me:
            left = len(self.items) + 1
            while self.taker.is_alive() and len(self.items) < left:
                left = len(self.items)
                time.sleep(GRACE_SECONDS)


class PipeSendPort(SendPort):
    """A model's end: tells other threads what it has sent."""

    def _park(self) -> None:
        self.channel.hub.park(self)  # which sees itself when the wait is over

    def put(self, value: NDArray) -> None:
        super().put(value)
        with self.channel.hub.changed:
            self.channel.hub.changed.notify_all()


class PipeRecvPort(RecvPort):
    """A model's end: tells other threads that there is room."""

    def _park(self) -> None:
        self.channel.hub.park(self)

    def recv(self) -> NDArray:
        value = super().recv()
        with self.channel.hub.changed:
            self.channel.hub.changed.notify_all()
        return value


class OutsideSendPort(SendPort):
    """The program's end of a pipe into a network."""

    def probe(self) -> bool:
        """Whether there is room."""
        return self.can_go_on()

    def _park(self) -> None:
        changed = self.channel.hub.changed
        with changed:
            while not self.can_go_on() and not self.channel.closed:
                changed.wait()
        if not self.can_go_on():
            raise RuntimeError(CLOSED.format(self.describe()))

    def send(self, data: Any) -> None:
        """Send to a model; wait while the pipe is full.

        Raises
        ------
        RuntimeError
            When the network has ended.
        """
        if self.channel.closed:
            raise RuntimeError(CLOSED.format(self.describe()))
        super().send(data)
        with self.channel.hub.changed:
            self.channel.hub.changed.notify_all()


class OutsideRecvPort(RecvPort):
    """The program's end of a pipe out of a network."""

    def probe(self) -> bool:
        """Whether there is a message."""
        return self.can_go_on()

    def _park(self) -> None:
        changed = self.channel.hub.changed
        with changed:
            while not self.can_go_on() and not self.channel.closed:
                changed.wait()
        if not self.can_go_on():
            raise RuntimeError(CLOSED.format(self.describe()))

    def recv(self) -> NDArray:
        """Receive from a model; wait while the pipe is empty.

        Raises
        ------
        RuntimeError
            When the network has ended and nothing waits.
        """
        value = super().recv()
        self.channel.taker = threading.current_thread()
        with self.channel.hub.changed:
            self.channel.hub.changed.notify_all()
        return value
