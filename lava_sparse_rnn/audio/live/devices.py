# SPDX-License-Identifier: BSD-3-Clause
"""Microphone and loudspeaker, through PortAudio (the package ``sounddevice``).

A callback of the audio driver never waits: it puts into or takes out of a bounded
queue, and counts what has no room or is not there. Devices that cannot do 16 kHz run
at their own rate and are resampled; soxr then holds 40 to 70 ms back at most.
"""

from __future__ import annotations

import threading
from importlib import import_module
from itertools import product
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from lava_sparse_rnn import messages
from lava_sparse_rnn.audio.denoiser import Samples
from lava_sparse_rnn.audio.errors import AudioError, MissingDependencyError
from lava_sparse_rnn.audio.live.session import Gaps
from lava_sparse_rnn.audio.sound.rate import SAMPLE_RATE

LOOK_SECONDS = 0.1  # between two looks whether to stop
ELSE = "without it, --input and --output take WAV files, or - for raw sound in pipes"


def load_sounddevice() -> Any:
    """The module ``sounddevice``.

    Raises
    ------
    MissingDependencyError
        When it or the PortAudio library is not installed.
    """
    try:
        return import_module("sounddevice")
    except ImportError:
        raise MissingDependencyError(
            "microphone and loudspeaker need the extra 'live': "
            f"{messages.install('live')}; {ELSE}"
        ) from None
    except OSError as error:
        raise MissingDependencyError(
            f"microphone and loudspeaker need the PortAudio library ({error}); Debian "
            f"and Ubuntu have it in the package libportaudio2; {ELSE}"
        ) from None


class Fifo:
    """A bounded queue of samples, float32, between two threads.

    Parameters
    ----------
    capacity : int
        Samples that it holds at most.

    Attributes
    ----------
    waiting : int
        Samples in it now.
    """

    def __init__(self, capacity: int) -> None:
        self._data = np.zeros(capacity, np.float32)
        self._first = self.waiting = 0
        self._changed = threading.Condition()

    def put(self, samples: Samples) -> int:
        """Append what there is room for of samples, shape (n,).

        Returns
        -------
        int
            How many samples that were.
        """
        with self._changed:
            size = len(self._data)
            n = min(len(samples), size - self.waiting)
            at = (self._first + self.waiting + np.arange(n)) % size
            self._data[at] = samples[:n]
            self.waiting += n
            self._changed.notify()
        return n

    def take(self, most: int | None = None) -> Samples:
        """Remove and return the oldest samples, ``most`` of them or all."""
        with self._changed:
            n = self.waiting if most is None else min(most, self.waiting)
            out = self._data[(self._first + np.arange(n)) % len(self._data)]
            self._first = (self._first + n) % len(self._data)
            self.waiting -= n
            self._changed.notify()
        return out

    def wait(self, seconds: float = LOOK_SECONDS) -> None:
        """Wait until something is put or taken, for so many seconds at most."""
        with self._changed:
            self._changed.wait(seconds)


class Resampler:
    """From one rate to another, as samples come; nothing to do for equal rates.

    Parameters
    ----------
    rate_in, rate_out : float
        Hz.
    """

    def __init__(self, rate_in: float, rate_out: float) -> None:
        self._rates = (rate_in, rate_out)
        self._counts = [0, 0]
        self._stream = None
        if rate_in != rate_out:
            self._stream = soxr.ResampleStream(
                rate_in, rate_out, 1, dtype="float32", quality="HQ"
            )

    @property
    def held(self) -> float:
        """Seconds of sound that have gone in and not come out."""
        return self._counts[0] / self._rates[0] - self._counts[1] / self._rates[1]

    def process(self, samples: Samples, last: bool = False) -> Samples:
        """What comes out for samples of the rate ``rate_in``.

        Parameters
        ----------
        samples : array of float32, shape (n,)
        last : bool
            Whether the sound ends here: all that is held comes out.

        Returns
        -------
        array of float32, shape (m,)
        """
        out = samples
        if self._stream is not None:
            out = self._stream.resample_chunk(samples, last=last)
        self._counts[0] += len(samples)
        self._counts[1] += len(out)
        return out

    @classmethod
    def longest(cls, rate_in: float, rate_out: float, block: float) -> float:
        """Seconds that are held at most, in a second of pieces of ``block`` seconds."""
        trial, held = cls(rate_in, rate_out), 0.0
        piece = np.zeros(max(round(block * rate_in), 1), np.float32)
        for _ in range(round(1 / block)):
            held = max(held, trial.held + len(piece) / rate_in)
            trial.process(piece)
        return held if trial._stream is not None else 0.0


