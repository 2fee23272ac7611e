# SPDX-License-Identifier: BSD-3-Clause
"""Other rates than the network's 16 kHz, there and back, while sound comes.

Sound of 8 kHz is brought to 16 kHz and back. Of 48 kHz the network hears what lies
below 8 kHz. What lies above is kept, times a gain that follows the network's: the mean
gain of the bins of `TOP`, overlapped and added as the frames are. Where all gains are 1
sound comes back as it was, only later.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.sound.rate import SAMPLE_RATE
from lava_sparse_rnn.audio.sound.resampling import Delay, Down, LowPass, Samples, Up
from lava_sparse_rnn.audio.sound.stft import Stft
from lava_sparse_rnn.fixed_point import Brief

TOP = (5000.0, 7000.0)
"""Hz: the bins whose mean gain the band above 8 kHz gets."""
NARROW = LowPass(2, 48, 3700 / 16000, 7.0)  # late by 3 ms, twice
WIDE = LowPass(3, 96, 7300 / 48000, 7.5)  # late by 2 ms, twice


class Converter(Protocol):
    """From a rate to the network's, and back.

    Attributes
    ----------
    delay : int
        Samples of that rate from in to out, the denoiser's own delay included.
    """

    delay: int

    def down(self, x: Samples) -> Samples:
        """What the network's rate has of the next samples."""
        ...

    def gains(self, gains: NDArray[np.floating]) -> None:
        """The gains of the next frames, (frames, bins), when they are known."""
        ...

    def back(self, clean: Samples) -> Samples:
        """The rate's samples, as many as went into `down`, from what came of it."""
        ...

    def reset(self) -> None:
        """Forget all samples."""
        ...


class Same(Brief):
    """16 kHz: nothing to convert."""

    def __init__(self, stft: Stft, delay: int) -> None:
        self.delay = delay

    def _about(self) -> str:
        return f"delay {self.delay}"

    def down(self, x: Samples) -> Samples:
        return x

    def gains(self, gains: NDArray[np.floating]) -> None:
        pass

    def back(self, clean: Samples) -> Samples:
        return clean

    def reset(self) -> None:
        pass


class Narrow(Same):
    """8 kHz."""

    def __init__(self, stft: Stft, delay: int) -> None:
        odd = delay % NARROW.factor  # half a sample of 8 kHz would remain
        super().__init__(stft, (delay + odd) // NARROW.factor + NARROW.reach)
        self._up, self._down, self._odd = Up(NARROW), Down(NARROW), Delay(odd)

    def down(self, x: Samples) -> Samples:
        return self._up.process(x)

    def back(self, clean: Samples) -> Samples:
        return self._down.process(self._odd.process(clean))

    def reset(self) -> None:
        for part in (self._up, self._down, self._odd):
            part.reset()


class Wide(Same):
    """48 kHz; ``out = up(clean) + gain * (whole - up(heard))``, all equally late."""

    def __init__(self, stft: Stft, delay: int) -> None:
        super().__init__(stft, WIDE.factor * delay + 2 * WIDE.reach)
        self._down, self._up = Down(WIDE), Up(WIDE)
        self._heard, self._up_heard = Delay(delay), Up(WIDE)
        self._whole = Delay(self.delay)
        self._gain = Envelope(stft, WIDE.reach // WIDE.factor)
        self.reset()

    def reset(self) -> None:
        for part in (self._down, self._up, self._heard, self._up_heard):
            part.reset()
        self._whole.reset()
        self._gain.reset()
        self._low = self._late = np.zeros(0, np.float32)
        # Made of the last sample of the network's rate, and not yet asked for.
        self._rest = np.zeros((2, 0), np.float32)

    def down(self, x: Samples) -> Samples:
        self._late = self._whole.process(x)
        self._low = self._down.process(x)
        return self._low

    def gains(self, gains: NDArray[np.floating]) -> None:
        self._gain.add(gains[:, top_bins(gains.shape[1])].mean(axis=1))

    def back(self, clean: Samples) -> Samples:
        gain = np.repeat(self._gain.take(len(clean)), WIDE.factor)
        heard = self._up_heard.process(self._heard.process(self._low))
        new = np.stack([self._up.process(clean) - gain * heard, gain])
        made = np.concatenate([self._rest, new], axis=1)
        count = len(self._late)
        self._rest = made[:, count:]
        sound = made[0, :count] + made[1, :count] * self._late
        return sound.astype(np.float32, copy=False)


def top_bins(bins: int) -> NDArray[np.bool_]:
    """Which of the bins from 0 to 8 kHz give the upper band its gain, (bins,)."""
    hertz = np.linspace(0, SAMPLE_RATE / 2, bins)
    top = (hertz >= TOP[0]) & (hertz <= TOP[1])
    return top if top.any() else hertz >= TOP[0]  # of a short window


class Envelope(Brief):
    """A gain for each sample out of one for each frame, as late as the frames' sound.

    Parameters
    ----------
    stft : Stft
    late : int
        Samples more.
    """

    def __init__(self, stft: Stft, late: int) -> None:
        self._hop, self._late = stft.hop_length, late
        # The squared window, which analysis and synthesis are together.
        self._window = (stft.window.astype(np.float64) ** 2 * 2 / stft.ratio).astype(
            np.float32
        )
        self.reset()

    def _about(self) -> str:
        return f"hop {self._hop}, {self._late} samples late"

    def reset(self) -> None:
        """Forget all frames."""
        self._sum = np.zeros(len(self._window), np.float32)
        self._ready = np.zeros(self._hop + self._late, np.float32)

    def add(self, gains: NDArray[np.floating]) -> None:
        """Take the gains of frames, (frames,)."""
        pieces = [self._ready]
        for gain in gains:
            self._sum += self._window * np.float32(gain)
            pieces.append(self._sum[: self._hop].copy())
            self._sum[: -self._hop] = self._sum[self._hop :]
            self._sum[-self._hop :] = 0.0
        self._ready = np.concatenate(pieces)

    def take(self, n: int) -> Samples:
        """The next ``n`` samples' gains, float32."""
        taken, self._ready = self._ready[:n], self._ready[n:]
        return taken


CONVERTERS: dict[int, Callable[[Stft, int], Converter]] = {
    SAMPLE_RATE // NARROW.factor: Narrow,
    SAMPLE_RATE: Same,
    SAMPLE_RATE * WIDE.factor: Wide,
}


def converter(sample_rate: int, stft: Stft, delay: int) -> Converter:
    """The converter of a rate.

    Parameters
    ----------
    sample_rate : int
        Hz.
    stft : Stft
    delay : int
        Of the denoiser at 16 kHz, samples.

    Raises
    ------
    AudioError
        When there is none.
    """
    return CONVERTERS[check_rate(sample_rate)](stft, delay)


def check_rate(sample_rate: Any, name: str = "sample_rate") -> int:
    """The rate, or an `AudioError` that lists those that have a converter.

    Parameters
    ----------
    sample_rate : int
        Hz.
    name : str
        What the message calls it.
    """
    known = isinstance(sample_rate, int) and sample_rate in CONVERTERS
    if not known or isinstance(sample_rate, bool):
        rates = ", ".join(str(rate) for rate in CONVERTERS)
        raise AudioError(f"{name} is {sample_rate!r} Hz, must be one of: {rates}")
    return sample_rate
