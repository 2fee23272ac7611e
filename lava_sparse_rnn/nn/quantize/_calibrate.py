# SPDX-License-Identifier: BSD-3-Clause
"""Ranges of every wire and state, measured on typical input."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lava_sparse_rnn.fixed_point import check_number
from lava_sparse_rnn.nn._inputs import (
    Lengths,
    inputs_of,
    real_tokens,
    with_lengths,
)
from lava_sparse_rnn.nn.folded import FoldedNetwork, check_folded

Ranges = list[dict[str, NDArray[np.float64]]]
"""Per layer, by tensor name: largest magnitude of each neuron; entry 0 is the input.

Complex states and their wires have one entry per state, the larger of both parts.
"""

_COMPLEX = ("x", "s")
# A state that saturates stays wrong as long as its memory lasts: always its maximum.
_STATE = "x"


class _Observer(Protocol):
    """Range of the neurons of one tensor, over many batches."""

    def see(self, magnitude: Tensor) -> None:
        """Take note of magnitudes, shape (..., n)."""
        ...

    def range(self) -> NDArray[np.float64]:
        """Shape (n,)."""
        ...


class _Maximum:
    def __init__(self) -> None:
        self.peak: Tensor | None = None

    def see(self, magnitude: Tensor) -> None:
        peak = magnitude.flatten(0, -2).amax(0).double()
        self.peak = peak if self.peak is None else torch.maximum(self.peak, peak)

    def range(self) -> NDArray[np.float64]:
        assert self.peak is not None  # `calibrate` has seen a batch
        return self.peak.cpu().numpy()


class _Percentile(_Maximum):
    """From a histogram per neuron: a percentile is 4 % too large at most."""

    PER_OCTAVE, OCTAVES, LOWEST = 16, 64, -40

    def __init__(self, percentile: float) -> None:
        super().__init__()
        self.share = percentile / 100
        self.counts: Tensor | None = None

    def see(self, magnitude: Tensor) -> None:
        super().see(magnitude)
        flat = magnitude.flatten(0, -2).double().t().contiguous()
        bins = self.PER_OCTAVE * self.OCTAVES
        place = ((flat.log2() - self.LOWEST) * self.PER_OCTAVE).ceil()
        # Bin 0 takes zeros and whatever is as small.
        place = place.nan_to_num(0.0).clamp(0, bins - 1).long()
        found = torch.zeros(flat.shape[0], bins, dtype=torch.long, device=flat.device)
        found.scatter_add_(1, place, torch.ones_like(place))
        self.counts = found if self.counts is None else self.counts + found

    def range(self) -> NDArray[np.float64]:
        assert self.counts is not None  # `calibrate` has seen a batch
        below = self.counts.cumsum(1)
        needed = (self.share * below[:, -1:]).ceil().clamp(min=1)
        place = (below >= needed).int().argmax(1).double()
        edge = torch.exp2(place / self.PER_OCTAVE + self.LOWEST)
        edge = torch.where(place == 0, torch.zeros_like(edge), edge).cpu().numpy()
        return np.minimum(edge, super().range())


def calibrate(
    folded: FoldedNetwork,
    batches: Tensor | Iterable[Tensor | Sequence[Tensor]],
    percentile: float | None = None,
    *,
    lengths: Lengths = None,
) -> Ranges:
    """Ranges of every tensor over some input.

    Parameters
    ----------
    folded : FoldedNetwork
    batches : Tensor, or iterable of Tensor, each of shape (batch, time, d_in)
        Typical input; `with_silence` adds what real input has too. Of pairs, as a
        DataLoader gives them, the first is taken.
    percentile : float, optional
        Range that holds this percentage of a neuron's values, zeros included; what
        lies beyond it and its headroom of one bit will saturate. States keep their
        largest magnitude, and so does everything if it is left out.
    lengths : Tensor of int, or iterable of them or None, each (batch,), optional
        Tokens of each sequence of a batch, one entry a batch: what stands behind them
        is padding and does not count. All tokens are real if not given.

    Returns
    -------
    Ranges
        ``[{'out': input}, layer 0, layer 1, ...]``.

    Raises
    ------
    ValueError
        If there is no token, a batch has another shape, a value is not finite, the
        percentile is not in (0, 100], or the lengths do not fit the batches.
    """
    check_folded(folded)
    if percentile is not None:
        check_number("percentile", percentile)
    if percentile is not None and not 0 < percentile <= 100:
        raise ValueError(f"percentile is {percentile}; it must lie in (0, 100]")
    observers: list[dict[str, _Observer]] = []
    for batch, ends in with_lengths(inputs_of(batches, folded.d_in), lengths):
        x = batch.to(folded.dtype).transpose(0, 1).contiguous()
        if not x.numel():  # no token, nothing to see
            continue
        real = real_tokens(batch, ends)
        found = [{"out": x}, *folded.trace(x)]
        if not observers:
            make = _maker(percentile)
            observers = [{name: make(name) for name in layer} for layer in found]
        for i, layer in enumerate(found):
            for name, tensor in layer.items():
                magnitude = _magnitude(name, tensor if real is None else tensor[real])
                _check_finite(magnitude, name, i)
                observers[i][name].see(magnitude)
    if not observers:
        raise ValueError("calibration needs at least one token, got none")
    return [{n: o.range() for n, o in layer.items()} for layer in observers]


def _maker(percentile: float | None) -> Callable[[str], _Observer]:
    def make(name: str) -> _Observer:
        if percentile is None or name == _STATE:
            return _Maximum()
        return _Percentile(percentile)

    return make


def _magnitude(name: str, tensor: Tensor) -> Tensor:
    magnitude = tensor.abs()
    # Both parts of a complex number share one format.
    return torch.stack(magnitude.chunk(2, -1)) if name in _COMPLEX else magnitude


def _check_finite(magnitude: Tensor, name: str, i: int) -> None:
    if not bool(magnitude.amax().isfinite()):
        where = "input" if i == 0 else f"layer {i - 1}, {name}"
        raise ValueError(f"calibration: {where} has values that are not finite")


def with_silence(
    batches: Iterable[Tensor],
    token: Tensor | None = None,
    steps: int = 4000,
    lengths: Lengths = None,
) -> Iterator[Tensor]:
    """Calibration material, then exact silence: alone, and after the last batch.

    Recorded silence is never exact, digital silence is. To a front end with a
    logarithm or a mean that is no zero but an extreme token, always the same, and
    slow states add it up until they settle.

    Parameters
    ----------
    batches : iterable of Tensor, each of shape (batch, time, d_in)
    token : Tensor, shape (d_in,), optional
        Features of silence; zeros by default.
    steps : int
        Length of the silence. States settle in a few of their time constants,
        ``1 / (-Re(Lambda) dt)`` tokens.
    lengths : Tensor of int, or iterable of them or None, each (batch,), optional
        As of `calibrate`, for which two more entries follow, None and None: in what is
        added every token counts. Silence begins where a sequence of the last batch
        ends.

    Yields
    ------
    Tensor, shape (batch, time, d_in)
    """
    pair = None
    for pair in with_lengths(batches, lengths):
        yield pair[0]
    if pair is None:
        return
    last, ends = pair
    if token is None:
        token = last.new_zeros(last.shape[-1])
    silence = token.to(last).expand(1, steps, -1)
    yield silence
    if (real := real_tokens(last, ends)) is not None:
        last = torch.where(real.t()[..., None], last, silence[:, :1])
    yield torch.cat([last, silence.expand(len(last), -1, -1)], dim=1)
