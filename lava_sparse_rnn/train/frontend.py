# SPDX-License-Identifier: BSD-3-Clause
"""Spectral front and back end of the denoising task, differentiable.

The convention equals that of ``audio.stft``: frame t holds the samples
``[(t + 1) * hop - n_fft, (t + 1) * hop)`` of the signal with zeros before it
(causal), windows are the square root of the periodic Hann window on both sides, and
spectra are unnormalised. Tensors are time-major, which the model prefers.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class FrontEnd:
    """Constants between waveform and network; they travel with the exported file.

    ``feature = feature_scale * (log(1 + magnitude_scale * |X|) - feature_mean)``

    Parameters
    ----------
    sample_rate : int
        Hz.
    n_fft, hop_length : int
        Samples; the window is as long as the transform.
    magnitude_scale : float
        Factor on the magnitude inside the logarithm.
    feature_mean : float
        Mean over the training set of the logarithm, over all bins.
    feature_scale : float
        Factor that brings features to unit deviation.
    """

    sample_rate: int = 16000
    n_fft: int = 512
    hop_length: int = 128
    magnitude_scale: float = 100.0
    feature_mean: float = 0.0
    feature_scale: float = 1.0

    def __post_init__(self) -> None:
        if self.n_fft != 4 * self.hop_length:
            raise ValueError(
                f"n_fft is {self.n_fft} and hop_length {self.hop_length}; the overlap-"
                "add needs n_fft = 4 * hop_length"
            )

    @property
    def bins(self) -> int:
        """Number of frequency bins."""
        return self.n_fft // 2 + 1

    def metadata(self) -> dict[str, float | int | str]:
        """Everything a user of the network needs to build its input and output."""
        return {
            "task": "denoise",
            "feature": "log1p",
            "window": "sqrt_hann_periodic",
            "mask": "1 + output",
            **asdict(self),
        }

    def window(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """Analysis and synthesis window, shape (n_fft,)."""
        window = torch.hann_window(self.n_fft, periodic=True, dtype=torch.float64)
        return window.sqrt().to(dtype)

    def analyse(self, wave: Tensor) -> Tensor:
        """Short-time spectrum.

        Parameters
        ----------
        wave : Tensor, shape (batch, samples)
            A multiple of the hop; a shorter tail is ignored.

        Returns
        -------
        Tensor, complex, shape (T, batch, bins), ``T = samples // hop``
        """
        padded = torch.nn.functional.pad(wave, (self.n_fft - self.hop_length, 0))
        frames = padded.unfold(-1, self.n_fft, self.hop_length).transpose(0, 1)
        return torch.fft.rfft(frames * self.window(wave.dtype))

    def features(self, magnitude: Tensor) -> Tensor:
        """Network input from magnitudes of any shape."""
        logs = torch.log1p(self.magnitude_scale * magnitude)
        return (logs - self.feature_mean) * self.feature_scale

    def synthesise(self, spectrum: Tensor) -> Tensor:
        """Overlap-add of the synthesis.

        Parameters
        ----------
        spectrum : Tensor, complex, shape (T, batch, bins)

        Returns
        -------
        Tensor, shape (batch, (T - 3) * hop)
            Samples from the first one on. The last ``n_fft - hop`` samples are
            left out: frames that do not exist yet would add to them.
        """
        frames = torch.fft.irfft(spectrum, n=self.n_fft)
        frames = frames * (self.window(frames.dtype) / 2)
        quarters = frames.unflatten(-1, (4, self.hop_length))
        count = spectrum.shape[0] - 3
        # Sample block k is quarter 3 of frame k, 2 of k + 1, 1 of k + 2, 0 of k + 3.
        total = sum(quarters[3 - q : 3 - q + count, :, q] for q in range(4))
        return total.transpose(0, 1).flatten(1)


def gain(output: Tensor) -> Tensor:
    """Gain on the magnitude from the network's answer: ``relu(1 + output)``."""
    return (1 + output).relu()


def calibrate(front: FrontEnd, waves: list[Tensor]) -> FrontEnd:
    """The same front end with mean and scale measured on noisy training material.

    Parameters
    ----------
    front : FrontEnd
    waves : list of Tensor, each of shape (batch, samples)

    Returns
    -------
    FrontEnd
    """
    logs = torch.cat(
        [
            torch.log1p(front.magnitude_scale * front.analyse(w).abs()).flatten()
            for w in waves
        ]
    )
    fields = asdict(front)
    fields["feature_mean"] = float(logs.mean())
    # A power of two keeps the constant exact in every number format.
    fields["feature_scale"] = float(2 ** torch.round(-torch.log2(logs.std())))
    return FrontEnd(**fields)
