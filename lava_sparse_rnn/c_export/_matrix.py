# SPDX-License-Identifier: BSD-3-Clause
"""Sparse matrices column by column, two bytes to a weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

LONGEST_GAP = 255  # what the byte of an entry holds


@dataclass(frozen=True)
class Columns:
    """A matrix as the exported ``multiply`` reads it.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    counts : array of int, shape (columns,)
        Entries in each column.
    entries : array of int, shape (n, 2)
        Gap from the row before (from row 0 in front) and weight.
    dense : array of int, shape (columns, rows), or None
        Every weight: instead of the entries, where that takes fewer bytes.
    """

    shape: tuple[int, int]
    counts: NDArray[np.int64]
    entries: NDArray[np.int64]
    dense: NDArray[np.int64] | None


def columns_of(matrix: Any) -> Columns:
    """Columns of a scipy sparse matrix of int8 values."""
    csc = sparse.csc_array(matrix)
    csc.sort_indices()
    rows, columns = matrix.shape
    parts = []
    for j in range(columns):
        where = slice(csc.indptr[j], csc.indptr[j + 1])
        parts.append(_entries(csc.indices[where], csc.data[where]))
    counts = np.array([len(part) for part in parts])
    entries = np.concatenate(parts)
    # Counts take a byte or two per column; they decide nothing but draws.
    dense = csc.toarray().T if rows * columns < 2 * len(entries) else None
    return Columns((rows, columns), counts, entries, dense)


def _entries(rows: NDArray, weights: NDArray) -> NDArray[np.int64]:
    """Gaps and weights of one column, shape (n, 2), with weights of 0 on long ways."""
    gaps = np.diff(rows, prepend=0).astype(np.int64)
    fillers = np.maximum(gaps - 1, 0) // LONGEST_GAP
    at = np.cumsum(fillers + 1) - 1  # where each weight goes
    entries = np.zeros((int(at[-1]) + 1 if len(at) else 0, 2), dtype=np.int64)
    entries[:, 0] = LONGEST_GAP
    entries[at, 0] = gaps - LONGEST_GAP * fillers
    entries[at, 1] = weights
    return entries
