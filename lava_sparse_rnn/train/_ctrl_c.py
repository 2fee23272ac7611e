# SPDX-License-Identifier: BSD-3-Clause
"""Ctrl-C while ``python -m lava_sparse_rnn.train`` imports this package.

Python does that before the package's ``__main__`` can say what is to happen then.
"""

from __future__ import annotations

import signal
import sys

_MODULE = __name__.rpartition(".")[0]


def end_silently() -> None:
    """Until `as_usual` let it end the process as the command does, without a traceback.

    Only for that form: what else imports the package has handlers of its own.
    """
    if (
        is_looked_for()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    ):
        signal.signal(signal.SIGINT, _end)


def is_looked_for() -> bool:
    """Whether Python imports the package only to run it as a module, ``-m``."""
    return sys.argv[:1] == ["-m"] and _MODULE in sys.orig_argv


def as_usual() -> None:
    """Let it raise KeyboardInterrupt again."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(number: int, frame: object) -> None:
    sys.exit(128 + number)  # as shells have it
