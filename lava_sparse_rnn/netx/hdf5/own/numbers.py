# SPDX-License-Identifier: BSD-3-Clause
"""What Vars are called where the first layers of a file are left out."""

from __future__ import annotations

from typing import Any

OF_NETWORK = "layer{i}_{name}"


class _Numbered(str):
    """A format whose layers count from ``first``."""

    first: int

    def format(self, *, i: int, **names: Any) -> str:  # type: ignore[override]
        return super().format(i=self.first + i, **names)


def numbered(first: int) -> str:
    """Names of the Vars of a network, by the numbers of its layers in the file.

    Parameters
    ----------
    first : int
        Number of its first layer.
    """
    var_format = _Numbered(OF_NETWORK)
    var_format.first = first
    return var_format


def renumbered(name: str, first: int) -> str:
    """A Var's name in the file, from that in a network of its layers from ``first``."""
    i, own = name.removeprefix("layer").split("_", 1)
    return numbered(first).format(i=int(i), name=own)
