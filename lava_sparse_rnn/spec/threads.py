# SPDX-License-Identifier: BSD-3-Clause
"""Objects with a state that several threads may use: one call after another."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Method = TypeVar("Method", bound=Callable[..., Any])


class OwnLock:
    """A re-entrant lock; a copy of what has it, also a pickled one, has another."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *exc_info: object) -> None:
        self._lock.release()

    def __reduce__(self) -> tuple[type[OwnLock], tuple[()]]:
        return OwnLock, ()


def one_at_a_time(method: Method) -> Method:
    """A method that waits for all others so marked of its object.

    The object has an `OwnLock` called ``_lock``.
    """

    @functools.wraps(method)
    def locked(self: Any, *args: Any, **kwargs: Any) -> Any:
        with self._lock:
            return method(self, *args, **kwargs)

    return locked  # type: ignore[return-value]
