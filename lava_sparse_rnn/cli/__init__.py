# SPDX-License-Identifier: BSD-3-Clause
"""The command ``lava-sparse-rnn``: it parses, calls a room, shows."""

from lava_sparse_rnn.cli._app import app, main

__all__ = ["app", "main"]