class _Device:
    """A stream of PortAudio with the format that suits its device.

    Parameters
    ----------
    sd : module
        ``sounddevice``, or one like it.
    device : int or str or None
        Number or part of the name; None is the system's default.
    block : float
        Seconds between two calls of the callback.
    wanted : int
        Rate of the samples that are read or written, Hz.
    """

    kind = ""

    def __init__(
        self, sd: Any, device: int | str | None, block: float, wanted: int
    ) -> None:
        self.gaps, self.wanted = Gaps(), wanted
        self._sd, self._device, self._block = sd, device, block
        try:
            self.rate, self.channels = self._format()
            make = getattr(sd, f"{self.kind.capitalize()}Stream")
            self._stream = make(
                device=device,
                samplerate=self.rate,
                channels=self.channels,
                dtype="float32",
                blocksize=round(self.rate * block),
                latency="low",
                callback=self._callback,
            )
        except sd.PortAudioError as error:
            raise AudioError(f"{self._name()}: {error}; {ELSE}") from error

    def _name(self) -> str:
        which = "default" if self._device is None else repr(self._device)
        return f"{self.kind} device ({which})"

    def _format(self) -> tuple[float, int]:
        """The rate that is wanted and one channel, or what comes nearest."""
        check = getattr(self._sd, f"check_{self.kind}_settings")
        own = self._sd.query_devices(self._device, self.kind)["default_samplerate"]
        refused: Exception | None = None
        for rate, channels in product((float(self.wanted), float(own)), (1, 2)):
            try:
                check(self._device, channels, "float32", samplerate=rate)
            except self._sd.PortAudioError as error:
                refused = refused or error
            else:
                return rate, channels
        raise AudioError(
            f"{self._name()}: takes neither {self.wanted} Hz nor {own:g} Hz, in one "
            f"channel or two ({refused}); {ELSE}"
        )

    def _callback(self, data: Any, frames: int, when: Any, status: Any) -> None:
        raise NotImplementedError

    def start(self) -> None:
        self._stream.start()

    def _check_alive(self) -> None:
        if not self._stream.active:
            raise AudioError(f"{self._name()}: has stopped; was it unplugged?")

    @property
    def _device_latency(self) -> float:
        return float(self._stream.latency)


class Microphone(_Device):
    """Samples that are heard.

    Parameters
    ----------
    sd, device, block
        See `_Device`.
    buffer : float
        Seconds that may wait to be computed.
    """

    kind = "input"

    def __init__(
        self,
        sd: Any,
        device: int | str | None,
        block: float,
        buffer: float,
        wanted: int = SAMPLE_RATE,
    ) -> None:
        super().__init__(sd, device, block, wanted)
        self._fifo = Fifo(round(self.rate * max(buffer, 2 * block)))
        self._resampler = Resampler(self.rate, wanted)
        self.hold = Resampler.longest(self.rate, wanted, block)
        self._ended = False

    @property
    def latency(self) -> float:
        waiting = self._fifo.waiting / self.rate
        return self._device_latency + waiting + self._resampler.held

    def _callback(self, data: Samples, frames: int, when: Any, status: Any) -> None:
        if status and status.input_overflow:
            self.gaps.add(0.0)
        taken = self._fifo.put(data.mean(axis=1) if self.channels > 1 else data[:, 0])
        if taken < frames:
            self.gaps.add((frames - taken) / self.rate)

    def read(self, stop: threading.Event) -> Samples | None:
        if self._ended:
            return None
        if stop.is_set():
            self._ended = True
            self._stream.stop()
            return self._resampler.process(self._fifo.take(), last=True)
        if not self._fifo.waiting:
            self._fifo.wait()
        samples = self._fifo.take()
        if not len(samples):
            self._check_alive()
        return self._resampler.process(samples)

    def close(self) -> None:
        self._stream.close()


class Loudspeaker(_Device):
    """Samples that are played, from the moment when enough of them wait.

    Parameters
    ----------
    sd, device, block
        See `_Device`.
    buffer : float
        Seconds that may wait to be played.
    hold : float
        Seconds that the source holds back at most, and then sends at once.
    """

    kind = "output"
    aligned = False

    def __init__(
        self,
        sd: Any,
        device: int | str | None,
        block: float,
        buffer: float,
        hold: float = 0.0,
        wanted: int = SAMPLE_RATE,
    ) -> None:
        super().__init__(sd, device, block, wanted)
        # Two blocks cover computing while one is played; soxr's pieces come seldom.
        hold += Resampler.longest(wanted, self.rate, block)
        self._enough = round(self.rate * (2 * block + hold))
        self._fifo = Fifo(self._enough + round(self.rate * buffer))
        self._resampler = Resampler(wanted, self.rate)
        self._playing = self._ending = False

    @property
    def latency(self) -> float:
        waiting = self._fifo.waiting / self.rate
        return self._device_latency + waiting + self._resampler.held

    def _callback(self, data: NDArray, frames: int, when: Any, status: Any) -> None:
        if status and status.output_underflow:
            self.gaps.add(0.0)
        data.fill(0)
        if not self._playing:
            self._playing = self._ending or self._fifo.waiting >= self._enough
        if not self._playing:
            return
        samples = self._fifo.take(frames)
        data[: len(samples)] = samples[:, None]
        if len(samples) < frames and not self._ending:
            self.gaps.add((frames - len(samples)) / self.rate)

    def write(self, samples: Samples, give_up: threading.Event) -> None:
        self._queue(self._resampler.process(samples))

    def _queue(self, rest: Samples) -> None:
        """Append samples, as there is room for them."""
        while len(rest := rest[self._fifo.put(rest) :]):
            self._check_alive()
            self._fifo.wait()

    def close(self, complete: bool = True) -> None:
        """Play what waits, then end."""
        if complete:
            self._queue(self._resampler.process(np.zeros(0, np.float32), last=True))
            self._ending = True
            while self._fifo.waiting and self._stream.active:
                self._fifo.wait()
            self._stream.stop()  # lets the device play what it has
        self._stream.close()
