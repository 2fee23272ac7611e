# SPDX-License-Identifier: BSD-3-Clause
"""Sound that is denoised while it comes: from a source, through a network, to a sink.

One thread reads, computes and writes; audio callbacks and the screen have their own.
Sources and sinks are in `files` (recordings, pipes) and `devices`
(microphone, loudspeaker).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lava_sparse_rnn.audio.denoiser import Denoiser, Samples
from lava_sparse_rnn.handover import News
from lava_sparse_rnn.signals import uninterrupted


@dataclass
class Gaps:
    """Where sound was lost, or silence was played in its place.

    Parameters
    ----------
    events : int
        How often.
    seconds : float
        How much in all, as far as it is known: what a device's own buffer loses is
        an event of unknown length.
    """

    events: int = 0
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one more."""
        self.events += 1
        self.seconds += seconds


class Source(Protocol):
    """Where sound comes from, mono, of the denoiser's sample rate.

    Attributes
    ----------
    gaps : Gaps
        Overruns: what was heard and had no room.
    """

    gaps: Gaps

    @property
    def latency(self) -> float:
        """Seconds between hearing and reading, now."""
        ...

    def start(self) -> None:
        """Begin to hear; once, before `read`."""
        ...

    def read(self, stop: threading.Event) -> Samples | None:
        """The next samples, within a fraction of a second.

        Parameters
        ----------
        stop : Event
            Set when no more is wanted than was heard until then.

        Returns
        -------
        array of float32, shape (n,), or None
            In [-1, 1]; none of them where none has come yet. None at the end, and
            after ``stop`` when all that was heard has been read.

        Raises
        ------
        AudioError
            When a device has stopped, or a pipe ends within a sample.
        """
        ...

    def close(self) -> None:
        """Let go of the device or file; also after an error."""
        ...


class Sink(Protocol):
    """Where sound goes to.

    Attributes
    ----------
    aligned : bool
        Whether the samples before the signal, by which the denoiser answers late, are
        left out, so that the result is as long as the input.
    gaps : Gaps
        Underruns: what had to be played and was not there.
    """

    aligned: bool
    gaps: Gaps

    @property
    def latency(self) -> float:
        """Seconds between writing and playing, now."""
        ...

    def start(self) -> None:
        """Get ready; once, before `write`.

        Raises
        ------
        AudioError
            When a file cannot be written.
        """
        ...

    def write(self, samples: Samples, give_up: threading.Event) -> None:
        """Take samples.

        Parameters
        ----------
        samples : array of float32, shape (n,)
        give_up : Event
            Set when the rest may be lost: until then it waits for room.

        Raises
        ------
        AudioError
            When a device has stopped, or a file cannot be written.
        BrokenPipeError
            When nobody reads a pipe any more.
        """
        ...

    def close(self, complete: bool) -> None:
        """End, and keep what was written.

        Parameters
        ----------
        complete : bool
            False after an error of the sink, or one before any sound.

        Raises
        ------
        AudioError
            When what was written cannot be kept.
        """
        ...


class Meter:
    """Level of the samples since it was read last."""

    def __init__(self) -> None:
        self._squares, self._count, self._peak = 0.0, 0, 0.0

    def add(self, samples: Samples) -> None:
        """Take samples into account, float32 of shape (n,)."""
        if len(samples):
            self._squares += float(np.dot(samples, samples))
            self._count += len(samples)
            self._peak = max(self._peak, float(np.abs(samples).max()))

    def read(self) -> Level:
        """The level, and begin anew."""
        rms = (self._squares / max(self._count, 1)) ** 0.5
        level = Level(_decibels(rms), _decibels(self._peak))
        self._squares, self._count, self._peak = 0.0, 0, 0.0
        return level


def _decibels(amplitude: float) -> float:
    return 20 * float(np.log10(amplitude)) if amplitude > 0 else -np.inf


@dataclass(frozen=True)
class Level:
    """How loud samples were.

    Parameters
    ----------
    rms, peak : float
        Root mean square and largest magnitude, in dB of full scale; -inf for silence.
    """

    rms: float
    peak: float


@dataclass(frozen=True)
class Status:
    """What happened since the last look, and in all.

    Parameters
    ----------
    seconds : float
        Sound computed so far.
    levels : tuple of two Level
        In and out, since the last look.
    load, mean_load : float
        Compute time by the duration of the sound: since the last look, in all.
    slowest : float
        Seconds that the slowest piece took since the last look.
    algorithm, buffers : float
        Latency in seconds: of the window, and of all that waits outside the
        denoiser, devices included as far as they tell. Computing comes on top.
    overruns, underruns : Gaps
    """

    seconds: float
    levels: tuple[Level, Level]
    load: float
    mean_load: float
    slowest: float
    algorithm: float
    buffers: float
    overruns: Gaps
    underruns: Gaps


