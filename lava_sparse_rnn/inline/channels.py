# SPDX-License-Identifier: BSD-3-Clause
"""Channels within one process, with ends that look like Lava's."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from greenlet import getcurrent
from lava.magma.compiler.channels.pypychannel import CspRecvPort, CspSendPort
from lava.utils.sparse import find
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from lava_sparse_rnn.inline.hub import Hub

INT32_OF_LAVA_C = 4  # how Lava's C ports spell np.int32


class Channel:
    """A bounded queue of arrays between two models of one thread.

    Parameters
    ----------
    hub : Hub
        Of the network.
    source, target : str
        What sends and what receives, for messages.
    src_name, dst_name : str
        Names of the models' ports.
    shape, dtype
        Of each message; it is copied when sent, and the receiver owns the copy.
    size : int
        Messages that fit; more make the sender wait.
    """

    outside = False

    def __init__(
        self,
        hub: Hub,
        source: str,
        target: str,
        src_name: str,
        dst_name: str,
        shape: tuple[int, ...],
        dtype: Any,
        size: int,
    ) -> None:
        dtype = np.int32 if dtype == INT32_OF_LAVA_C else dtype
        self.hub, self.size = hub, size
        self.source, self.target = source, target
        self.items: deque[NDArray] = deque()
        # Serves a request that has to be answered before this channel can be read.
        self.serve: Callable[[], bool] | None = None
        self.src_port = self.sender(src_name, shape, dtype, self)
        self.dst_port = self.receiver(dst_name, shape, dtype, self)

    def sender(self, *args: Any) -> SendPort:
        return SendPort(*args)

    def receiver(self, *args: Any) -> RecvPort:
        return RecvPort(*args)

    def close(self) -> None:
        """Drop what waits in it."""
        self.items.clear()


class _Port:
    """What Lava asks of a port of either kind."""

    _name: str

    def __init__(
        self, name: str, shape: tuple[int, ...], dtype: Any, channel: Any
    ) -> None:
        self._name, self._shape, self._dtype = name, tuple(shape), dtype
        self._size, self.channel = channel.size, channel
        self._exact = np.dtype(dtype)
        self._waiting: Any = None
        # Lava's CspSelector sets it while it looks at several ports.
        self.observer: Callable[[], Any] | None = None

    @property
    def outside(self) -> bool:
        return self.channel.outside

    def start(self) -> None:
        """Nothing to start."""

    def join(self) -> None:
        """Nothing to end."""

    def probe(self) -> bool:
        """Whether the port can be used without waiting; lets others go on if not."""
        if self.can_go_on():
            return True
        hub = self.channel.hub
        hub.give_way()
        # A CspSelector sleeps if no port is ready: not before all others rest.
        while self.observer and not self.can_go_on() and hub.others_can_go_on():
            hub.give_way()
        return self.can_go_on()

    def can_go_on(self) -> bool:
        raise NotImplementedError

    def _park(self) -> None:
        self._waiting = getcurrent()
        try:
            self.channel.hub.park(self)
        finally:
            self._waiting = None

    def _wake(self) -> None:
        if self._waiting is not None:
            self.channel.hub.wake(self._waiting)
            self._waiting = None
        if self.observer is not None:
            self.observer()


class SendPort(_Port, CspSendPort):  # type: ignore[misc]
    """The end that a model sends into."""

    def can_go_on(self) -> bool:
        return len(self.channel.items) < self._size

    def send(self, data: Any) -> None:
        """Put a copy of ``data`` into the channel; wait while it is full.

        Raises
        ------
        AssertionError
            When ``data`` has another shape than the port, as in Lava.
        """
        self.put(self.message(data))

    def message(self, data: Any) -> NDArray:
        """What is sent for ``data``: an array that nobody else has."""
        if data.shape != self._shape:
            text = f"{self.describe()}: shape {data.shape}, must be {self._shape}"
            raise AssertionError(text)
        if data.dtype is self._exact and type(data) is np.ndarray:
            return data.copy()
        if isinstance(data, csr_matrix):
            value = np.empty(self._shape, self._exact)
            value[:] = find(data, explicit_zeros=True)[2]
            return value
        return np.array(data, self._exact, order="C")

    def put(self, value: NDArray) -> None:
        """Give a message away; wait while the channel is full."""
        channel = self.channel
        while len(channel.items) >= self._size:
            self._park()
        channel.items.append(value)
        receiver = channel.dst_port
        if receiver._waiting is not None or receiver.observer is not None:
            receiver._wake()

    def describe(self) -> str:
        return f"{self.channel.source} sends to {self.channel.target}"


class RecvPort(_Port, CspRecvPort):  # type: ignore[misc]
    """The end that a model receives from."""

    def can_go_on(self) -> bool:
        return bool(self.channel.items)

    def recv(self) -> NDArray:
        """Take the oldest message; wait while there is none."""
        channel = self.channel
        while not channel.items:
            if channel.serve is None or not channel.serve():
                self._park()
        value = channel.items.popleft()
        sender = channel.src_port
        if sender._waiting is not None or sender.observer is not None:
            sender._wake()
        return value

    def peek(self) -> NDArray:
        """A copy of the oldest message, which stays; wait while there is none."""
        while not self.channel.items:
            self._park()
        return self.channel.items[0].copy()

    @property
    def _queue(self) -> RecvPort:
        """Lava's Injector and Extractor ask a port's queue for its length."""
        return self

    def qsize(self) -> int:
        """Messages that wait."""
        return len(self.channel.items)

    def describe(self) -> str:
        return f"{self.channel.target} waits for {self.channel.source}"
