# SPDX-License-Identifier: BSD-3-Clause
"""From waveforms to the loss and the validation of a denoiser."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import torch
from torch import Tensor

from lava_sparse_rnn.audio.frontend import FrontEnd
from lava_sparse_rnn.nn.quantize import FoldedAffine, FoldedNetwork
from lava_sparse_rnn.tasks.denoise.data import Source
from lava_sparse_rnn.tasks.denoise.frontend import analyse, analyse_features
from lava_sparse_rnn.tasks.denoise.gains import gain_distance, ideal_gains
from lava_sparse_rnn.tasks.denoise.losses import compressed_distance, si_snr
from lava_sparse_rnn.tasks.denoise.pairing import Mixes
from lava_sparse_rnn.tasks.denoise.resynthesis import (
    answered_frames,
    gain,
    resynthesise,
)
from lava_sparse_rnn.train.tasks import Model, RawBatch

_LEVELS = (1e-3, 1e3)  # a wave that has nothing of the speech is still to learn


def denoise(model: Model, front: FrontEnd, noisy: Tensor) -> Tensor:
    """Clean a batch of waveforms.

    Parameters
    ----------
    model : callable
        Time-major, float.
    front : FrontEnd
    noisy : Tensor, shape (batch, samples)

    Returns
    -------
    Tensor, shape (batch, samples - n_fft + hop - lookahead * hop)
        Estimate, aligned with the input.
    """
    spectrum, x = analyse_features(front, noisy)
    wave = resynthesise(front, spectrum, model(x).to(noisy.dtype))
    return _limited(front, noisy[:, : wave.shape[1]], wave)


def _limited(front: FrontEnd, noisy: Tensor, wave: Tensor) -> Tensor:
    """A wave and what the front end keeps of the noisy one: a share of the samples, as
    the transform and its inverse give them back.
    """
    return torch.lerp(wave, noisy, front.kept) if front.kept else wave


def estimate(
    model: Model, front: FrontEnd, noisy: Tensor, clean: Tensor
) -> tuple[Tensor, Tensor]:
    """What `denoise` gives of a network whose level is set, and as much of `clean`.

    Parameters
    ----------
    model, front, noisy
        As in `denoise`.
    clean : Tensor, shape (batch, samples)

    Returns
    -------
    tuple of Tensor
        Both as long as what `denoise` returns.
    """
    wave = denoise(model, replace(front, strength=None), noisy)
    return _levelled(front, noisy, wave, clean)[:2]


def loss(
    model: Model,
    front: FrontEnd,
    noisy: Tensor,
    clean: Tensor,
    magnitude_weight: float = 0.0,
    compressed_weight: float = 0.0,
    gain_weight: float = 0.0,
) -> Tensor:
    """Negative SI-SNR in dB, plus weighted distances of magnitudes and of gains.

    All but the plain magnitudes are those at the level that is set in the end, a limit
    of attenuation included: a network that is louder has the same loss, and no gradient
    makes one louder or softer.

    Parameters
    ----------
    model, front, noisy
        As in `denoise`.
    clean : Tensor, shape (batch, samples)
    magnitude_weight : float
        Of the mean squared error.
    compressed_weight : float
        Of `losses.compressed_distance`.
    gain_weight : float
        Of `gains.gain_distance`, for each dB.

    Returns
    -------
    Tensor, scalar
    """
    spectrum, x = analyse_features(front, noisy)
    output = model(x).to(noisy.dtype)
    wave = resynthesise(front, spectrum, output)
    heard, speech, level = _levelled(front, noisy, wave, clean)
    total = -si_snr(heard, speech).mean()
    level = level[:, None, None]
    if gain_weight:
        answered = spectrum[:, : spectrum.shape[1] - front.lookahead]
        answers = level * gain(output[front.lookahead :]).transpose(0, 1)
        distance = gain_distance(answers, *ideal_gains(front, answered, clean))
        total = total + gain_weight * distance
    if not (magnitude_weight or compressed_weight):
        return total
    spectrum, output = answered_frames(front, spectrum, output)
    target = torch.stack([analyse(front, c[None]).squeeze(1).abs() for c in clean])
    target = target[:, : spectrum.shape[1]]
    gains = gain(output).transpose(0, 1)
    if magnitude_weight:
        magnitude = spectrum.abs() * (front.kept + (1 - front.kept) * gains)
        total = total + magnitude_weight * (magnitude - target).square().mean()
    if compressed_weight:
        magnitude = spectrum.abs() * (front.kept + (1 - front.kept) * level * gains)
        distance = compressed_distance(magnitude, target)
        total = total + compressed_weight * distance
    return total


def _levelled(
    front: FrontEnd, noisy: Tensor, wave: Tensor, clean: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """What is heard of waves without a limit, as much of `clean`, and their factors."""
    noisy, speech = (part[:, : wave.shape[1]] for part in (noisy, clean))
    level = _level(front, noisy, wave, speech).clamp(*_LEVELS)
    return _limited(front, noisy, level[:, None] * wave), speech, level


def _level(front: FrontEnd, noisy: Tensor, wave: Tensor, speech: Tensor) -> Tensor:
    """Factors of waves without a limit, with which what is heard is nearest to speech.

    All (batch, samples); the factors, (batch,), have the least squared error. SI-SNR
    leaves a level open; a limit does not, so that it is heard at the level that
    `output_level` sets in the end. Otherwise a network would get rid of it by being
    ever louder.
    """
    wave, left = (1 - front.kept) * wave, speech - front.kept * noisy
    return (wave * left).sum(-1) / wave.square().sum(-1).clamp_min(1e-12)


@torch.no_grad()
def output_level(
    model: Model,
    front: FrontEnd,
    batches: Iterable[RawBatch],
    oversubtraction: float = 1.0,
) -> float:
    """Factor on the gains that brings estimates to the level of the clean speech.

    SI-SNR leaves the level open, and a network trained on it alone finds some level
    of its own. What the front end keeps of the noise is not multiplied.

    Parameters
    ----------
    model, front
        As in `denoise`; `model` in evaluation mode.
    batches : iterable of (noisy, clean)
    oversubtraction : float
        See `at_level`.

    Returns
    -------
    float
        Geometric mean over the mixtures of the factor with the least squared error.
    """
    logs, free = [], replace(front, strength=None)
    for noisy, clean in batches:
        heard, speech = torch.from_numpy(noisy), torch.from_numpy(clean)
        wave = denoise(lambda x: oversubtraction * model(x), free, heard)
        heard, speech = heard[:, : wave.shape[1]], speech[:, : wave.shape[1]]
        factor = _level(front, heard, wave, speech)
        logs.append(factor[factor > 0].log())
    found = torch.cat(logs)
    return float(found.mean().exp()) if found.numel() else 1.0


def at_level(
    folded: FoldedNetwork, factor: float, oversubtraction: float = 1.0
) -> FoldedNetwork:
    """The same denoiser with what it takes away, and then all gains, multiplied.

    A gain is ``1 + output``, so that minus the output is the share of a magnitude that
    is taken for noise. Taking away `oversubtraction` times as much, with a limit of
    attenuation as its floor, is due to Berouti et al., "Enhancement of speech corrupted
    by acoustic noise" (1979). With ``a`` for it and ``f`` for `factor`,
    ``f * (1 + a (W u + b)) = 1 + (f a W) u + (f a b + f - 1)``: the decoder takes both
    in.

    Parameters
    ----------
    folded : FoldedNetwork
    factor : float
        On the gains, see `output_level`.
    oversubtraction : float
        On what is taken away.
    """
    *layers, decoder = folded.layers
    if not isinstance(decoder, FoldedAffine):
        raise TypeError(f"the last layer is {type(decoder).__name__}, not a decoder")
    scale = factor * oversubtraction
    decoder = replace(
        decoder,
        weights=scale * decoder.weights,
        bias=scale * decoder.bias + (factor - 1),
    )
    return replace(folded, layers=(*layers, decoder))


class Validation:
    """Improvement of SI-SNR on fixed mixtures, at a few ratios.

    Parameters
    ----------
    source : Source
    front : FrontEnd
    snrs : tuple of float
        Decibels.
    """

    def __init__(self, source: Source, front: FrontEnd, snrs: tuple[float, ...]):
        self._front = front
        self._mixes: dict[str, Mixes] = {
            f"si_snri_{snr:g}dB": source.validation(snr) for snr in snrs
        }

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the figures, in order."""
        return tuple(self._mixes)

    @torch.no_grad()
    def __call__(self, model: Model) -> dict[str, float]:
        """Mean improvement in dB, by name; `model` is already in evaluation mode."""
        result = {}
        for name, (noisy, clean) in self._mixes.items():
            noisy, clean = torch.from_numpy(noisy), torch.from_numpy(clean)
            wave, clean = estimate(model, self._front, noisy, clean)
            noisy = noisy[:, : wave.shape[1]]
            change = si_snr(wave, clean) - si_snr(noisy, clean)
            result[name] = float(change.mean())
        return result
