# SPDX-License-Identifier: BSD-3-Clause
"""What a denoiser is trained for: waveforms, and magnitudes as the ear weighs them."""

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


def compressed_distance(
    estimate: Tensor, target: Tensor, exponent: float = 0.3, eps: float = 1e-6
) -> Tensor:
    """Mean squared difference of magnitudes raised to a power below one.

    The power brings out what is soft, such as the noise that is left in pauses, which
    SI-SNR hardly sees. Unlike SI-SNR it depends on the level of the estimate.

    Source: Ephrat et al., "Looking to listen" (arXiv 1804.03619), with exponent 0.3.

    Parameters
    ----------
    estimate, target : Tensor, shape (batch, T, bins)
        Magnitudes; both are divided by the root mean square of the target's sequence.
    exponent : float
    eps : float
        Added to the squares, which bounds the slope at zero.

    Returns
    -------
    Tensor, scalar
    """
    power = target.square().mean((1, 2), keepdim=True) + 1e-12
    near, far = (
        (x.square() / power + eps) ** (exponent / 2) for x in (estimate, target)
    )
    return (near - far).square().mean()
