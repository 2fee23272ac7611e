# SPDX-License-Identifier: BSD-3-Clause
"""What a denoiser hears in training, in torch.

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
from numpy.typing import NDArray
from torch import Tensor

from lava_sparse_rnn.audio.frontend import FrontEnd
from lava_sparse_rnn.audio.sound.bands import Bands
from lava_sparse_rnn.audio.sound.silence import loudness
from lava_sparse_rnn.nn import loops

_Maker = TypeVar("_Maker", bound=Callable[..., Any])


def kept(make: _Maker) -> _Maker:
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


@kept
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
    heard = _heard(front, magnitude)
    logs = _logarithms(front, magnitude, heard)
    x = (logs - front.feature_mean) * front.feature_scale
    return _contrasted(front, x, heard)


def _heard(front: FrontEnd, spectrum: Tensor) -> NDArray[np.float64]:
    """Loudness (T, ...) of spectra or magnitudes, time first, (T, ..., bins), for front
    ends that follow anything.
    """
    if front.level_s is None and front.floor_rise is None:
        return np.empty(0)
    parts = spectrum
    if spectrum.is_complex():  # whose norm takes ten times as long
        parts = torch.view_as_real(spectrum).flatten(-2)
    sizes = torch.linalg.vector_norm(parts, dim=-1)
    powers = sizes.double().square() / spectrum.shape[-1]
    return loudness(powers.numpy(force=True), front.n_fft)


def _contrasted(front: FrontEnd, x: Tensor, heard: NDArray[np.float64]) -> Tensor:
    """Features of whole sounds (T, ..., d_out), and their contrasts, if heard."""
    contrast = front.contrast()
    if contrast is None:
        return x
    if x.ndim == 3 and has_loops(x):
        tokens = x.new_empty(*x.shape[:2], front.d_in)
        begins = torch.from_numpy(contrast.beginning.next(heard).astype(np.int64))
        given = loops.memory(begins, x.contiguous(), tokens)
        numbers = contrast.part, contrast.rise
        loops.spectra().contrasts(torch.get_num_threads(), *x.shape, *numbers, given)
        return tokens
    beside = contrast.next(x.numpy(force=True), heard)
    return torch.cat([x, *(torch.from_numpy(part).to(x) for part in beside)], -1)


def _levelled(front: FrontEnd, spectrum: Tensor, heard: NDArray[np.float64]) -> Tensor:
    """Whole sounds at the level at which they are heard (`audio.sound.level`): spectra
    or magnitudes, time first, (T, ..., bins).
    """
    level = front.level()
    if level is None:
        return spectrum
    factors = torch.from_numpy(level.factors(heard))
    real = spectrum.real if spectrum.is_complex() else spectrum
    return spectrum * factors.to(real).unsqueeze(-1)


def _logarithms(
    front: FrontEnd, magnitude: Tensor, heard: NDArray[np.float64]
) -> Tensor:
    magnitude = _levelled(front, magnitude, heard)
    if front.bands is not None:
        low, high = magnitude.tensor_split([front.linear_bins], -1)
        power = high.square() @ band_means(front.bands, high.dtype)
        magnitude = torch.cat([low, power.sqrt()], -1)
    return torch.log1p(front.magnitude_scale * magnitude)


@kept
def band_means(bands: Bands, dtype: torch.dtype) -> Tensor:
    """Weights (bins, bands) of the power of bins above the linear ones, in bands."""
    return torch.from_numpy(bands.means.T).to(dtype)


@kept
def band_weights(bands: Bands, dtype: torch.dtype) -> Tensor:
    """Weights (bands, bins) of answers for bands, in bins above the linear ones."""
    return torch.from_numpy(bands.weights).to(dtype)


@kept
def banding(bands: Bands | None) -> tuple[Tensor, Tensor, Tensor]:
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


def passes(front: FrontEnd, steps: int, batch: int) -> tuple[int, int, int, int]:
    """For the compiled passes: tokens, sequences, bins that stay, bands."""
    bands = front.bands
    kept, shared = (front.bins, 0) if bands is None else (bands.linear, bands.count)
    return steps, batch, kept, shared


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
    if not has_loops(wave):
        x = wave.new_empty(steps, len(wave), front.d_in)
        for b, row in enumerate(wave):
            spectrum[b] = analyse(front, row.unsqueeze(0)).squeeze(1)
            x[:, b] = features(front, spectrum[b].abs())
        return spectrum, x
    x = wave.new_empty(steps, len(wave), front.d_out)
    compiled, threads = loops.spectra(), torch.get_num_threads()
    place = threads, *passes(front, *x.shape[:2])
    constants = front.magnitude_scale, front.feature_mean, front.feature_scale
    for row, found in zip(wave, spectrum, strict=True):
        torch.fft.rfft(frames_of(front, row, steps), out=found)
    heard = _heard(front, spectrum.transpose(0, 1))
    levelled = _levelled(front, spectrum.transpose(0, 1), heard).transpose(0, 1)
    for b, row in enumerate(levelled):
        given = loops.memory(*banding(front.bands), torch.view_as_real(row), x)
        compiled.features(*place, b, *constants, given)
    return spectrum, _contrasted(front, x, heard)


def has_loops(x: Tensor) -> bool:
    """Whether the passes around the transforms have a compiled form."""
    return x.dtype == torch.float32 and x.device.type == "cpu" and loops.built()


def frames_of(front: FrontEnd, row: Tensor, count: int) -> Tensor:
    """The first windowed frames (count, n_fft) of one sequence, as in `analyse`; zeros
    follow its last sample.
    """
    frames = row.new_empty(count, front.n_fft)
    if count:
        given = loops.memory(row.contiguous(), window(front, row.dtype), frames)
        size = front.n_fft, front.hop_length
        loops.spectra().frames(torch.get_num_threads(), *size, given)
    return frames


def measure(front: FrontEnd, waves: Iterable[Tensor]) -> FrontEnd:
    """The same front end with mean and scale measured on noisy training material.

    Parameters
    ----------
    front : FrontEnd
    waves : iterable of Tensor, each of shape (batch, samples)

    Returns
    -------
    FrontEnd

    Raises
    ------
    ValueError
        If it is all silent.
    """
    sizes = (analyse(front, wave).abs() for wave in waves)
    logs = torch.cat([_logarithms(front, x, _heard(front, x)).flatten() for x in sizes])
    if not logs.std() > 0:
        raise ValueError("data: the mixtures are silent, no feature of theirs varies")
    # A power of two keeps the factor exact in every number format.
    return replace(
        front,
        feature_mean=float(logs.mean()),
        feature_scale=float(2 ** torch.round(-torch.log2(logs.std()))),
    )
