# SPDX-License-Identifier: BSD-3-Clause
"""Compiled Lava networks of Python models in one process, without Lava's runtime."""

from lava_sparse_rnn import lava_patches  # noqa: F401  (before all of Lava)
from lava_sparse_rnn.inline.choice import (
    INLINE,
    PROCESSES,
    RUNTIMES,
    check,
    chosen,
    install,
    runtime,
    start,
    uninstall,
)
from lava_sparse_rnn.inline.hub import DeadlockError
from lava_sparse_rnn.inline.runtime import Runtime

__all__ = [
    "INLINE",
    "PROCESSES",
    "RUNTIMES",
    "DeadlockError",
    "Runtime",
    "check",
    "chosen",
    "install",
    "runtime",
    "start",
    "uninstall",
]
