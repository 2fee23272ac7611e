# SPDX-License-Identifier: BSD-3-Clause
"""Where matrix products of short numbers pay."""

from __future__ import annotations

import functools

import torch

from lava_sparse_rnn.nn import loops


@functools.cache
def short_type(device: str = "cpu") -> torch.dtype:
    """bfloat16 where a device multiplies in it by itself, else float32.

    On processors that do not, torch's products in bfloat16 are loops over single
    numbers: with AVX2 only they took 7 to 40 times as long as those in float32.

    Parameters
    ----------
    device : str
        A type of torch's devices, such as ``cpu``.
    """
    own = _MULTIPLIES.get(device, lambda: False)()
    return torch.bfloat16 if own else torch.float32


def _processor() -> bool:
    # What torch asks before it leaves a product to oneDNN.
    check = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
    return loops.products() is not None or (check is not None and check())


def _gpu() -> bool:
    return torch.cuda.is_bf16_supported(including_emulation=False)


_MULTIPLIES = {"cpu": _processor, "cuda": _gpu}
