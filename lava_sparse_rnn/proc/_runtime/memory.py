# SPDX-License-Identifier: BSD-3-Clause
"""Memory that a Process and its models, which Lava forks, have in common."""

from __future__ import annotations

import mmap

import numpy as np
from numpy.typing import DTypeLike, NDArray


class SharedMemory:
    """An anonymous mapping: it has no name, and goes away with its users.

    A copy of what has it, also a pickled one, has one of its own with this content.

    Parameters
    ----------
    size : int
        Bytes.
    content : bytes
        What it begins with.
    """

    def __init__(self, size: int, content: bytes = b"") -> None:
        self._memory = mmap.mmap(-1, max(size, 1))
        self._memory[: len(content)] = content

    def array(
        self, shape: tuple[int, ...], dtype: DTypeLike = np.int64, offset: int = 0
    ) -> NDArray:
        """The bytes from ``offset`` on as an array that can be written to."""
        flat = np.frombuffer(self._memory, dtype, int(np.prod(shape)), offset)
        return flat.reshape(shape)

    def __reduce__(self) -> tuple[type[SharedMemory], tuple[int, bytes]]:
        return SharedMemory, (len(self._memory), self._memory[:])
