# SPDX-License-Identifier: BSD-3-Clause
"""A source and a sink for whole sequences, usable in any Lava network.

Reading a `RingBuffer` back costs a message, 20 to 28 us, per value. Here both ends
use memory that Lava's forked processes share with their parent: an anonymous
mapping, which has no name in the file system and goes away with its users.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from lava.magma.core.process.ports.ports import InPort, OutPort
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.fixed_point import SpecError, check_whole, choose
from lava_sparse_rnn.proc._runtime.memory import SharedMemory
from lava_sparse_rnn.proc.neurons.process import Process
from lava_sparse_rnn.proc.neurons.timing import Clock, Timing

AT_END = ("zeros", "error")
HEADER = 2  # rows received, and whether they are floating point
ITEM = 8  # bytes of an int64 or a float64


class Source(Process):
    """Sends one token per time step, once.

    Parameters
    ----------
    data : array, shape (T, *shape)
        Token ``t`` leaves in step ``t * period``, counted from 0; zeros between.
    at_end : {"zeros", "error"}
        What happens in steps after the last token.
    period : int
        Steps from one token to the next.
    clock : Clock, optional
        Of the network that is fed: tokens start anew when it does.

    Attributes
    ----------
    s_out : OutPort, shape ``shape``

    Raises
    ------
    SpecError
        When ``data`` has no axis of values, or holds something else than numbers.
    """

    def __init__(
        self,
        *,
        data: ArrayLike,
        at_end: str = "zeros",
        period: int = 1,
        clock: Clock | None = None,
        **kwargs: Any,
    ) -> None:
        data = np.asarray(data)
        if data.ndim < 2:
            raise SpecError(f"Source: data has shape {data.shape}, must be (T, n)")
        if data.dtype.kind not in "biuf":
            raise SpecError(f"Source: data is of type {data.dtype}, must be numbers")
        choose("Source: at_end", at_end, AT_END)
        timing, clock = Timing(0, period), clock or Clock()
        params = {"timing": timing, "clock": clock, "period": period}
        super().__init__(data=data, at_end=at_end, **params, **kwargs)
        self.s_out = OutPort(shape=data.shape[1:])


class Sink(Process):
    """Keeps what it receives where the parent can read it at any time.

    Parameters
    ----------
    shape : tuple of int
    num_steps : int
        How many values there is room for; later ones are dropped.
    skip : int
        How many time steps to leave out at the beginning.
    period : int
        Steps from one value that is kept to the next.
    clock : Clock, optional
        Of the network that is read: values start anew when it does.

    Attributes
    ----------
    a_in : InPort, shape ``shape``
    """

    def __init__(
        self,
        *,
        shape: tuple[int, ...],
        num_steps: int,
        skip: int = 0,
        period: int = 1,
        clock: Clock | None = None,
        **kwargs: Any,
    ) -> None:
        shape = tuple(int(n) for n in shape)
        for name, value in (("num_steps", num_steps), ("skip", skip)):
            check_whole(f"Sink: {name}", value)
        rows = (int(num_steps), *shape)
        size = ITEM * (HEADER + int(np.prod(rows)))
        memory = SharedMemory(size)
        timing, clock = Timing(skip, period), clock or Clock()
        params = {"skip": skip, "timing": timing, "clock": clock, "period": period}
        super().__init__(shape=shape, rows=rows, memory=memory, **params, **kwargs)
        self._rows, self._memory = rows, memory
        self.a_in = InPort(shape=shape)

    @property
    def received(self) -> int:
        """How many values are kept by now."""
        return int(sink_header(self._memory)[0])

    def clear(self) -> None:
        """Forget what was received; for use while the network is paused."""
        sink_header(self._memory)[0] = 0

    @property
    def data(self) -> NDArray:
        """What was received, shape (received, *shape); int64 or float64."""
        n, is_float = sink_header(self._memory)
        dtype = np.float64 if is_float else np.int64
        return sink_rows(self._memory, self._rows, dtype)[:n].copy()


def sink_header(memory: SharedMemory) -> NDArray[np.int64]:
    """Rows received, and 1 where they are floating point."""
    return memory.array((HEADER,))


def sink_rows(memory: SharedMemory, rows: tuple[int, ...], dtype: type) -> NDArray:
    """The room for values, as an array of shape ``rows``."""
    return memory.array(rows, dtype, ITEM * HEADER)
