# SPDX-License-Identifier: BSD-3-Clause
"""What rounding the first weights shifts, given back by their bias."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import torch
from torch import Tensor

from lava_sparse_rnn.nn._inputs import (
    Lengths,
    inputs_of,
    real_tokens,
    with_lengths,
)
from lava_sparse_rnn.nn.folded import FoldedAffine, FoldedNetwork, check_folded
from lava_sparse_rnn.nn.quantize._unfold import unfold
from lava_sparse_rnn.spec import Network, check_network


@torch.no_grad()
def centred(
    folded: FoldedNetwork,
    network: Network,
    batches: Tensor | Iterable[Tensor],
    lengths: Lengths = None,
) -> FoldedNetwork:
    """The folded network with a first bias that goes with the rounded weights.

    Weights W are rounded to Wq, which moves what a first affine layer makes of inputs
    u by ``(Wq - W) u``. Of inputs far from zero (a pressure of 1013 hPa that moves by
    one) that is most of all, and nearly a constant: the bias takes
    ``(W - Wq) mean(u)`` (Nagel et al., arXiv 1906.04721, section 4.2).

    Parameters
    ----------
    folded : FoldedNetwork
    network : spec.Network
        What `quantize` has made of it.
    batches, lengths
        Typical input, as `calibrate` takes it.

    Returns
    -------
    FoldedNetwork
        To be quantised again, with the same ranges. Without an affine layer first, or
        without a token, the one that was given.
    """
    check_network(network, "centred", folded)
    check_folded(folded)
    first, *rest = folded.layers
    rounded = unfold(network).layers[0]
    mean = _mean(folded, batches, lengths)
    if not isinstance(first, FoldedAffine) or mean is None:
        return folded
    assert isinstance(rounded, FoldedAffine)  # the same layers in the same order
    shift = (first.weights.double() - rounded.weights) @ mean
    bias = (first.bias.double() + shift).to(first.bias)
    return replace(folded, layers=(replace(first, bias=bias), *rest))


def _mean(
    folded: FoldedNetwork, batches: Tensor | Iterable[Tensor], lengths: Lengths
) -> Tensor | None:
    """Of all tokens (d_in,), or None if there is none."""
    total, count = torch.zeros(folded.d_in, dtype=torch.float64), 0
    for batch, ends in with_lengths(inputs_of(batches, folded.d_in), lengths):
        x, real = batch.double().transpose(0, 1), real_tokens(batch, ends)
        tokens = x.flatten(0, 1) if real is None else x[real]
        total += tokens.sum(0).cpu()
        count += len(tokens)
    return total / count if count else None
