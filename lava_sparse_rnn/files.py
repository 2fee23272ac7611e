# SPDX-License-Identifier: BSD-3-Clause
"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A temporary name beside ``path``, renamed to it when the block succeeds.

    Parameters
    ----------
    path : str or pathlib.Path
        What is there already stays until the block has succeeded.

    Yields
    ------
    pathlib.Path
        In the same folder and with the same suffix; gone when the block fails.

    Raises
    ------
    OSError
        When the folder is missing or the file cannot be written or renamed; it names
        ``path``, not the temporary name.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        if error.filename is not None and Path(error.filename) == temporary:
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)
