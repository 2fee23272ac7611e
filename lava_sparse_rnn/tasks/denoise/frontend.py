# SPDX-License-Identifier: BSD-3-Clause
"""The front and back end of the denoising task in torch, differentiable.

Constants and conventions are those of ``audio.FrontEnd``, which what runs the
network uses. Tensors are time-major, which the model prefers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any, TypeVar, cast

import numpy as np
import torch
from torch import Tensor

from lava_sparse_rnn.audio.frontend import FrontEnd
from lava_sparse_rnn.audio.sound.bands import Bands
from lava_sparse_rnn.nn import loops

_Maker = TypeVar("_Maker", bound=Callable[..., Any])


def _kept(make: _Maker) -> _Maker:
    """Remember what is made; of use with gradients too, whoever asks for it first."""
    return cast(_Maker, lru_cache(maxsize=8)(torch.inference_mode(False)(make)))


def front_of(state: dict[str, Any], place: str = "start:") -> FrontEnd:
    """The front end that the state of a checkpoint keeps.

    Raises
    ------
    ValueError
        If it is of another task; it begins with `place`, where the state is from.
    """
    if "front_end" not in state:
        raise ValueError(f"{place} is of another task, it has no front end")
    return FrontEnd(**state["front_end"])


def window(front: FrontEnd, dtype: torch.dtype = torch.float32) -> Tensor:
    """Square root of the periodic Hann window, shape (n_fft,); not to be changed."""
    return _window(front.n_fft, dtype)


@_kept
def _window(size: int, dtype: torch.dtype) -> Tensor:
    hann = torch.hann_window(size, periodic=True, dtype=torch.float64)
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
    """Network input (T, ..., d_in) of a whole sound, from magnitudes (T, ..., bins)."""
    logs = _logarithms(front, magnitude)
    return _contrasted(front, (logs - front.feature_mean) * front.feature_scale)


def _contrasted(front: FrontEnd, x: Tensor) -> Tensor:
    """Features of whole sounds (T, ..., d_out), and their contrasts, if heard."""
    contrast = front.contrast()
    if contrast is None:
        return x
    if x.ndim == 3 and _has_loops(x):
        tokens = x.new_empty(*x.shape[:2], front.d_in)
        given = loops.memory(x.contiguous(), tokens)
        numbers = contrast.part, contrast.rise
        loops.spectra().contrasts(torch.get_num_threads(), *x.shape, *numbers, given)
        return tokens
    beside = contrast.next(x.numpy(force=True))
    return torch.cat([x, *(torch.from_numpy(part).to(x) for part in beside)], -1)


def _levelled(front: FrontEnd, spectrum: Tensor) -> Tensor:
    """Whole sounds at the level at which they are heard (`audio.sound.level`): spectra
    or magnitudes, time first, (T, ..., bins).
    """
    level = front.level()
    if level is None:
        return spectrum
    parts = spectrum
    if spectrum.is_complex():  # whose norm takes ten times as long
        parts = torch.view_as_real(spectrum).flatten(-2)
    sizes = torch.linalg.vector_norm(parts, dim=-1)
    powers = sizes.double().square() / spectrum.shape[-1]
    factors = torch.from_numpy(level.factors_of(powers.numpy(force=True)))
    return spectrum * factors.to(sizes).unsqueeze(-1)


def _logarithms(front: FrontEnd, magnitude: Tensor) -> Tensor:
    magnitude = _levelled(front, magnitude)
    if front.bands is not None:
        low, high = magnitude.tensor_split([front.linear_bins], -1)
        power = high.square() @ band_means(front.bands, high.dtype)
        magnitude = torch.cat([low, power.sqrt()], -1)
    return torch.log1p(front.magnitude_scale * magnitude)


@_kept
def band_means(bands: Bands, dtype: torch.dtype) -> Tensor:
    """Weights (bins, bands) of the power of bins above the linear ones, in bands."""
    return torch.from_numpy(bands.means.T).to(dtype)


@_kept
def band_weights(bands: Bands, dtype: torch.dtype) -> Tensor:
    """Weights (bands, bins) of answers for bands, in bins above the linear ones."""
    return torch.from_numpy(bands.weights).to(dtype)


@_kept
def _banding(bands: Bands | None) -> tuple[Tensor, Tensor, Tensor]:
    """For the compiled passes: the lower band of each bin above the linear ones, and
    its two weights (2, bins) in the answers and in the means.
    """
    if bands is None:
        return torch.empty(0, dtype=torch.int64), torch.empty(2, 0), torch.empty(2, 0)
    lower, each = bands.lower, np.arange(len(bands.lower))

    def pairs(of: np.ndarray) -> Tensor:
        return torch.from_numpy(
            np.stack([of[lower, each], of[lower + 1, each]])
        ).float()

    return torch.from_numpy(lower), pairs(bands.weights), pairs(bands.means)


def _shape(front: FrontEnd, steps: int, batch: int) -> tuple[int, int, int, int]:
    """For the compiled passes: tokens, sequences, bins that stay, bands."""
    bands = front.bands
    kept, shared = (front.bins, 0) if bands is None else (bands.linear, bands.count)
    return steps, batch, kept, shared


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
    x : Tensor, shape (T, batch, d_in)
    """
    steps = wave.shape[1] // front.hop_length
    spectrum = torch.empty(len(wave), steps, front.bins, dtype=wave.dtype.to_complex())
    if not _has_loops(wave):
        x = wave.new_empty(steps, len(wave), front.d_in)
        for b, row in enumerate(wave):
            spectrum[b] = analyse(front, row.unsqueeze(0)).squeeze(1)
            x[:, b] = features(front, spectrum[b].abs())
        return spectrum, x
    x = wave.new_empty(steps, len(wave), front.d_out)
    compiled, threads = loops.spectra(), torch.get_num_threads()
    place = threads, *_shape(front, *x.shape[:2])
    constants = front.magnitude_scale, front.feature_mean, front.feature_scale
    for row, found in zip(wave, spectrum, strict=True):
        torch.fft.rfft(_frames(front, row, steps), out=found)
    heard = _levelled(front, spectrum.transpose(0, 1)).transpose(0, 1)
    for b, row in enumerate(heard):
        given = loops.memory(*_banding(front.bands), torch.view_as_real(row), x)
        compiled.features(*place, b, *constants, given)
    return spectrum, _contrasted(front, x)


