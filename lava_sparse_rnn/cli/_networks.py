# SPDX-License-Identifier: BSD-3-Clause
"""Networks that the user names."""

from __future__ import annotations

from pathlib import Path

from lava_sparse_rnn.cli._options import DEFAULT_NETWORK


def check_network(path: Path) -> None:
    """Say where the default is from, to a user who is in another folder."""
    if path == DEFAULT_NETWORK and not path.is_file():
        raise ValueError(
            f"{path}: no such file; --network names the file of a network, the default "
            f"is the repository's {DEFAULT_NETWORK}, found from the repository's root"
        )
