# SPDX-License-Identifier: BSD-3-Clause
"""What an export has written, in the one line that all exports say it in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def summary(
    path: Path, sizes: Sequence[int], what: str, command: str, verb: str = "run"
) -> str:
    """What was written, how large it is, how to run it.

    Parameters
    ----------
    path : Path
        The file, or the folder of several.
    sizes : sequence of int
        Bytes of each file.
    what : str
    command : str
    verb : str
        What the command does with it.
    """
    files = f"{len(sizes)} files, " if len(sizes) > 1 else ""
    return f"{path}: {files}{sum(sizes):,} bytes, {what}; {verb} it: {command}"
