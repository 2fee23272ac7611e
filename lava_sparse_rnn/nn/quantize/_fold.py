# SPDX-License-Identifier: BSD-3-Clause
"""The first step of quantisation, as a function of a model."""

from __future__ import annotations

from typing import Protocol

import torch

from lava_sparse_rnn.fixed_point import brief
from lava_sparse_rnn.nn._inputs import hint_of_wrapper
from lava_sparse_rnn.nn.folded import FoldedNetwork


class Foldable(Protocol):
    """A model that knows what is deployed of it, as `nn.SparseRNN` does."""

    def fold(self, dtype: torch.dtype = ...) -> FoldedNetwork:
        """Masks applied, batch norms folded."""
        ...


def fold(model: Foldable, dtype: torch.dtype = torch.float64) -> FoldedNetwork:
    """``model.fold(dtype)``; see `nn.SparseRNN.fold`.

    Raises
    ------
    ValueError
        For what cannot be folded.
    """
    if not callable(getattr(model, "fold", None)):
        raise ValueError(
            f"model is {brief(model)}; expected a model with fold(), such as "
            f"nn.SparseRNN{hint_of_wrapper(model)}"
        )
    return model.fold(dtype)
