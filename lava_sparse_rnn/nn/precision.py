# SPDX-License-Identifier: BSD-3-Clause
"""Where matrix products of short numbers pay."""

from __future__ import annotations

import functools
import platform

import torch

from lava_sparse_rnn.nn import loops

_X86 = ("x86_64", "AMD64")
_AMPERE = (8, 0)  # Nvidia's first GPUs with products in bfloat16


@functools.cache
def short_type(device: str = "cpu") -> torch.dtype:
    """bfloat16 where a device multiplies in it by itself, else float32.

    On processors that do not, torch's products in bfloat16 may be loops over single
    numbers: with AVX2 only they took 7 to 40 times as long as those in float32.

    Parameters
    ----------
    device : str
        A type of torch's devices, such as ``cpu``.
    """
    own = _MULTIPLIES.get(device, lambda: False)()
    return torch.bfloat16 if own else torch.float32


def _processor() -> bool:
    if loops.products() is not None:
        return True
    # With AVX-512 alone oneDNN computes them in float32, and converts besides.
    known = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    if platform.machine() in _X86 and known is not None:
        return known()
    # What torch asks before it leaves a product to oneDNN.
    known = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    return known is not None and known()


def _gpu() -> bool:
    return bool(torch.version.hip) or torch.cuda.get_device_capability() >= _AMPERE


_MULTIPLIES = {"cpu": _processor, "cuda": _gpu}
