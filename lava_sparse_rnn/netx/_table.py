# SPDX-License-Identifier: BSD-3-Clause
"""What a network says of itself when it is printed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import h5py
import numpy as np

from lava_sparse_rnn.signals import uninterrupted
from lava_sparse_rnn.spec import Network
from lava_sparse_rnn.spec.entries import Entry
from lava_sparse_rnn.spec.statistics import matrix_sizes

Row = tuple[str, ...]
HEADER: Row = ("layer", "type", "in", "out", "weights", "zero", "step")


def table(rows: Sequence[Row]) -> str:
    """Rows under a header, in columns."""
    rows = [HEADER, *rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        " | ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True))
        for row in rows
    )


def description_rows(network: Network, first: int = 0, depth: int = 0) -> list[Row]:
    """Cells of a description's layers.

    Parameters
    ----------
    network : spec.Network
    first : int
        Number of its first layer.
    depth : int
        Time steps before it.
    """
    rows, sizes = [], matrix_sizes(network)
    for i, layer in enumerate(network.layers):
        depth += layer.latency
        own = [m for m in sizes if m.layer == i]
        counts = _counts(sum(m.total for m in own), sum(m.nnz for m in own))
        place = (str(first + i), layer.type, str(layer.inp.size), str(layer.out.size))
        rows.append((*place, *counts, str(depth)))
    return rows


@uninterrupted()
def entry_row(
    entry: Entry, inp: Sequence[int] | None, out: Sequence[int], step: int
) -> Row:
    """Cells of a layer that another library describes; weights as netx names them."""
    weights: Any = entry.group.get("weight")
    has_some = isinstance(weights, h5py.Dataset)
    values = np.asarray(weights[()]) if has_some else np.zeros(0)
    counts = _counts(values.size, int(np.count_nonzero(values)))
    shapes = ("" if s is None else "x".join(str(int(n)) for n in s) for s in (inp, out))
    return (str(entry.index), entry.type, *shapes, *counts, str(step))


def _counts(total: int, nnz: int) -> Row:
    """How many weights are not zero, and the share of those that are."""
    return f"{nnz:,}", f"{1 - nnz / max(total, 1):.1%}" if total else ""
