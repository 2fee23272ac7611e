# SPDX-License-Identifier: BSD-3-Clause
"""Networks that come with the package, by name."""

from __future__ import annotations

import os
from pathlib import Path

from lava_sparse_rnn.files import as_path
from lava_sparse_rnn.fixed_point import SpecError

_PACKAGE = Path(__file__).parents[1]
# Where a wheel puts them, and where they are in the repository.
_FOLDERS = (_PACKAGE / "data", _PACKAGE.parent / "data")


def shipped() -> dict[str, Path]:
    """Files of the networks that come with the package, by name."""
    for folder in _FOLDERS:
        if found := sorted(folder.glob("*.net")):
            return {path.stem: path for path in found}
    return {}


def locate(name: str | os.PathLike[str]) -> Path:
    """The file of a network that a user names.

    Parameters
    ----------
    name : str or Path
        The name of a shipped network, such as ``"denoiser"``, or a path. What is a
        file or folder here is that one, as is every name with a folder or suffix.

    Raises
    ------
    SpecError
        For what is neither.
    """
    path = as_path(name, "network", SpecError)
    if os.path.exists(path) or not is_name(path):
        return path
    return shipped().get(str(name), path)


def is_name(path: Path) -> bool:
    """Whether it has neither a folder nor a suffix."""
    return str(path) == path.stem