class Live:
    """Denoise from a source to a sink until the source ends or `stop` is called.

    Parameters
    ----------
    denoiser : Denoiser
        With a backend that streams.
    source : Source
    sink : Sink

    Attributes
    ----------
    kept : bool
        Whether the sink has ended and has all that was heard.

    Raises
    ------
    AudioError
        When the backend runs whole recordings only.
    """

    def __init__(self, denoiser: Denoiser, source: Source, sink: Sink) -> None:
        # Refuses what cannot stream; and the first samples take longer than others.
        denoiser.process(np.zeros(2 * denoiser.delay, np.float32))
        denoiser.reset()
        self.denoiser, self.source, self.sink = denoiser, source, sink
        self._stop, self._give_up = threading.Event(), threading.Event()
        self._error: BaseException | None = None
        self._sink_failed = False
        self.kept = False
        self._skip = denoiser.delay if sink.aligned else 0
        self._lock = threading.Lock()
        self._meters = (Meter(), Meter())
        self._heard = self._computing = 0.0
        self._before = (0.0, 0.0)  # the same two at the last look
        self._slowest = 0.0
        # A daemon: one that waits for a pipe that nobody reads must not keep the
        # program from ending.
        self._thread = threading.Thread(target=self._run, daemon=True, name="denoise")
        self._ended = News()

    def start(self) -> None:
        """Begin to hear; `join` waits for the end and raises what went wrong."""
        with uninterrupted():
            self._thread.start()

    def stop(self) -> None:
        """Hear no more; what was heard still goes out."""
        with uninterrupted():
            self._stop.set()

    def give_up(self) -> None:
        """Hear no more, and do not wait for a sink that takes nothing."""
        with uninterrupted():
            self._stop.set()
            self._give_up.set()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the end; true when it has come, and all is written and closed.

        May be interrupted, by Ctrl-C or a signal, and called again.

        Raises
        ------
        Exception
            What went wrong in the source, the denoiser or the sink. What was heard
            before has gone out nevertheless.
        """
        # Not the thread's own `join`: interrupted, it takes the thread for ended
        # (https://github.com/python/cpython/issues/90882).
        if not self._ended.wait(timeout):
            return False
        self._thread.join()
        if self._error is not None:
            raise self._error
        return True

    def status(self) -> Status:
        """What to show; levels and load begin anew."""
        with self._lock:
            levels = (self._meters[0].read(), self._meters[1].read())
            heard, computing = self._heard, self._computing
            slowest, self._slowest = self._slowest, 0.0
        since = [heard - self._before[0], computing - self._before[1]]
        self._before = (heard, computing)
        return Status(
            seconds=heard,
            levels=levels,
            load=since[1] / since[0] if since[0] else 0.0,
            mean_load=computing / heard if heard else 0.0,
            slowest=slowest,
            algorithm=self.denoiser.delay / self.denoiser.sample_rate,
            buffers=self.source.latency + self.sink.latency,
            overruns=self.source.gaps,
            underruns=self.sink.gaps,
        )

    def _run(self) -> None:
        """Whatever ends it, what was heard goes out: to lose it is worse than noise."""
        if self._tried(self._open):
            self._tried(self._hear)
            if not self._sink_failed:
                self._tried(lambda: self._write(self.denoiser.flush()))
        self._tried(self.source.close)
        complete = self._error is None or (self._heard > 0 and not self._sink_failed)
        self.kept = self._tried(lambda: self.sink.close(complete)) and complete
        self._ended.tell()

    def _tried(self, action: Callable[[], None]) -> bool:
        """Run it; the first error is kept, and raised where `join` is called."""
        try:
            action()
        except BaseException as error:
            self._error = self._error or error
            return False
        return True

    def _open(self) -> None:
        self.sink.start()
        self.source.start()

    def _hear(self) -> None:
        while (chunk := self.source.read(self._stop)) is not None:
            if len(chunk):
                self._write(self._compute(chunk))

    def _compute(self, chunk: Samples) -> Samples:
        start = time.perf_counter()
        out = self.denoiser.process(chunk)
        seconds = time.perf_counter() - start
        with self._lock:
            self._heard += len(chunk) / self.denoiser.sample_rate
            self._computing += seconds
            self._slowest = max(self._slowest, seconds)
            self._meters[0].add(chunk)
            self._meters[1].add(out)
        return out

    def _write(self, out: Samples) -> None:
        early = min(self._skip, len(out))
        self._skip -= early
        if len(out) == early:
            return
        try:
            self.sink.write(out[early:], self._give_up)
        except BaseException:
            self._sink_failed = True
            raise
