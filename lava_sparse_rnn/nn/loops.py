# SPDX-License-Identifier: BSD-3-Clause
"""Compiled loops of a training step on a processor: the extension of ``nn/src``.

A loop works on the memory of tensors in place, in torch's own threads and number of
them. Without the extension everything has a plain form, which is slower.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import torch
from torch import Tensor

_EXTENSION: Any
try:
    _EXTENSION = import_module("lava_sparse_rnn.nn._training")
except ImportError:
    _EXTENSION = None
_FACE = 4  # of the functions there, as module.cpp has it
if getattr(_EXTENSION, "face", None) != _FACE:  # built from other sources
    _EXTENSION = None

# Type of parameters and sums, and type of what matrix products read and write, to the
# extension's name.
_PAIRS = {
    (torch.float32, torch.bfloat16): "Mixed",
    (torch.float32, torch.float32): "Single",
    (torch.float64, torch.float64): "Double",
}


def built() -> bool:
    """Whether the extension is there."""
    return _EXTENSION is not None


def available(dtype: torch.dtype, short: torch.dtype | None = None) -> bool:
    """Whether there are loops for a type, and the type of products (None: the same)."""
    return built() and (dtype, short or dtype) in _PAIRS


def steps(x: Tensor, short: torch.dtype | None = None) -> Any:
    """The loops for the type of `x`, see ``steps.h``."""
    kind = getattr(_EXTENSION, _PAIRS[x.dtype, short or x.dtype])
    return kind(torch.get_num_threads())


def spectra() -> Any:
    """The loops around Fourier transforms in float32, see ``spectra.inc``."""
    return _EXTENSION


def products() -> Any:
    """What multiplies in bfloat16 by itself (``products.h``), or None.

    That is a processor with AMX; others leave products to torch.
    """
    found = built() and _EXTENSION.has_products()
    return _EXTENSION if found else None


def sparse_weight(mask: Tensor) -> Any:
    """Products in float32 with the entries of a (n, k) mask, see ``sparse.h``."""
    return _EXTENSION.SparseWeight(*mask.shape, memory(mask))


def memory(*tensors: Tensor) -> list[Any]:
    """The memory of contiguous tensors for one call, which checks types and sizes."""
    return [torch.to_dlpack(t) for t in tensors]  # type: ignore[attr-defined]
