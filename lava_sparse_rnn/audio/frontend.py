# SPDX-License-Identifier: BSD-3-Clause
"""What lies between a waveform and the network: features in, gains out.

The constants travel inside the network file (its ``meta``), so that every user of a
network builds the input that the network was trained on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from math import isfinite
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.sound.bands import Bands, erb_bands
from lava_sparse_rnn.audio.sound.level import REFERENCE, Level
from lava_sparse_rnn.audio.sound.rate import SAMPLE_RATE
from lava_sparse_rnn.audio.sound.stft import Stft
from lava_sparse_rnn.fixed_point import shown
from lava_sparse_rnn.spec import Network, tables

TASK = "denoise"
FEATURE = "log1p"
LEVELLED = "log1p of levelled"  # where magnitudes are divided by the running level
WINDOW = "sqrt_hann_periodic"
MASK = "1 + output"
LOOKAHEAD = 16
"""The most tokens that a network may hear before it answers."""
STRONGEST = 96
"""The largest attenuation that a network's file may say, dB: 16 bits hold no more."""
LONGEST_LEVEL = 60.0
"""The most seconds in which a running level may be forgotten."""


LEVEL_RULE = f"seconds above 0, {LONGEST_LEVEL:g} at most, or missing"


def _number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)


def _positive(value: Any) -> bool:
    return _number(value) and value > 0


def _count(value: Any) -> bool:
    return _positive(value) and isinstance(value, Integral)


def _is_whole(value: Any) -> bool:
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    return whole and int(value) >= 0


def _is_lookahead(value: Any) -> bool:
    return _is_whole(value) and int(value) <= LOOKAHEAD


def _is_strength(value: Any) -> bool:
    return value is None or (_is_whole(value) and int(value) <= STRONGEST)


def _is_level(value: Any) -> bool:
    return value is None or (_positive(value) and value <= LONGEST_LEVEL)


def share_kept(strength: float | None) -> float:
    """Share of the noisy sound that stays where it is attenuated by so many dB at most;
    0 where there is no limit, None or infinity.
    """
    return 0.0 if strength is None else 10.0 ** (-float(strength) / 20)


# What a network's ``meta`` must hold: a test of the value, and its rule in words.
RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "sample_rate": (
        lambda value: _count(value) and value == SAMPLE_RATE,
        f"{SAMPLE_RATE} Hz, the rate that this library hears and plays",
    ),
    "n_fft": (_count, "a whole number above 0"),
    "hop_length": (_count, "a whole number above 0"),
    "magnitude_scale": (_positive, "a finite number above 0"),
    "feature_mean": (_number, "a finite number"),
    "feature_scale": (_positive, "a finite number above 0"),
    "lookahead": (_is_lookahead, f"a whole number from 0 to {LOOKAHEAD}"),
    "linear_bins": (_is_whole, "a whole number from 0 on"),
    "erb_bands": (_is_whole, "a whole number from 0 on"),
    "level_s": (_is_level, LEVEL_RULE),
    "strength": (_is_strength, f"whole dB from 0 to {STRONGEST}, or missing"),
}

# What older files lack.
_DEFAULTS = {
    **{"lookahead": 0, "linear_bins": 0, "erb_bands": 0},
    **{"strength": None, "level_s": None},
}


def _words(levelled: bool) -> dict[str, str]:
    """What ``meta`` says that is no number. A front end with a level has another word,
    so that versions of this library that know none refuse it.
    """
    feature = LEVELLED if levelled else FEATURE
    return {"task": TASK, "feature": feature, "window": WINDOW, "mask": MASK}


@dataclass(frozen=True)
class FrontEnd:
    """Constants of the front and back end of a denoiser.

    ``feature = feature_scale * (log(1 + magnitude_scale * |X|) - feature_mean)``,
    with ``|X|`` brought to one level first where there is `level_s`.

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

    def __post_init__(self) -> None:
        self.stft()  # refuses a window and hop that do not reconstruct
        _ = self.bands  # refuses those that this spectrum cannot have
        if not _is_level(self.level_s):
            raise AudioError(f"level_s is {shown(self.level_s)}, must be {LEVEL_RULE}")

    @classmethod
    def from_metadata(cls, meta: Mapping[str, Any]) -> FrontEnd:
        """Constants out of a network's ``meta``.

        Raises
        ------
        AudioError
            When the network is not a denoiser, or says of its front end what this
            library does not know, or a constant is of a wrong type or out of range.
        """
        for name, value in _words(meta.get("level_s") is not None).items():
            if meta.get(name) != value:
                raise AudioError(
                    f"network: {name} is {shown(meta.get(name))}, a denoiser has "
                    f"{value!r}"
                )
        meta = {**_DEFAULTS, **meta}
        missing = [f.name for f in fields(cls) if f.name not in meta]
        if missing:
            raise AudioError(f"network: front end lacks {', '.join(missing)}")
        for name, (holds, rule) in RULES.items():
            if not holds(meta[name]):
                raise AudioError(
                    f"network: {name} is {shown(meta[name])}, must be {rule}"
                )
        return cls(**{f.name: meta[f.name] for f in fields(cls)})

    @classmethod
    def of(cls, network: Network) -> FrontEnd:
        """The front end of a denoiser.

        Raises
        ------
        AudioError
            As `from_metadata`, and when the network does not have one input and one
            output per frequency bin, or per linear bin and band.
        """
        front = cls.from_metadata(network.meta)
        if (network.d_in, network.d_out) != (front.size, front.size):
            bands = f" in {front.size} numbers" if front.bands else ""
            raise AudioError(
                f"network: {network.d_in} inputs and {network.d_out} outputs, its "
                f"front end has {front.bins} bins{bands}"
            )
        return front

    def metadata(self) -> dict[str, float | int | str]:
        """Everything a user of the network needs to build its input and output."""
        words = _words(self.level_s is not None)
        numbers = asdict(self)
        told = {k: v for k, v in numbers.items() if _DEFAULTS.get(k) != v}
        return {**words, **told}

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
    def size(self) -> int:
        """Numbers of a token, and of an answer."""
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
        return Level(self.n_fft, frames)

    def features(
        self, spectrum: NDArray[np.complexfloating], level: Level | None = None
    ) -> NDArray[np.float64]:
        """The network's real-valued input of a spectrum.

        Parameters
        ----------
        spectrum : array of complex, shape (T, bins)
        level : Level, optional
            That of the stream so far, which goes on; if not given the spectrum is
            that of a whole recording.

        Returns
        -------
        array of float64, shape (T, size)
        """
        magnitude = np.abs(spectrum).astype(np.float64)
        level = self.level() if level is None else level
        if level is not None:
            magnitude *= level.factors(spectrum)[:, None]
        if self.bands is not None:
            magnitude = self.bands.reduce(magnitude)
        logs = np.log1p(self.magnitude_scale * magnitude)
        return (logs - self.feature_mean) * self.feature_scale

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
        answer : array of float, shape (T, size)
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
