# SPDX-License-Identifier: BSD-3-Clause
"""From the features of every token to what the decoder answers.

The decoder is affine and has no ReLU, so that a *regression* head is the decoder
itself: one answer per token (``'sequence'``), or one per sequence. A *classification*
head is the decoder over the mean (``'mean'``, pooling) or the last token
(``'last'``): logits, for ``torch.nn.functional.cross_entropy``.

Because an affine map and a mean commute, the exported network needs no head: it
answers every token, and ``HEADS[head](answers)`` is the answer to the sequence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def sequence(h: Any, lengths: Tensor | None = None) -> Any:
    """Every token's, shape (T, B, n)."""
    return h


def mean(h: Any, lengths: Tensor | None = None) -> Any:
    """Mean over time, shape (B, n).

    Parameters
    ----------
    h : Tensor or numpy array, shape (T, B, n)
    lengths : Tensor of int, shape (B,), optional
        Valid tokens of each sequence of a padded batch.
    """
    if lengths is None:
        return h.mean(0)
    inside = torch.arange(h.shape[0], device=lengths.device)[:, None] < lengths
    # Whatever stands in the padding, also NaN.
    return torch.where(inside[..., None], h, 0).sum(0) / lengths[:, None]


def last(h: Any, lengths: Tensor | None = None) -> Any:
    """The last valid token's, shape (B, n); parameters as in `mean`."""
    if lengths is None:
        return h[-1]
    return h[lengths - 1, torch.arange(h.shape[1], device=lengths.device)]


HEADS: dict[str, Callable] = {"sequence": sequence, "mean": mean, "last": last}
"""Heads by name."""
