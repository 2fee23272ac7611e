# SPDX-License-Identifier: BSD-3-Clause
"""Scale-invariant signal-to-noise ratio, as metric and as loss."""

from __future__ import annotations

import torch
from torch import Tensor


def si_snr(estimate: Tensor, target: Tensor, eps: float = 1e-8) -> Tensor:
    """Scale-invariant SNR after removing means.

    Source: Le Roux et al., "SDR - half-baked or well done?" (arXiv 1811.02508).

    Parameters
    ----------
    estimate, target : Tensor, shape (batch, samples)
    eps : float
        Added to energies relative to the number of samples.

    Returns
    -------
    Tensor, shape (batch,)
        Decibels.
    """
    estimate = estimate - estimate.mean(-1, keepdim=True)
    target = target - target.mean(-1, keepdim=True)
    energy = target.square().sum(-1, keepdim=True) + eps
    projection = (estimate * target).sum(-1, keepdim=True) / energy * target
    noise = estimate - projection
    ratio = (projection.square().sum(-1) + eps) / (noise.square().sum(-1) + eps)
    return 10 * torch.log10(ratio)
