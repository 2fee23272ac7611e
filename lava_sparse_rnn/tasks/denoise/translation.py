# SPDX-License-Identifier: BSD-3-Clause
"""What one front end's tokens and answers are in those of another."""

from __future__ import annotations

import torch
from torch import Tensor

from lava_sparse_rnn.audio.frontend import FrontEnd
from lava_sparse_rnn.audio.sound.contrast import KINDS
from lava_sparse_rnn.tasks.denoise.frontend import band_means, band_weights

_BAND_FIELDS = ("linear_bins", "erb_bands", "sample_rate")


def translation(front: FrontEnd, before: FrontEnd) -> tuple[Tensor, Tensor] | None:
    """How one front end's tokens and answers are about made of those of another.

    Parameters
    ----------
    front, before : FrontEnd
        Of what is to come, and of a network that was trained.

    Returns
    -------
    tuple of Tensor, optional
        Old tokens of new ones, (old, new), as if all bins of a band had its magnitude;
        new answers of old ones, (new, old), a band's the mean of its bins. Contrasts
        stay theirs where both front ends have some, else they come to nothing. None if
        both have the same bands and as many numbers, or spectra of different sizes.
    """
    same = all(getattr(front, k) == getattr(before, k) for k in _BAND_FIELDS)
    if (same and front.d_in == before.d_in) or front.bins != before.bins:
        return None
    if same:
        heard = answered = torch.eye(front.d_out, dtype=torch.float64)
    else:
        means, interpolation = _matrices(before)
        new_means, new_interpolation = _matrices(front)
        heard, answered = means @ new_interpolation, new_means @ interpolation
    return _with_contrasts(heard, front, before), answered


def _with_contrasts(heard: Tensor, front: FrontEnd, before: FrontEnd) -> Tensor:
    """Old tokens of new ones, of old features of new ones."""
    if front.floor_rise is not None and before.floor_rise is not None:
        return torch.block_diag(*[heard] * (1 + KINDS))
    whole = heard.new_zeros(before.d_in, front.d_in)
    whole[: before.d_out, : front.d_out] = heard
    return whole


def _matrices(front: FrontEnd) -> tuple[Tensor, Tensor]:
    """Features of bins (d_out, bins), bins of features (bins, d_out), in float64."""
    whole = torch.eye(front.bins, dtype=torch.float64)
    if front.bands is None:
        return whole, whole
    linear = whole[: front.linear_bins, : front.linear_bins]
    means = band_means(front.bands, torch.float64)
    weights = band_weights(front.bands, torch.float64)
    return torch.block_diag(linear, means.T), torch.block_diag(linear, weights.T)
