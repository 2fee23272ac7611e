# SPDX-License-Identifier: BSD-3-Clause
"""Which connections of a matrix a mask may keep: anywhere, or regularly.

A neurocore holds the synapses of its own neurons, the rows of a matrix. A pattern
with the same number in every row fills neurocores evenly; with N of every M
neighbours the positions need few bits too.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def unstructured(score: Tensor, count: int, block: int) -> Tensor:
    """Exactly `count` largest entries; among equals, any.

    Parameters
    ----------
    score : Tensor, shape (rows, columns)
    count : int
        Connections to keep.
    block : int
        Only `n_of_m` needs it.

    Returns
    -------
    Tensor of bool, the shape of `score`
    """
    mask = torch.zeros(score.numel(), dtype=torch.bool, device=score.device)
    mask[score.flatten().topk(count, sorted=False).indices] = True
    return mask.view(score.shape)


def fan_in(score: Tensor, count: int, block: int) -> Tensor:
    """The same number in every row: `count` in all, rows differ by one at most.

    Where rows cannot be equal, those keep one more whose next entry is largest.
    Parameters and returns as in `unstructured`.
    """
    rows = score.shape[0]
    each, more = divmod(count, rows)
    ranked, order = score.sort(dim=1, descending=True)
    keep = torch.zeros_like(score, dtype=torch.bool)
    keep[:, :each] = True
    if more:
        keep[ranked[:, each].topk(more, sorted=False).indices, each] = True
    return torch.zeros_like(keep).scatter_(1, order, keep)


def n_of_m(score: Tensor, count: int, block: int) -> Tensor:
    """The same number N in every M = `block` neighbouring columns of a row.

    N is the nearest to ``M * count / size``, at least one: few sparsities are
    possible, and the one that is reached is ``1 - N / M``. Parameters and returns as
    in `unstructured`.

    Raises
    ------
    ValueError
        If M does not divide the number of columns.
    """
    columns = score.shape[1]
    if columns % block:
        raise ValueError(
            f"a matrix of {columns} columns cannot be cut into blocks of {block}, "
            "which has to divide the number of columns of every matrix"
        )
    keep = max(round(block * count / score.numel()), 1)
    blocks = score.unflatten(1, (columns // block, block))
    index = blocks.topk(keep, dim=2, sorted=False).indices
    mask = torch.zeros_like(blocks, dtype=torch.bool).scatter_(2, index, True)
    return mask.flatten(1)


PATTERNS: dict[str, Callable[[Tensor, int, int], Tensor]] = {
    "unstructured": unstructured,
    "fan_in": fan_in,
    "n_of_m": n_of_m,
}
"""Patterns by the name used in configurations."""
