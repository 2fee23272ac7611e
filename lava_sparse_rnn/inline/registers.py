# SPDX-License-Identifier: BSD-3-Clause
"""Lava's lists of all Processes and Vars, which keep them for ever."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from typing import Any

from lava.magma.core.process.process import AbstractProcess, ProcessServer
from lava.magma.core.process.variable import VarServer

# One thread after another, where Lava knows no threads: held while these lists change,
# while a network starts, and while Lava's own processes end. (A child that Lava forks
# meanwhile would hold the pipes open of which the end is waited for.) Nobody may hold
# it while waiting for the end of a run in another thread, which ends by `unregister`.
LOCK = threading.RLock()
os.register_at_fork(after_in_child=LOCK._at_fork_reinit)  # type: ignore[attr-defined]


def unregister(network: Iterable[AbstractProcess]) -> None:
    """Take Processes that cannot run again, and their Vars, off these lists."""
    gone = {id(p) for process in network for p in with_parents(process)}
    with LOCK:
        processes, variables = registered()
        _drop(ProcessServer().processes, [p for p in processes if id(p) in gone])
        _drop(VarServer().vars, [v for v in variables if id(v.process) in gone])


def registered() -> tuple[list[Any], list[Any]]:
    """The Processes and Vars on the lists now, for `restore`."""
    return list(ProcessServer().processes), list(VarServer().vars)


def restore(before: tuple[list[Any], list[Any]]) -> None:
    """Take off the lists what was not `registered` then."""
    lists = ProcessServer().processes, VarServer().vars
    with LOCK:
        for items, now, then in zip(lists, registered(), before, strict=True):
            known = {id(item) for item in then}
            _drop(items, [item for item in now if id(item) not in known])


def _drop(items: list[Any], unwanted: list[Any]) -> None:
    # In place, from the end: what a Process of Lava's own appends meanwhile, in a
    # thread that takes no lock, is neither lost nor moved. The loop makes no objects
    # of which the garbage collector could end another network in between.
    gone = {id(item) for item in unwanted}
    for i in reversed(range(len(items))):
        if id(items[i]) in gone:
            del items[i]


def with_parents(process: AbstractProcess | None) -> Iterator[AbstractProcess]:
    """A Process and all that it is inside of."""
    while process is not None:
        yield process
        process = process.parent_proc
