# SPDX-License-Identifier: BSD-3-Clause
"""Ranges of every wire and state, measured on typical input."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ._fold import FoldedNetwork

Ranges = list[dict[str, NDArray[np.float64]]]
"""Per layer, by tensor name: largest magnitude of each neuron; entry 0 is the input.

Complex states and their wires have one entry per state, the larger of both parts.
"""

_COMPLEX = ("x", "s")


def calibrate(folded: FoldedNetwork, batches: Iterable[Tensor]) -> Ranges:
    """Largest magnitudes of every tensor over some input.

    Parameters
    ----------
    folded : FoldedNetwork
    batches : iterable of Tensor, each of shape (batch, time, d_in)

    Returns
    -------
    Ranges
        ``[{'out': input}, layer 0, layer 1, ...]``.

    Raises
    ------
    ValueError
        If there is no batch or a value is not finite.
    """
    ranges: Ranges = []
    dtype = folded.layers[0].weights.dtype  # type: ignore[union-attr]
    for batch in batches:
        x = batch.to(dtype).transpose(0, 1).contiguous()
        found = [{"out": x}, *folded.trace(x)]
        peaks = [{n: _peak(n, t) for n, t in layer.items()} for layer in found]
        if not ranges:
            ranges = peaks
        for have, new in zip(ranges, peaks, strict=True):
            have.update({n: np.maximum(have[n], new[n]) for n in new})
    if not ranges:
        raise ValueError("calibration needs at least one batch, got none")
    for i, layer in enumerate(ranges):
        for name, peak in layer.items():
            if not np.isfinite(peak).all():
                where = "input" if i == 0 else f"layer {i - 1}, {name}"
                raise ValueError(f"calibration: {where} has values that are not finite")
    return ranges


def _peak(name: str, tensor: Tensor) -> NDArray[np.float64]:
    peak = tensor.abs().amax(dim=(0, 1)).double().numpy()
    if name in _COMPLEX:
        return np.maximum(*np.split(peak, 2))
    return peak
