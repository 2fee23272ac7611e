# SPDX-License-Identifier: BSD-3-Clause
"""The front and back end of the denoising task in torch, differentiable.

Constants and conventions are those of ``audio.FrontEnd``, which what runs the
network uses. Tensors are time-major, which the model prefers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import cast

import torch
from torch import Tensor

from lava_sparse_rnn.audio.frontend import FrontEnd


def window(front: FrontEnd, dtype: torch.dtype = torch.float32) -> Tensor:
    """Square root of the periodic Hann window, shape (n_fft,)."""
    hann = torch.hann_window(front.n_fft, periodic=True, dtype=torch.float64)
    return hann.sqrt().to(dtype)


def analyse(front: FrontEnd, wave: Tensor) -> Tensor:
    """Short-time spectrum.

    Frame t holds the samples ``[(t + 1) * hop - n_fft, (t + 1) * hop)`` of the signal
    with zeros before it: causal.

    Parameters
    ----------
    front : FrontEnd
    wave : Tensor, shape (batch, samples)
        A multiple of the hop; a shorter tail is ignored.

    Returns
    -------
    Tensor, complex, shape (T, batch, bins), ``T = samples // hop``
    """
    padded = torch.nn.functional.pad(wave, (front.n_fft - front.hop_length, 0))
    frames = padded.unfold(-1, front.n_fft, front.hop_length).transpose(0, 1)
    return torch.fft.rfft(frames * window(front, wave.dtype))


def features(front: FrontEnd, magnitude: Tensor) -> Tensor:
    """Network input from magnitudes of any shape."""
    logs = torch.log1p(front.magnitude_scale * magnitude)
    return (logs - front.feature_mean) * front.feature_scale


def synthesise(front: FrontEnd, spectrum: Tensor) -> Tensor:
    """Overlap-add of the synthesis.

    Parameters
    ----------
    front : FrontEnd
    spectrum : Tensor, complex, shape (T, batch, bins)

    Returns
    -------
    Tensor, shape (batch, (T - R + 1) * hop), ``R = n_fft // hop``
        Samples from the first one on. The last ``n_fft - hop`` samples are left
        out: frames that do not exist yet would add to them.
    """
    overlap = front.n_fft // front.hop_length
    frames = torch.fft.irfft(spectrum, n=front.n_fft)
    # The squared window, shifted by all hops and added, is R / 2 everywhere.
    frames = frames * (window(front, frames.dtype) * (2 / overlap))
    parts = frames.unflatten(-1, (overlap, front.hop_length))
    count = spectrum.shape[0] - overlap + 1
    # Hop k is the last part of frame k, the last but one of frame k + 1, and so on.
    starts = [overlap - 1 - q for q in range(overlap)]
    shifted = [parts[s : s + count, :, q] for q, s in enumerate(starts)]
    total = torch.stack(shifted).sum(0)
    return total.transpose(0, 1).flatten(1)


def gain(output: Tensor) -> Tensor:
    """Gain on the magnitude from the network's answer: ``relu(1 + output)``."""
    return (1 + output).relu()


def analyse_features(front: FrontEnd, wave: Tensor) -> tuple[Tensor, Tensor]:
    """Spectrum and network input, one sequence after the other.

    Frames of one sequence fit into a processor's cache, those of a batch do not.

    Parameters
    ----------
    front : FrontEnd
    wave : Tensor, shape (batch, samples)

    Returns
    -------
    spectrum : Tensor, complex, shape (batch, T, bins)
    x : Tensor, shape (T, batch, bins)
    """
    rows = [analyse(front, row.unsqueeze(0)).squeeze(1) for row in wave]
    spectrum = torch.stack(rows)
    x = wave.new_empty(spectrum.shape[1], len(rows), spectrum.shape[2])
    for b, row in enumerate(rows):
        x[:, b] = features(front, row.abs())
    return spectrum, x


class _Resynthesis(torch.autograd.Function):
    """``synthesise(spectrum * gain(output))``, without an autograd graph.

    The map from gains to samples is linear, so its gradient is its transpose: windowed
    frames of the gradient, transformed, times the conjugate spectrum. The graph of
    the same steps keeps several copies of all frames and costs twice the time.
    """

    @staticmethod
    def forward(ctx, output, spectrum, front):
        ctx.save_for_backward(output, spectrum)
        ctx.front = front
        waves = []
        for b, row in enumerate(spectrum):
            cleaned = (row * gain(output[:, b])).unsqueeze(1)
            waves.append(synthesise(front, cleaned))
        return torch.cat(waves)

    @staticmethod
    def backward(ctx, grad):
        output, spectrum = ctx.saved_tensors
        front = ctx.front
        overlap = front.n_fft // front.hop_length
        # An inverse transform counts each inner bin twice, itself and its mirror image.
        scale = grad.new_full((front.bins,), 2.0)
        scale[0] = scale[-1] = 1.0
        scale *= 2 / (overlap * front.n_fft)
        margin = front.n_fft - front.hop_length
        result = torch.empty_like(output)
        for b, row in enumerate(spectrum):
            # Samples after the last one are not in the result: their gradient is zero.
            frames = analyse(
                front, torch.nn.functional.pad(grad[b : b + 1], (0, margin))
            )
            product = torch.view_as_real(frames.squeeze(1)) * torch.view_as_real(row)
            torch.mul(product.sum(-1) * scale, output[:, b] > -1, out=result[:, b])
        return result, None, None


def resynthesise(front: FrontEnd, spectrum: Tensor, output: Tensor) -> Tensor:
    """Waveform of a spectrum with the network's gains applied.

    Parameters
    ----------
    front : FrontEnd
    spectrum : Tensor, complex, shape (batch, T, bins)
        Not differentiated.
    output : Tensor, shape (T, batch, bins)
        The network's answer, see `gain`.

    Returns
    -------
    Tensor, shape (batch, (T - R + 1) * hop)
        See `synthesise`.
    """
    return cast(Tensor, _Resynthesis.apply(output, spectrum, front))


def measure(front: FrontEnd, waves: Iterable[Tensor]) -> FrontEnd:
    """The same front end with mean and scale measured on noisy training material.

    Parameters
    ----------
    front : FrontEnd
    waves : iterable of Tensor, each of shape (batch, samples)

    Returns
    -------
    FrontEnd
    """
    scale = front.magnitude_scale
    logs = torch.cat(
        [torch.log1p(scale * analyse(front, w).abs()).flatten() for w in waves]
    )
    # A power of two keeps the factor exact in every number format.
    return replace(
        front,
        feature_mean=float(logs.mean()),
        feature_scale=float(2 ** torch.round(-torch.log2(logs.std()))),
    )
