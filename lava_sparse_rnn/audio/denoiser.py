# SPDX-License-Identifier: BSD-3-Clause
"""A network as a denoiser of sound."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn import backends
from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.frontend import FrontEnd, Hearing, share_kept
from lava_sparse_rnn.audio.rates import Converter, converter
from lava_sparse_rnn.audio.sound.rate import SAMPLE_RATE
from lava_sparse_rnn.audio.sound.samples import check_sound
from lava_sparse_rnn.audio.sound.stft import Analyzer, Synthesizer
from lava_sparse_rnn.fixed_point import Brief
from lava_sparse_rnn.spec import Network, SpecError, check_network
from lava_sparse_rnn.spec.stream import PIECE, Progress, State, StreamDefaults
from lava_sparse_rnn.spec.threads import OwnLock, one_at_a_time

Samples = NDArray[np.float32]


_NOTHING = Hearing()  # is what front ends remember in states that say nothing of it


@dataclass(frozen=True)
class DenoiserState(Brief):
    """A `Denoiser` in the middle of a stream; can be pickled.

    Parameters
    ----------
    network : list of pairs of arrays
        Real and imaginary part of every block's state.
    analyzer : Analyzer
    synthesizer : Synthesizer
    ahead : array of complex64, shape (lookahead, bins)
        Frames that the network has heard and not answered to.
    ready : array of float32
        Samples that wait to be asked for.
    early : int
        Samples still to come that lie before the stream.
    converter : Converter
    hearing : Hearing
        What the front end remembers.
    """

    network: State
    analyzer: Analyzer
    synthesizer: Synthesizer
    ahead: NDArray[np.complexfloating]
    ready: Samples
    early: int
    converter: Converter
    hearing: Hearing = _NOTHING


class Denoiser(StreamDefaults):
    """Samples in, cleaner samples out.

    Several threads can use it: each call waits for the one before. `close` it at the
    end, or use it as a context manager: what the backend holds, such as the network
    of ``lava``, goes then.

    Parameters
    ----------
    network : Network
        With the constants of its front end in ``meta``.
    backend : str
        How the network runs, see `lava_sparse_rnn.backends`. All give the same
        samples.
    strength : float, optional
        The most by which anything is attenuated, dB: the rest of the noise stays, and
        with it what the network takes for noise and is none. 0 lets all through,
        infinity sets no limit. If not given, what the network's file says, or no limit.
    sample_rate : {16000, 8000, 48000}
        Of the samples in and out, Hz. The network hears 16 kHz; what lies above 8 kHz
        is kept as `lava_sparse_rnn.audio.rates` tells.

    Attributes
    ----------
    front_end : FrontEnd
    delay : int
        Samples by which `process` answers late: one window, 32 ms of 512 samples,
        and a hop for each token that the network looks ahead; at 8 kHz 6 ms more, at
        48 kHz 4 ms.
    backend : spec.Stream

    Raises
    ------
    AudioError
        When the network does not say that it is a denoiser, or does not have one
        input and one output per number of its front end's tokens.
    """

    def __init__(
        self,
        network: Network,
        backend: str = "reference",
        strength: float | None = None,
        sample_rate: int = SAMPLE_RATE,
    ) -> None:
        self.network = check_network(network, "Denoiser", backend)
        self.front_end = FrontEnd.of(network)
        self.strength = strength
        self._stft, self.sample_rate = self.front_end.stft(), sample_rate
        self._converter = self._convert()
        self.delay = self._converter.delay
        self.backend = backends.create(backend, network)
        self._lock = OwnLock()
        self._analyzer = Analyzer(self._stft)
        self._synthesizer = Synthesizer(self._stft)
        self.reset()

    def _about(self) -> str:
        stft, rate = self._stft, self.sample_rate
        window = f"windows of {stft.n_fft}, hop {stft.hop_length}, {rate} Hz"
        return f"{window}, delay {self.delay} samples, backend {self.backend!r}"

    @property
    def strength(self) -> float | None:
        """Largest attenuation in dB, no limit if None or inf; may change in a stream.

        None that is assigned stands for what the network's file says.

        Raises
        ------
        AudioError
            When what is assigned is negative or no number.
        """
        return self._strength

    @strength.setter
    def strength(self, strength: float | None) -> None:
        if strength is not None:
            number = isinstance(strength, Real) and not isinstance(strength, bool)
            if not number or not strength >= 0:
                raise AudioError(f"strength is {strength!r}, must be 0 dB or more")
        self._strength = self.front_end.strength if strength is None else strength
        self._kept = share_kept(self._strength)

    def tokens(self, samples: Samples) -> NDArray[np.int64]:
        """The integers that the network sees of a whole recording, (T, d_in)."""
        heard = self._convert().down(check_sound(samples, "signal"))
        return self._tokens(self._stft.analysis(heard), self.front_end.hearing())

    @one_at_a_time
    def denoise(self, samples: Samples, progress: Progress | None = None) -> Samples:
        """Denoise a whole recording.

        Parameters
        ----------
        samples : array of float32, shape (n,)
            At ``sample_rate``, in [-1, 1]. Integers are refused, and so are
            floats of their range.
        progress : callable, optional
            Called with tokens done and tokens in all.

        Returns
        -------
        array of float32, shape (n,)
            Aligned with the input. Streaming in progress is reset.
        """
        samples = check_sound(samples, "signal")
        piece, hop = PIECE * self._stft.hop_length, self._stft.hop_length
        pieces = (samples[at : at + piece] for at in range(0, len(samples), piece))
        answers, done, total = [], 0, self._stft.frames(len(samples))
        for answer in self.stream(pieces):
            answers.append(answer)
            done += len(answer)
            if progress is not None:
                progress(total if done == len(samples) else done // hop, total)
        return np.concatenate(answers)

    def stream(self, pieces: Iterable[Samples]) -> Iterator[Samples]:
        """Denoise a recording that comes in pieces, in the memory of a piece.

        Parameters
        ----------
        pieces : iterable of array of float32, shape (n,)
            Of any lengths. Streaming in progress is reset.

        Yields
        ------
        array of float32, shape (n,)
            Of any lengths; joined, they are what `denoise` gives of the pieces joined.
        """
        self.reset()
        early = self.delay
        for piece in pieces:
            out = self.process(piece)
            yield out[early:]
            early -= min(early, len(out))
        yield self.flush()[early:]

    @one_at_a_time
    def process(self, chunk: Samples) -> Samples:
        """Denoise the next samples of a stream.

        The stream is that of `denoise` sample by sample, however it is cut.

        Parameters
        ----------
        chunk : array of float32, shape (n,)
            Any number of samples, also none.

        Returns
        -------
        array of float32, shape (n,)
            The stream's samples of `delay` samples ago; zeros before its start.
        """
        chunk = self._converter.down(check_sound(chunk, "signal"))
        cleaned = self._clean(self._analyzer.process(chunk))
        new = self._synthesizer.process(cleaned)
        # What the first frames put before the start of the signal is not sound.
        early = min(self._early, len(new))
        new[:early] = 0.0
        self._early -= early
        ready = np.concatenate([self._ready, new])
        self._ready = ready[len(chunk) :]
        return self._converter.back(ready[: len(chunk)])

    @one_at_a_time
    def flush(self) -> Samples:
        """The last `delay` samples of a stream, shape (delay,), then reset."""
        rest = self.process(np.zeros(self.delay, np.float32))
        self.reset()
        return rest

    @property
    @one_at_a_time
    def state(self) -> DenoiserState:
        """All that was heard and still matters, copied; can be assigned.

        A stream goes on from it sample by sample, in this denoiser or in another one
        of the same network, whichever backend runs it.

        Raises
        ------
        AudioError
            When what is assigned is the state of another network or window.
        """
        return copy.deepcopy(
            DenoiserState(
                self.backend.state,
                self._analyzer,
                self._synthesizer,
                self._ahead,
                self._ready,
                self._early,
                self._converter,
                self._hearing,
            )
        )

    @state.setter
    @one_at_a_time
    def state(self, state: DenoiserState) -> None:
        if not isinstance(state, DenoiserState):
            raise AudioError(f"state: is of type {type(state).__name__}")
        if state.analyzer.stft != self._stft:
            raise AudioError("state: is that of another window")
        if state.ahead.shape != self._ahead.shape:
            raise AudioError(
                f"state: waits with {len(state.ahead)} frames, this denoiser looks "
                f"{len(self._ahead)} ahead"
            )
        if type(state.converter) is not type(self._converter):
            raise AudioError("state: is that of another sample rate")
        self._check_hearing(state.hearing)
        try:
            self.backend.state = state.network
        except SpecError as error:
            raise AudioError(f"{error}; it is that of another network") from None
        state = copy.deepcopy(state)
        self._analyzer, self._synthesizer = state.analyzer, state.synthesizer
        self._ahead, self._ready = state.ahead, state.ready
        self._early, self._converter = state.early, state.converter
        self._hearing = state.hearing

    def close(self) -> None:
        """Let go of what the backend holds; a second call does nothing."""
        self.backend.close()

    @one_at_a_time
    def reset(self) -> None:
        """Forget all that was heard."""
        self.backend.reset()
        self._analyzer.reset()
        self._synthesizer.reset()
        self._converter.reset()
        front = self.front_end
        self._hearing = front.hearing()
        self._ahead = np.zeros((front.lookahead, front.bins), np.complex64)
        self._early = self._stft.overlap + front.lookahead * front.hop_length
        # Together with the synthesis' own delay (n_fft - hop) and what the network
        # looks ahead this makes `delay`, and there are always as many samples ready
        # as a chunk of any size asks for.
        self._ready = np.zeros(front.hop_length, np.float32)

    def _convert(self) -> Converter:
        return converter(self.sample_rate, self._stft, self.front_end.delay)

    def _check_hearing(self, other: Hearing) -> None:
        for what, word in (("level", "running level"), ("contrast", "tracked floor")):
            ours, theirs = (getattr(h, what) for h in (self._hearing, other))
            if (ours and ours.settings) != (theirs and theirs.settings):
                raise AudioError(f"state: is that of another {word}")

    def _tokens(self, spectrum: NDArray, hearing: Hearing) -> NDArray[np.int64]:
        return self.network.to_wire(self.front_end.features(spectrum, hearing))

    def _clean(self, spectrum: NDArray) -> NDArray[np.complexfloating]:
        if not len(spectrum):
            return spectrum
        answer = self.backend.run(self._tokens(spectrum, self._hearing))
        gains = self.front_end.gains(self.network.from_wire(answer), self._kept)
        self._converter.gains(gains)
        heard = np.concatenate([self._ahead, spectrum])
        self._ahead = heard[len(spectrum) :]
        return (heard[: len(spectrum)] * gains).astype(heard.dtype)
