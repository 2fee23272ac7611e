# SPDX-License-Identifier: BSD-3-Clause
"""The compiled extension, where there is one, and the choice of a kernel."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from lava_sparse_rnn.fixed_point import SpecError

EXTENSION: Any
"""The compiled module, or None where it was not built."""
try:
    EXTENSION = import_module("lava_sparse_rnn.engine._native")
except ImportError as error:
    EXTENSION = None
    _REASON = str(error)


def available() -> tuple[str, ...]:
    """Kernels that run on this machine, from slow to fast; empty without extension."""
    return tuple(EXTENSION.kernels()) if EXTENSION is not None else ()


def choose_kernel(kernel: str | None) -> str:
    """``kernel``, or the fastest one for None.

    Raises
    ------
    SpecError
        When the extension is not built, or this machine has no such kernel.
    """
    names = available()
    if not names:
        raise SpecError(
            f"engine: the compiled extension is not built ({_REASON}); install the "
            "package where there is a C++17 compiler, or use spec.reference"
        )
    if kernel is None:
        return names[-1]
    if kernel not in names:
        raise SpecError(
            f"engine: kernel is {kernel!r}, this machine has: {', '.join(names)}"
        )
    return kernel
