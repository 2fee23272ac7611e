# SPDX-License-Identifier: BSD-3-Clause
"""The command ``lava-sparse-rnn``: it parses, calls a room, shows."""

from typing import Any

from lava_sparse_rnn.cli._main import main

__all__ = ["main"]


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from lava_sparse_rnn.cli._app import app

    return app
