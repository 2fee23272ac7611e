# SPDX-License-Identifier: BSD-3-Clause
"""From a network's answers to sound, in torch, differentiable.

Constants and conventions are those of ``audio.FrontEnd``, as in ``frontend``.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from lava_sparse_rnn.audio.frontend import FrontEnd
from lava_sparse_rnn.nn import loops
from lava_sparse_rnn.tasks.denoise.frontend import (
    analyse,
    band_weights,
    banding,
    frames_of,
    has_loops,
    kept,
    passes,
    window,
)


def expand(front: FrontEnd, output: Tensor) -> Tensor:
    """Answers (..., bins) of those for bands (..., d_out), interpolated."""
    if front.bands is None:
        return output
    low, high = output.tensor_split([front.linear_bins], -1)
    return torch.cat([low, high @ band_weights(front.bands, high.dtype)], -1)


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
        scale = _transposed(front.n_fft, front.hop_length, grad.dtype)
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


@kept
def _transposed(n_fft: int, hop: int, dtype: torch.dtype) -> Tensor:
    """Scale of each bin that makes analysis the transpose of synthesis.

    An inverse transform counts each inner bin twice, itself and its mirror image.
    """
    scale = torch.full((n_fft // 2 + 1,), 2.0, dtype=dtype)
    scale[0] = scale[-1] = 1.0
    return scale * (2 / (n_fft // hop * n_fft))


class _CompiledResynthesis(torch.autograd.Function):
    """The same of answers for bands, in compiled passes around the transforms."""

    @staticmethod
    def forward(ctx, output, spectrum, front):
        output = output.contiguous()
        ctx.save_for_backward(output, spectrum)
        ctx.front = front
        compiled, threads = loops.spectra(), torch.get_num_threads()
        size, overlap = (front.n_fft, front.hop_length), front.n_fft // front.hop_length
        place = threads, *passes(front, *output.shape[:2])
        samples = (len(output) - overlap + 1) * front.hop_length
        wave = output.new_empty(len(spectrum), samples)
        scaled = window(front, wave.dtype) * (2 / overlap)
        cleaned = torch.empty_like(spectrum[0])
        bands, after = banding(front.bands), torch.view_as_real(cleaned)
        for b, row in enumerate(spectrum):
            given = loops.memory(*bands, torch.view_as_real(row), output, after)
            compiled.gained(*place, b, given)
            frames = torch.fft.irfft(cleaned, n=front.n_fft)
            compiled.overlapped(threads, *size, loops.memory(frames, scaled, wave[b]))
        return wave

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad):
        output, spectrum = ctx.saved_tensors
        front = ctx.front
        place = torch.get_num_threads(), *passes(front, *output.shape[:2])
        scale = _transposed(front.n_fft, front.hop_length, grad.dtype)
        bands, result = banding(front.bands), torch.empty_like(output)
        for b, row in enumerate(spectrum):
            # Samples after the last one are not in the result: their gradient is zero.
            frames = torch.fft.rfft(frames_of(front, grad[b], len(output)))
            both = torch.view_as_real(frames), torch.view_as_real(row)
            given = loops.memory(*bands, scale, *both, output, result)
            loops.spectra().gained_back(*place, b, given)
        return result, None, None


def resynthesise(front: FrontEnd, spectrum: Tensor, output: Tensor) -> Tensor:
    """Waveform of a spectrum with the network's gains applied.

    Parameters
    ----------
    front : FrontEnd
    spectrum : Tensor, complex, shape (batch, T, bins)
        Not differentiated.
    output : Tensor, shape (T, batch, d_out)
        The network's answer, see `gain`.

    Returns
    -------
    Tensor, shape (batch, (T - lookahead - R + 1) * hop)
        See `synthesise`.
    """
    ahead = front.lookahead
    output, answered = output[ahead:], spectrum[:, : spectrum.shape[1] - ahead]
    if has_loops(output):
        return cast(Tensor, _CompiledResynthesis.apply(output, answered, front))
    return cast(Tensor, _Resynthesis.apply(expand(front, output), answered, front))


def answered_frames(
    front: FrontEnd, spectrum: Tensor, output: Tensor
) -> tuple[Tensor, Tensor]:
    """Frames that the network has answered to, and the answers to them.

    Parameters
    ----------
    front : FrontEnd
    spectrum : Tensor, shape (batch, T, bins)
    output : Tensor, shape (T, batch, d_out)

    Returns
    -------
    tuple of Tensor
        The first ``T - lookahead`` frames and the last so many answers, of bins.
    """
    ahead = front.lookahead
    answers = expand(front, output[ahead:])
    return spectrum[:, : spectrum.shape[1] - ahead], answers
