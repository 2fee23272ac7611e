# SPDX-License-Identifier: BSD-3-Clause
"""How the command begins: with nothing that takes long to import."""

from __future__ import annotations

import os
import signal
import sys

from lava_sparse_rnn.openmp import wait_briefly


def main() -> None:
    """Run the command; Ctrl-C ends it without a traceback, whenever it comes."""
    wait_briefly(os.environ)
    try:
        # Here, as it takes most of a second, in which Ctrl-C may come.
        from lava_sparse_rnn.cli import _app

        _app.run()
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)  # as shells have it
