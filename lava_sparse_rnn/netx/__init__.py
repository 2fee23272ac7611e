# SPDX-License-Identifier: BSD-3-Clause
"""Network files as Lava Processes, used as lava-dl's netx is.

Files of this library's layers need nothing else; lava-dl is imported when a file has
one of its layers. ``netx.hdf5`` is imported when it is first used.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from lava_sparse_rnn import lava_patches  # noqa: F401  (before all of Lava)


def __getattr__(name: str) -> ModuleType:
    if name != "hdf5":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    return sorted({*globals(), "hdf5"})
