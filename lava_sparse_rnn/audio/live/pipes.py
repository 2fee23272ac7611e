# SPDX-License-Identifier: BSD-3-Clause
"""What comes out of a pipe or a device, as an input of live denoising.

It carries samples without a header: signed 16-bit integers, low byte first, one
channel, 16,000 a second or what the denoiser takes (``s16le``, what ``arecord -t raw -f
S16_LE -r 16000`` sends). Where it begins as a recording does, it is heard as one.
"""

from __future__ import annotations

import array
import fcntl
import io
import os
import select
import stat
import termios
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from lava_sparse_rnn.audio.denoiser import Samples
from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.live.files import LOOK_SECONDS, Described, Lossless
from lava_sparse_rnn.audio.sound import wav
from lava_sparse_rnn.audio.sound.libsndfile import EndlessFile
from lava_sparse_rnn.audio.sound.rate import SAMPLE_RATE
from lava_sparse_rnn.signals import interrupted

WIDTH = 2  # bytes of a sample
FORWARD = (b"RIFF", b"RIFX", b"RF64", b"riff", b"fLaC", b"FORM", b".snd")
"""How recordings begin (WAV, W64, FLAC, AIFF, AU) that can be decoded as they come."""
WHOLE = (b"OggS", b"caff", b"ID3")
"""How those begin (OGG, CAF, MP3 by a tag) of which libsndfile sees the end first."""
SAMPLES = (b"data", b"SSND")
"""What stands before the samples: beyond them is not waited for."""
KEPT = 1 << 16  # bytes of a recording, at least


class Incoming:
    """Bytes that come, and no more of them after a stop than had come until then.

    Parameters
    ----------
    file : object
        With a file descriptor that can be read.
    """

    def __init__(self, file: Described) -> None:
        self._file, self._fd = file, file.fileno()
        self._left: int | None = None  # after a stop

    def take(self, most: int, stop: threading.Event) -> bytes | None:
        """At most so many bytes; none where none come for a while; None at the end."""
        if stop.is_set():
            self._left = self._waiting() if self._left is None else self._left
            most = min(most, self._left)
            if most == 0:
                return None
        if not select.select([self._fd], [], [], LOOK_SECONDS)[0]:
            return b"" if self._left is None else None
        data = os.read(self._fd, most)
        if self._left is not None:
            self._left -= len(data)
        return data or None

    def _waiting(self) -> int:
        """Bytes that have come and were not read; only a pipe or socket holds some."""
        mode = os.fstat(self._fd).st_mode
        if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
            return 0
        count = array.array("i", [0])
        fcntl.ioctl(self._fd, termios.FIONREAD, count)
        return count[0]

    def close(self) -> None:
        """Close the file, where it is one that can be closed."""
        getattr(self._file, "close", lambda: None)()


class PipeSource(Lossless):
    """What comes out of a pipe or a device: ``s16le``, or a recording.

    Parameters
    ----------
    file : object
        With a file descriptor that can be read; closed at the end if it can be.
    block : int
        At most so many samples at once; fewer when no more have come.
    rate : int
        Of the samples that come out, Hz. Without a header, also of those that come in.
    name : str
        For errors.

    Raises
    ------
    AudioError
        From `read`: when the pipe ends within a sample; what `wav.read` refuses.
    """

    def __init__(
        self,
        file: Described,
        block: int,
        rate: int = SAMPLE_RATE,
        name: str = "input",
    ) -> None:
        super().__init__()
        self._incoming, self._block = Incoming(file), block
        self._rate, self._name = rate, name
        self._stop = threading.Event()
        self._failed: OSError | None = None
        self._notes: list[str] = []
        self._pieces = self._begin()

    def read(self, stop: threading.Event) -> Samples | None:
        self._stop = stop
        return next(self._pieces, None)

    def notes(self) -> list[str]:
        """What a user should know of a recording that was heard, in lines."""
        return self._notes

    def close(self, complete: bool = True) -> None:
        self._incoming.close()

    def _begin(self) -> Iterator[Samples]:
        """Find out by the first bytes what it is, and hear it."""
        head = b""
        while len(head) < len(max(FORWARD + WHOLE, key=len)):
            data = self._incoming.take(1, self._stop)
            if data is None:
                break
            head += data
            if not data:
                yield np.zeros(0, np.float32)
        if head.startswith(WHOLE):
            parts = [head]
            while (data := self._incoming.take(wav.BLOCK, self._stop)) is not None:
                parts.append(data)
                yield np.zeros(0, np.float32)
            yield from self._recording(io.BytesIO(b"".join(parts)))
        elif head.startswith(FORWARD):
            yield from self._recording(_Coming(head, self._all_of))
        else:
            yield from self._raw(head)

    def _recording(self, file: object) -> Iterator[Samples]:
        try:
            reader = wav.PipeReader(self._name, file, self._block, self._rate)
            yield from reader
            info = reader.info
            if self._stop.is_set():  # it was not heard to its end
                info = replace(info, missing=0)
            self._notes = info.notes()
        except AudioError:
            if not self._stop.is_set():  # what a stop has cut off need not be whole
                raise
        if self._failed is not None:
            raise self._failed

    def _raw(self, rest: bytes) -> Iterator[Samples]:
        data: bytes | None = b""
        while data is not None:
            rest += data
            whole = len(rest) // WIDTH * WIDTH
            yield (np.frombuffer(rest[:whole], "<i2") / 32768).astype(np.float32)
            rest = rest[whole:]
            data = self._incoming.take(self._block * WIDTH, self._stop)
        if rest and not self._stop.is_set():
            raise AudioError(f"{self._name}: ends within a sample; is it s16le?")

    def _all_of(self, count: int) -> bytes:
        """So many bytes, fewer only at the end."""
        found = b""
        try:
            while len(found) < count and not interrupted():
                data = self._incoming.take(count - len(found), self._stop)
                if data is None:
                    break
                found += data
        except OSError as error:  # it may not leave a C callback
            self._failed = error
        return found


class _Coming(EndlessFile):
    """A file of unknown length whose bytes are still to come, for libsndfile.

    Before the first sample it looks at the length, and beyond the samples for what may
    stand there. Then it comes back, so that some of what has come is kept.
    """

    def __init__(self, head: bytes, more: Callable[[int], bytes]) -> None:
        super().__init__()
        self._kept, self._more = bytearray(head), more
        self._first = 0  # the place in the file of what is kept

    def read(self, count: int) -> bytes:
        at, has = self._at - self._first, len(self._kept)
        if at < 0 or (at > has and any(kind in self._kept[-32:] for kind in SAMPLES)):
            return b""
        if at + count > has:
            self._kept += self._more(at + count - has)
        data = bytes(self._kept[at : at + count])
        self._at += len(data)
        if at > 8 * KEPT:
            del self._kept[: at - KEPT]
            self._first += at - KEPT
        return data
