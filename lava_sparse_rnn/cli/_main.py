# SPDX-License-Identifier: BSD-3-Clause
"""How the command begins: with nothing that takes long to import."""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    """Run the command; Ctrl-C ends it without a traceback, whenever it comes."""
    # A thread that spins while it waits takes a core from the others: small trainings
    # on a busy machine took ten times as long. Read when torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        # Here, as it takes most of a second, in which Ctrl-C may come.
        from lava_sparse_rnn.cli import _app

        _app.run()
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)  # as shells have it