def _has_loops(x: Tensor) -> bool:
    """Whether the passes around the transforms have a compiled form."""
    return x.dtype == torch.float32 and x.device.type == "cpu" and loops.built()


def _frames(front: FrontEnd, row: Tensor, count: int) -> Tensor:
    """The first windowed frames (count, n_fft) of one sequence, as in `analyse`; zeros
    follow its last sample.
    """
    frames = row.new_empty(count, front.n_fft)
    if count:
        given = loops.memory(row.contiguous(), window(front, row.dtype), frames)
        size = front.n_fft, front.hop_length
        loops.spectra().frames(torch.get_num_threads(), *size, given)
    return frames


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


@_kept
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
        place = threads, *_shape(front, *output.shape[:2])
        samples = (len(output) - overlap + 1) * front.hop_length
        wave = output.new_empty(len(spectrum), samples)
        scaled = window(front, wave.dtype) * (2 / overlap)
        cleaned = torch.empty_like(spectrum[0])
        bands, after = _banding(front.bands), torch.view_as_real(cleaned)
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
        place = torch.get_num_threads(), *_shape(front, *output.shape[:2])
        scale = _transposed(front.n_fft, front.hop_length, grad.dtype)
        bands, result = _banding(front.bands), torch.empty_like(output)
        for b, row in enumerate(spectrum):
            # Samples after the last one are not in the result: their gradient is zero.
            frames = torch.fft.rfft(_frames(front, grad[b], len(output)))
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
    if _has_loops(output):
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
    logs = torch.cat(
        [_logarithms(front, analyse(front, w).abs()).flatten() for w in waves]
    )
    # A power of two keeps the factor exact in every number format.
    return replace(
        front,
        feature_mean=float(logs.mean()),
        feature_scale=float(2 ** torch.round(-torch.log2(logs.std()))),
    )
