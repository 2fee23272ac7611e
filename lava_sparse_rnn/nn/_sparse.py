# SPDX-License-Identifier: BSD-3-Clause
"""Products of the fused form with a weight of which most entries are masked.

Where products are in float32 on a processor, those entries cost nothing: neither
forwards, nor in the gradients (``nn/src/sparse.h``). With more entries than `MOST`, in
other types, and where masked weights learn on, too, they are torch's products of whole
matrices.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lava_sparse_rnn.nn import loops
from lava_sparse_rnn.nn.loops import memory

# Share of a matrix up to which its entries one by one are faster than all of it:
# at 0.4 both take as long (matrices of 256 and 320, two cores with AVX2).
MOST = 0.3
_ROWS = 64  # of x, at least


def entries(mask: Tensor, rows: int, dtype: torch.dtype, through: bool) -> Any:
    """Which entries take part in products, or None for those of whole matrices.

    Parameters
    ----------
    mask : Tensor, shape (n, k)
    rows : int
        Of what it is multiplied with.
    dtype : torch.dtype
        Of the products.
    through : bool
        Whether masked weights have gradients, too.
    """
    if dtype != torch.float32 or through or rows < _ROWS:
        return None
    if int(torch.count_nonzero(mask)) > MOST * mask.numel():
        return None
    return loops.sparse_weight(mask.contiguous())


def product(found: Any, x: Tensor, w: Tensor) -> Tensor:
    """``x @ w.t()``, for x (rows, k) and w (n, k), whose masked entries are zero."""
    if found is None:
        return x @ w.t()
    y = x.new_empty(len(x), len(w))
    found.forward(torch.get_num_threads(), len(x), memory(x, w, y))
    return y


def product_back(
    found: Any, g: Tensor, x: Tensor, w: Tensor, to: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Gradients of `product`: ``g @ w``, added to `to` if that is given, and `by_w`."""
    if found is None:
        by_x = g @ w if to is None else to.addmm_(g, w)
        return by_x, weight_back(found, g, x, w)
    by_x, by_w = torch.empty_like(x) if to is None else to, torch.empty_like(w)
    arrays = memory(g, x, w, by_w, by_x)
    found.back(torch.get_num_threads(), len(x), to is not None, arrays)
    return by_x, by_w


def weight_back(found: Any, g: Tensor, x: Tensor, w: Tensor) -> Tensor:
    """``g.t() @ x``; zero, or of no meaning, where the mask is not."""
    if found is None:
        return (g.t() @ x).contiguous()
    by_w = torch.empty_like(w)
    found.back(torch.get_num_threads(), len(x), False, memory(g, x, w, by_w))
    return by_w
