# SPDX-License-Identifier: BSD-3-Clause
"""What lies between a waveform and the network: features in, gains out.

The constants travel inside the network file (its ``meta``), so that every user of a
network builds the input that the network was trained on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.frontend_rules import DEFAULTS, RULES, words
from lava_sparse_rnn.audio.sound.bands import Bands, erb_bands
from lava_sparse_rnn.audio.sound.contrast import KINDS, Contrast
from lava_sparse_rnn.audio.sound.level import REFERENCE, Level
from lava_sparse_rnn.audio.sound.silence import Beginning, loudness
from lava_sparse_rnn.audio.sound.stft import Stft
from lava_sparse_rnn.fixed_point import shown
from lava_sparse_rnn.spec import Network, tables

DECIBEL = log(10) / 20
"""Of magnitudes, in natural logarithms."""


def share_kept(strength: float | None) -> float:
    """Share of the noisy sound that stays where it is attenuated by so many dB at most;
    0 where there is no limit, None or infinity.
    """
    return 0.0 if strength is None else 10.0 ** (-float(strength) / 20)


def _check(numbers: Mapping[str, Any], place: str) -> None:
    for name, value in numbers.items():
        holds, rule = RULES[name]
        if not holds(value):
            raise AudioError(f"{place}{name} is {shown(value)}, must be {rule}")


@dataclass(frozen=True)
class Hearing:
    """What a front end remembers of a stream; None of what it does not follow.

    Parameters
    ----------
    level : Level, optional
    contrast : Contrast, optional
    """

    level: Level | None = None
    contrast: Contrast | None = None


@dataclass(frozen=True)
class FrontEnd:
    """Constants of the front and back end of a denoiser.

    ``feature = feature_scale * (log(1 + magnitude_scale * |X|) - feature_mean)``,
    with ``|X|`` brought to one level first where there is `level_s`; with `floor_rise`
    a token is all features, then how far each is above its floor, then by how much it
    changed since the token before.

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
    lookahead : int
        Tokens that the network hears after one before it answers to it: the answer
        to token t is the gain of frame ``t - lookahead``, a hop later for each.
    linear_bins, erb_bands : int
        The first bins are numbers of a token as they are; those above them are heard
        as so many bands, see `lava_sparse_rnn.audio.sound.bands`: |X| of a band is the
        root of its mean power, and answers are interpolated between bands. Without
        bands, 0 and 0, every bin is a number of a token.
    strength : float, optional
        The most by which anything is attenuated, dB, where the user of the network
        says nothing else; no limit if not given. In a file it is a whole number.
    level_s : float, optional
        Seconds in which the running level is forgotten that magnitudes are divided by
        (`lava_sparse_rnn.audio.sound.level`), so that the network hears recordings of
        any loudness alike; they are heard as they are if not given.
    floor_rise : float, optional
        dB (of large magnitudes) by which the tracked floor of a feature may rise in a
        second (`lava_sparse_rnn.audio.sound.contrast`). If not given there are neither
        floors nor changes: a token is features alone.
    """

    sample_rate: int = 16000
    n_fft: int = 512
    hop_length: int = 128
    magnitude_scale: float = 100.0
    feature_mean: float = 0.0
    feature_scale: float = 1.0
    lookahead: int = 0
    linear_bins: int = 0
    erb_bands: int = 0
    strength: float | None = None
    level_s: float | None = None
    floor_rise: float | None = None

    def __post_init__(self) -> None:
        numbers = asdict(self)
        del numbers["strength"]  # which need not be one for a file
        _check(numbers, "")
        self.stft()  # refuses a window and hop that do not reconstruct
        _ = self.bands  # refuses those that this spectrum cannot have

    @classmethod
    def from_metadata(cls, meta: Mapping[str, Any]) -> FrontEnd:
        """Constants out of a network's ``meta``.

        Raises
        ------
        AudioError
            When the network is not a denoiser, or says of its front end what this
            library does not know, or a constant is of a wrong type or out of range.
        """
        has = (meta.get(name) is not None for name in ("level_s", "floor_rise"))
        for name, value in words(*has).items():
            if meta.get(name) != value:
                raise AudioError(
                    f"network: {name} is {shown(meta.get(name))}, a denoiser has "
                    f"{value!r}"
                )
        meta = {**DEFAULTS, **meta}
        missing = [f.name for f in fields(cls) if f.name not in meta]
        if missing:
            raise AudioError(f"network: front end lacks {', '.join(missing)}")
        numbers = {f.name: meta[f.name] for f in fields(cls)}
        _check(numbers, "network: ")
        return cls(**numbers)

    @classmethod
    def of(cls, network: Network) -> FrontEnd:
        """The front end of a denoiser.

        Raises
        ------
        AudioError
            As `from_metadata`, and when the network does not have one output per
            frequency bin, or per linear bin and band, and one input; with floors three.
        """
        front = cls.from_metadata(network.meta)
        if (network.d_in, network.d_out) != (front.d_in, front.d_out):
            bands = f" in {front.d_out} numbers" if front.bands else ""
            floors = (
                ""
                if front.floor_rise is None
                else " with a floor each, 3 inputs a number"
            )
            raise AudioError(
                f"network: {network.d_in} inputs and {network.d_out} outputs, its "
                f"front end has {front.bins} bins{bands}{floors}"
            )
        return front

    def metadata(self) -> dict[str, float | int | str]:
        """Everything a user of the network needs to build its input and output."""
        told = words(self.level_s is not None, self.floor_rise is not None)
        numbers = {k: v for k, v in asdict(self).items() if DEFAULTS.get(k) != v}
        return {**told, **numbers}

    @property
    def bins(self) -> int:
        """Number of frequency bins."""
        return self.n_fft // 2 + 1

    @property
    def bands(self) -> Bands | None:
        """How the upper bins are put together; None where each stands for itself."""
        if not (self.linear_bins or self.erb_bands):
            return None
        nyquist = self.sample_rate / 2
        return erb_bands(self.bins, self.linear_bins, self.erb_bands, nyquist)

    @property
    def d_in(self) -> int:
        """Numbers of a token."""
        return self.d_out * (1 if self.floor_rise is None else 1 + KINDS)

    @property
    def d_out(self) -> int:
        """Numbers of an answer."""
        return self.linear_bins + self.erb_bands or self.bins

    @property
    def kept(self) -> float:
        """Share of the noisy sound that stays, by `strength`."""
        return share_kept(self.strength)

    @property
    def delay(self) -> int:
        """Samples by which sound comes out late: a window, a hop a token ahead."""
        return self.n_fft + self.lookahead * self.hop_length

    def __str__(self) -> str:
        """Rate, window, hop, bands and delay in a line, for people."""
        ms = 1000 / self.sample_rate
        numbers = f"{self.bins} bins"
        if self.bands is not None:
            numbers = (
                f"{self.linear_bins} linear bins + {self.erb_bands} ERB bands "
                f"(of {numbers})"
            )
        limit = "" if self.strength is None else f", {self.strength:g} dB at most"
        if self.level_s is not None:
            numbers += f" at the running level of {self.level_s:g} s"
        if self.floor_rise is not None:
            numbers += (
                f", their heights above floors that rise {self.floor_rise:g} dB/s, "
                "their changes"
            )
        return (
            f"{self.sample_rate} Hz, window {self.n_fft} samples "
            f"({self.n_fft * ms:g} ms), hop {self.hop_length} "
            f"({self.hop_length * ms:g} ms), {numbers}, lookahead {self.lookahead} "
            f"tokens, sound {self.delay} samples ({self.delay * ms:g} ms) late{limit}"
        )

    def stft(self) -> Stft:
        """The transform, in single precision."""
        return Stft(self.n_fft, self.hop_length)

    def level(self) -> Level | None:
        """A running level of a stream to come; None where magnitudes stay."""
        if self.level_s is None:
            return None
        frames = self.level_s * self.sample_rate / self.hop_length
        return Level(frames)

    def contrast(self) -> Contrast | None:
        """Contrasts of a stream's features to come; None where there are none."""
        if self.floor_rise is None:
            return None
        token_s = self.hop_length / self.sample_rate
        rise = self.floor_rise * DECIBEL * self.feature_scale
        return Contrast.of(token_s, rise, Beginning(self.n_fft // self.hop_length))

    def hearing(self) -> Hearing:
        """What is followed of a stream to come."""
        return Hearing(self.level(), self.contrast())

    def features(
        self, spectrum: NDArray[np.complexfloating], hearing: Hearing | None = None
    ) -> NDArray[np.float64]:
        """The network's real-valued input of a spectrum.

        Parameters
        ----------
        spectrum : array of complex, shape (T, bins)
        hearing : Hearing, optional
            Of the stream so far, which goes on; if not given the spectrum is that of a
            whole recording.

        Returns
        -------
        array of float64, shape (T, d_in)
        """
        hearing = self.hearing() if hearing is None else hearing
        magnitude = np.abs(spectrum).astype(np.float64)
        heard = loudness(np.square(magnitude).mean(1), self.n_fft)
        if hearing.level is not None:
            magnitude *= hearing.level.factors(heard)[:, None]
        if self.bands is not None:
            magnitude = self.bands.reduce(magnitude)
        logs = np.log1p(self.magnitude_scale * magnitude)
        features = (logs - self.feature_mean) * self.feature_scale
        if hearing.contrast is None:
            return features
        beside = hearing.contrast.next(features, heard)
        return np.concatenate([features, *beside], axis=1)

    def apply(
        self,
        spectrum: NDArray[np.complexfloating],
        answer: NDArray[np.floating],
        kept: float | None = None,
    ) -> NDArray[np.complexfloating]:
        """The cleaned spectrum: magnitude times a gain, phase kept.

        Parameters
        ----------
        spectrum : array of complex, shape (T, bins)
        answer : array of float, shape (T, d_out)
            Of the network; the gain is ``max(1 + answer, 0)``.
        kept : float, optional
            Share of the noisy sound that stays, which nothing is attenuated below:
            the gain is ``kept + (1 - kept) * max(1 + answer, 0)``. That of `strength`
            if not given.
        """
        return (spectrum * self.gains(answer, kept)).astype(spectrum.dtype)

    def gains(
        self, answer: NDArray[np.floating], kept: float | None = None
    ) -> NDArray[np.floating]:
        """What `apply` multiplies by, shape (T, bins)."""
        if self.bands is not None:
            answer = self.bands.expand(answer)
        gain = np.maximum(1.0 + answer, 0.0)
        kept = self.kept if kept is None else kept
        return kept + (1.0 - kept) * gain if kept else gain


def about(network: Network) -> dict[str, str]:
    """What a file says of its network's task, in words, by their names.

    A denoiser's front end is a line of its own; where it is not to be understood, and
    of other tasks, everything is shown as it stands in ``meta``.
    """
    try:
        front = FrontEnd.from_metadata(network.meta)
    except AudioError:
        return tables.metadata(network)
    own = front.metadata().keys() - {"task"}
    rest = {k: v for k, v in tables.metadata(network).items() if k not in own}
    scale, size = front.magnitude_scale, "|X|"
    if front.level_s is not None:
        scale, size = scale * REFERENCE, "|X| / level"
    feature = (
        f"{front.feature_scale:g} * (log(1 + {scale:g} {size}) - "
        f"{front.feature_mean:g})"
    )
    return {**rest, "front end": str(front), "feature": feature}
