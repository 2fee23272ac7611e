# SPDX-License-Identifier: BSD-3-Clause
"""What a denoiser is trained for: waveforms, and magnitudes as the ear weighs them."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from lava_sparse_rnn.nn import loops


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
    if _has_loops(estimate, target):
        return cast(Tensor, _SiSnr.apply(estimate, target, eps))
    estimate = estimate - estimate.mean(-1, keepdim=True)
    target = target - target.mean(-1, keepdim=True)
    energy = target.square().sum(-1, keepdim=True) + eps
    projection = (estimate * target).sum(-1, keepdim=True) / energy * target
    noise = estimate - projection
    ratio = (projection.square().sum(-1) + eps) / (noise.square().sum(-1) + eps)
    return 10 * torch.log10(ratio)


def _has_loops(estimate: Tensor, target: Tensor) -> bool:
    """Whether `si_snr` has a compiled form."""
    return (
        loops.built()
        and estimate.shape == target.shape
        and estimate.dim() == 2
        and not target.requires_grad
        and all(
            x.dtype == torch.float32 and x.device.type == "cpu"
            for x in (estimate, target)
        )
    )


class _SiSnr(torch.autograd.Function):
    """`si_snr` in two compiled passes, and one for its gradient."""

    @staticmethod
    def forward(ctx, estimate, target, eps):
        x, t = estimate.contiguous(), target.contiguous()
        ratio, factors = x.new_empty(len(x)), x.new_empty(len(x), 3, dtype=torch.double)
        given = loops.memory(x, t, ratio, factors)
        loops.spectra().si_snr(torch.get_num_threads(), *x.shape, eps, given)
        ctx.save_for_backward(x, t, factors)
        return ratio

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad):
        x, t, factors = ctx.saved_tensors
        by_x = torch.empty_like(x)
        given = loops.memory(grad.contiguous(), x, t, factors, by_x)
        loops.spectra().si_snr_back(torch.get_num_threads(), *x.shape, given)
        return by_x, None, None


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
