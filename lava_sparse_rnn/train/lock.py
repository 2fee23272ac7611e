# SPDX-License-Identifier: BSD-3-Clause
"""One process writes into the folder of a run at a time."""

from __future__ import annotations

import atexit
import contextlib
import os
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # not a POSIX system: nothing is locked
    fcntl = None

_LOCK = ".lock"
_held: dict[Path, IO[str]] = {}


def claim(directory: Path) -> None:
    """Keep other processes out of a folder, until it is given up or this one ends.

    Raises
    ------
    ValueError
        If another process trains there.
    """
    directory = directory.resolve()
    if fcntl is None or directory in _held:
        return
    directory.mkdir(parents=True, exist_ok=True)
    file = (directory / _LOCK).open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        owner = file.read().strip() or "unknown"
        file.close()
        if owner == str(os.getpid()):  # the folder was moved meanwhile
            return
        raise ValueError(
            f"{directory} is in use by another training (process {owner}); wait for "
            "its end, or choose another name"
        ) from None
    if not os.fstat(file.fileno()).st_nlink:  # abandoned since it was opened
        file.close()
        return claim(directory)
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    _held[directory] = file


def release(directory: Path) -> None:
    """Let others in again."""
    directory = directory.resolve()
    file = _held.pop(directory, None)
    if file is not None:
        file.close()


def abandon(directory: Path) -> None:
    """Let others in again, and take the folder away if nothing else is in it."""
    with contextlib.suppress(OSError):  # another process has put something there
        if {path.name for path in directory.iterdir()} <= {_LOCK}:
            (directory / _LOCK).unlink(missing_ok=True)
            directory.rmdir()
    release(directory)


@atexit.register
def _close() -> None:
    """Nothing is left to the collector, which warns of open files."""
    for directory in list(_held):
        release(directory)
