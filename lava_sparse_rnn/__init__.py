# SPDX-License-Identifier: BSD-3-Clause
"""Sparse, fixed-point linear recurrent networks for Lava and Loihi 2.

The rooms are imported when they are first used, by name (``from lava_sparse_rnn
import spec``) or as attributes (``lava_sparse_rnn.spec``); importing the package alone
loads neither numpy nor torch nor lava.
"""

from __future__ import annotations

import importlib
from typing import Any

from lava_sparse_rnn import lava_finder  # noqa: F401  (before all of Lava)

_ROOMS = (
    *(
        "files",
        "progress",
        "pictures",
        "fixed_point",
        "spec",
        "engine",
        "c_export",
        "microcode",
        "nn",
    ),
    *("inline", "proc", "netx", "loihi2", "backends", "audio", "train", "tasks"),
    *("study", "interchange", "report"),
)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _version()
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.{name}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOMS, "__version__"})


def _version() -> str:
    """What was installed: the build knows it from the tag, pyproject.toml says how."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("lava-sparse-rnn")
    except PackageNotFoundError:  # a folder on the path
        return "0.0"
