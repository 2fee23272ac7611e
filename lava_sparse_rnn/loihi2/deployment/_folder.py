# SPDX-License-Identifier: BSD-3-Clause
"""Where a bundle may be written."""

from __future__ import annotations

import os
from pathlib import Path

from lava_sparse_rnn.loihi2.deployment import manifest
from lava_sparse_rnn.loihi2.deployment.errors import BundleError


def check_target(path: Path, overwrite: bool) -> None:
    """Refuse a name under which no bundle can be written.

    Parameters
    ----------
    path : Path
    overwrite : bool
        Whether a bundle that is there already is replaced; nothing else ever is.

    Raises
    ------
    BundleError
        When something is there that must stay, or there is no folder to write into.
    """
    if not path.parent.is_dir():
        raise BundleError(f"{path}: there is no folder {path.parent} to write it into")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise BundleError(f"{path}: folder {path.parent} is write-protected")
    if not os.path.lexists(path):
        return
    if not (path / manifest.FILE).is_file():
        raise BundleError(f"{path}: exists and is no bundle, it is left as it is")
    if not overwrite:
        raise BundleError(
            f"{path}: there is a bundle already; name another folder, or overwrite it "
            "(--overwrite, overwrite=True)"
        )
