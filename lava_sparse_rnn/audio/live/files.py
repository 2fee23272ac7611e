# SPDX-License-Identifier: BSD-3-Clause
"""Recordings as ends of live denoising, and a pipe as its output.

A pipe takes samples without a header: signed 16-bit integers, low byte first, one
channel, 16,000 a second or what the denoiser takes (``s16le``). What comes out of one
is in `pipes`.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from pathlib import Path
from typing import Any, Protocol

from lava_sparse_rnn.audio.denoiser import Samples
from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.live.session import Gaps, Source
from lava_sparse_rnn.audio.sound import wav
from lava_sparse_rnn.audio.sound.rate import SAMPLE_RATE
from lava_sparse_rnn.audio.sound.writer import format_of, to_pcm16, writing
from lava_sparse_rnn.files import as_path

LOOK_SECONDS = 0.1  # between two looks whether to stop


class Described(Protocol):
    """Something with a file descriptor, such as ``sys.stdin``."""

    def fileno(self) -> int: ...


def pcm16(samples: Samples) -> tuple[bytes, int]:
    """Samples as ``s16le``, and how many of them were clipped; as `wav.write` does."""
    data, clipped = to_pcm16(samples)
    return data.tobytes(), clipped


class Lossless:
    """What ends have in common that nothing is lost in."""

    latency = 0.0

    def __init__(self) -> None:
        self.gaps = Gaps()

    def start(self) -> None:
        """Nothing has to be started."""

    def close(self, complete: bool = True) -> None:
        """Nothing has to be closed."""


class WavSource(Lossless):
    """A recording, in pieces.

    Parameters
    ----------
    path : str or pathlib.Path
    block : int
        Samples in a piece.
    rate : int
        Of the samples that come out, Hz.

    Attributes
    ----------
    info : WavInfo

    Raises
    ------
    AudioError
        As `wav.read`.
    """

    def __init__(self, path: str | Path, block: int, rate: int = SAMPLE_RATE) -> None:
        super().__init__()
        reader = wav.Reader(path, block, rate)
        self.info, self._pieces = reader.info, iter(reader)

    def read(self, stop: threading.Event) -> Samples | None:
        return None if stop.is_set() else next(self._pieces, None)


class Paced:
    """A source as slow as its sound: pieces come when they would have been heard.

    Parameters
    ----------
    source : Source
    rate : int
        Of its samples, Hz.
    """

    def __init__(self, source: Source, rate: int = SAMPLE_RATE) -> None:
        self._source, self.gaps, self._rate = source, source.gaps, rate
        self._due: float | None = None

    @property
    def latency(self) -> float:
        return self._source.latency

    def start(self) -> None:
        self._source.start()

    def read(self, stop: threading.Event) -> Samples | None:
        samples = self._source.read(stop)
        now = time.monotonic()
        self._due = (now if self._due is None else self._due) + (
            0.0 if samples is None else len(samples) / self._rate
        )
        # A stop must not lose what was read: it only ends the wait.
        stop.wait(max(self._due - now, 0.0))
        return samples

    def notes(self) -> list[str]:
        """Those of the source, if it has some."""
        return getattr(self._source, "notes", list)()

    def close(self) -> None:
        self._source.close()


class WavSink(Lossless):
    """A recording, which appears when it ends: WAV, FLAC or OGG, as its name says.

    Parameters
    ----------
    path : str or pathlib.Path
    rate : int
        Of the samples that come, Hz.

    Attributes
    ----------
    clipped : int
        Samples so far that were beyond full scale.
    written : int
        Samples so far.

    Raises
    ------
    AudioError
        For another suffix; from `write` and `close`, when the file cannot be written.
    """

    aligned = True

    def __init__(self, path: str | Path, rate: int = SAMPLE_RATE) -> None:
        super().__init__()
        self.path, self._rate = as_path(path, error=AudioError), rate
        format_of(self.path)
        self._writer: Any = None
        self._stack = contextlib.ExitStack()

    @property
    def clipped(self) -> int:
        return self._writer.clipped if self._writer else 0

    @property
    def written(self) -> int:
        return self._writer.written if self._writer else 0

    def start(self) -> None:
        self._writer = self._stack.enter_context(writing(self.path, True, self._rate))

    def write(self, samples: Samples, give_up: threading.Event) -> None:
        self._writer.write(samples)

    def close(self, complete: bool = True) -> None:
        """Give the file its name, with what is in it; none where there is nothing."""
        failed = None
        if not (complete or self.written):
            failed = AudioError(f"{self.path}: nothing was heard")
        self._stack.__exit__(failed and AudioError, failed, None)


class PcmSink(Lossless):
    """A pipe that takes ``s16le``; every piece is sent at once.

    Parameters
    ----------
    file : object
        With a file descriptor that can be written.

    Attributes
    ----------
    clipped : int
        Samples so far that were beyond full scale.

    Raises
    ------
    BrokenPipeError
        From `write`, when nobody reads any more.
    """

    aligned = True

    def __init__(self, file: Described) -> None:
        super().__init__()
        self._fd, self.clipped = file.fileno(), 0

    def write(self, samples: Samples, give_up: threading.Event) -> None:
        data, clipped = pcm16(samples)
        self.clipped += clipped
        rest = memoryview(data)
        while rest and not give_up.is_set():
            if select.select([], [self._fd], [], LOOK_SECONDS)[1]:
                # No more than a pipe has room for then, or it would wait for a reader.
                rest = rest[os.write(self._fd, rest[: select.PIPE_BUF]) :]
