# SPDX-License-Identifier: BSD-3-Clause
"""Lava, imported so that it leaves the rest of the program alone.

Whatever of this library needs Lava imports this module first.

- On Pythons after 3.10 some of its lines fail: `lava_finder` repairs them while they
  are imported.
- At its import Lava sets the start method of all of multiprocessing to fork. That
  fails wherever multiprocessing was used before (workers of a DataLoader, joblib, a
  queue, every spawned child), and binds the whole program where it succeeds. Here the
  program keeps its method, and Lava forks by itself, whatever that method is.
- Lava counts Processes and Vars without a lock: two that are made at the same time by
  two threads could share an identifier, by which messages find their way.
- Lava's collections of ports and Vars cannot be copied, nor mocked on Python 3.12:
  asked for a method that they do not have, they raise an AssertionError.
- Lava's compiler looks for the models of each Process anew, by executing every file
  beside it: most of the time that a network of many equal Processes takes to start.
  While one network is compiled, what it has found for a class of Processes is kept.
"""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import sys
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from functools import partial
from multiprocessing import managers
from types import SimpleNamespace
from typing import Any

from lava_sparse_rnn import lava_finder, messages

METHOD = "fork"

messages.require("proc, netx", "lava", "lava")
for _name in lava_finder.missed():
    raise ImportError(
        f"{_name} was imported before lava_sparse_rnn, and does not run on Python "
        f"{sys.version_info.major}.{sys.version_info.minor} as it is: write `import "
        "lava_sparse_rnn` above the first import of lava"
    )


@contextlib.contextmanager
def _start_method_kept() -> Iterator[None]:
    """Nobody in this thread sets multiprocessing's start method."""
    original, owner = multiprocessing.set_start_method, threading.get_ident()

    def set_start_method(*args: Any, **kwargs: Any) -> None:
        if threading.get_ident() != owner:
            original(*args, **kwargs)

    multiprocessing.set_start_method = set_start_method
    try:
        yield
    finally:
        multiprocessing.set_start_method = original


with _start_method_kept():
    from lava.magma.compiler.channels import pypychannel, watchdog
    from lava.magma.compiler.compiler_graphs import ProcGroupDiGraphs
    from lava.magma.core.process.interfaces import IdGeneratorSingleton
    from lava.magma.core.process.process import Collection, ProcessServer
    from lava.magma.core.process.variable import VarServer
    from lava.magma.runtime import runtime
    from lava.magma.runtime.message_infrastructure import (
        multiprocessing as infrastructure,
    )
    from lava.magma.runtime.message_infrastructure import shared_memory_manager


def _fork_always() -> None:
    """Bind what Lava uses of multiprocessing to fork, not to the program's method."""
    if METHOD not in multiprocessing.get_all_start_methods():
        return
    context: Any = multiprocessing.get_context(METHOD)
    used: dict[Any, tuple[str, ...]] = {
        runtime: ("Queue",),
        pypychannel: ("Semaphore",),
        watchdog: ("Process", "Event", "Queue", "Manager"),
    }
    for module, names in used.items():
        for name in names:
            setattr(module, name, getattr(context, name))
    manager = partial(managers.SharedMemoryManager, ctx=context)
    module: Any = shared_memory_manager
    module.managers = SimpleNamespace(SharedMemoryManager=manager)
    actor: Any = infrastructure.SystemProcess
    actor._Popen = staticmethod(context.Process._Popen)


def _count_one_by_one() -> None:
    """Give every Process and every Var an identifier of its own, also in threads."""
    lock, original = threading.Lock(), IdGeneratorSingleton.get_next_id

    def get_next_id(self: IdGeneratorSingleton) -> int:
        with lock:
            return original(self)

    IdGeneratorSingleton.get_next_id = get_next_id
    # Made here, because two threads could make them twice.
    ProcessServer(), VarServer()


def _copy_collections() -> None:
    """Let `copy` and `pickle` find out what collections do not have."""
    original = Collection.__getattr__

    def __getattr__(self: Collection, item: str) -> Any:  # noqa: N807
        if item.startswith("__") or (
            item.startswith("_") and item not in self.member_names
        ):
            raise AttributeError(f"Collection has no attribute {item!r}")
        return original(self, item)

    Collection.__getattr__ = __getattr__


# Models by class of Process, while a network is compiled; the next one looks anew,
# since a notebook may have changed them meanwhile.
_found: ContextVar[dict[type, list[type]] | None] = ContextVar("_found", default=None)


def _find_models_once() -> None:
    """Let the compiler look once for the models of each class of Processes."""
    graphs: Any = ProcGroupDiGraphs
    find, compile_all = graphs._find_proc_models, graphs.__init__

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        token = _found.set({})
        try:
            compile_all(self, *args, **kwargs)
        finally:
            _found.reset(token)

    def _find_proc_models(proc: Any) -> list[type]:
        found, kind = _found.get(), type(proc)
        if found is None:
            return find(proc)
        if kind not in found:
            found[kind] = find(proc)
        return list(found[kind])

    graphs.__init__ = functools.wraps(compile_all)(__init__)
    graphs._find_proc_models = staticmethod(functools.wraps(find)(_find_proc_models))


_fork_always()
_count_one_by_one()
_copy_collections()
_find_models_once()
