# SPDX-License-Identifier: BSD-3-Clause
"""The gains that a denoiser should answer, and how far its own are from them.

SI-SNR hears what is loud. What it hardly hears is heard by people: holes in soft speech
and bursts of noise in pauses. Distances of gains in dB weigh all of them alike.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lava_sparse_rnn.audio.frontend import FrontEnd
from lava_sparse_rnn.tasks.denoise.frontend import analyse_features, band_means

LIMIT_DB = 30.0
"""Attenuations count up to about this one."""

_EXPONENT = 1.5  # of the ideal gains: a little more suppression than Wiener's
_BEND_DB = 1.0  # up to here distances count by their squares, then as they are
_AUDIBLE = 1e-7  # of the power of the loudest number
_BLOCK, _OVER = 8, 2.5  # tokens of a mean, and the floor over the least of the means
_BLOCKS = 8  # that take part, at least: less sound may have no pause


@torch.no_grad()
def ideal_gains(front: FrontEnd, noisy: Tensor, clean: Tensor) -> tuple[Tensor, Tensor]:
    """What a denoiser should answer for each number of each token.

    The power of the speech over that of the mixture, both averaged over five tokens
    (weights of 1, 4, 6, 4 and 1), to the power of 1.5. The noise that a recording of
    clean speech has itself is no speech: of its power, that of its softest 8 tokens in
    a row times 2.5 is taken away, number by number, unless there are less than 64
    tokens. Sound that never pauses is thus taken for noise, too.

    Sources: the ratio of powers is Wiener's gain; the floor out of minima follows
    Martin, "Noise power spectral density estimation based on optimal smoothing and
    minimum statistics" (2001).

    Parameters
    ----------
    front : FrontEnd
    noisy : Tensor, complex, shape (batch, T, bins)
        Spectrum; see `analyse_features` of the front end.
    clean : Tensor, shape (batch, samples)
        Of at least T tokens.

    Returns
    -------
    gains : Tensor, shape (batch, T, size)
        From 0 to 1.
    audible : Tensor of bool, shape (batch, T, size)
        False where the mixture is more than 70 dB below its loudest number.
    """
    spoken, _ = analyse_features(front, clean)
    heard, speech = _power(front, noisy), _power(front, spoken[:, : noisy.shape[1]])
    speech = (speech - _floor(speech)).clamp_min(0)
    audible = heard > _AUDIBLE * heard.amax((1, 2), keepdim=True)
    for _ in range(2):
        heard, speech = _smoothed(heard), _smoothed(speech)
    ratio = (speech / heard.clamp_min(1e-12)).clamp(0, 1)
    return ratio**_EXPONENT, audible


def _power(front: FrontEnd, spectrum: Tensor) -> Tensor:
    """Of each number, (batch, T, size); a band has the mean of its bins."""
    power = torch.view_as_real(spectrum).square().sum(-1)
    if front.bands is None:
        return power
    low, high = power.tensor_split([front.linear_bins], -1)
    return torch.cat([low, high @ band_means(front.bands, high.dtype)], -1)


def _floor(power: Tensor) -> Tensor:
    """Noise of a clean recording, (batch, 1, size); 0 of few blocks."""
    count = power.shape[1] // _BLOCK
    if count < _BLOCKS:
        return torch.zeros_like(power[:, :1])
    means = power[:, : count * _BLOCK].unflatten(1, (count, _BLOCK)).mean(2)
    return _OVER * means.amin(1, keepdim=True)


def _smoothed(power: Tensor) -> Tensor:
    """Over neighbouring tokens, with weights of 1, 2 and 1."""
    padded = torch.cat([power[:, :1], power, power[:, -1:]], 1)
    return (padded[:, :-2] + 2 * power + padded[:, 2:]) / 4


def gain_distance(gains: Tensor, ideal: Tensor, audible: Tensor) -> Tensor:
    """Mean distance of gains in dB, of those that can be heard.

    A constant is added to both sides, so that what lies far below `LIMIT_DB` is alike;
    distances below 1 dB count by their squares (pseudo-Huber). Where a gain is 0
    because the network's answer is below -1, its gradient ends there.

    Parameters
    ----------
    gains, ideal : Tensor, shape (batch, T, size)
        From 0 on.
    audible : Tensor of bool, shape (batch, T, size)

    Returns
    -------
    Tensor, scalar
        0 where they are the same.
    """
    rest = 10 ** (-LIMIT_DB / 20)
    decibels = 20 * torch.log10((gains + rest) / (ideal + rest))
    distance = (decibels.square() + _BEND_DB**2).sqrt() - _BEND_DB
    return (distance * audible).sum() / audible.sum().clamp_min(1)
