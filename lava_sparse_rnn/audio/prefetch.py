# SPDX-License-Identifier: BSD-3-Clause
"""Batches made by processes of their own, without torch: a DataLoader starts slower.

A worker of torch's DataLoader (forkserver) imports torch first: 5.5 to 9 s to its first
batch and 290 MB, where one of these took 1 s and 62 MB (two busy cores, the same
batches of an N-DNS set, which came equally fast from then on).

A worker is started as a fresh interpreter and asked for each batch, which it leaves in
memory that both share, or else writes to its standard output. Unlike a forked worker it
shares no thread or lock with the training process, and unlike a spawned one it does not
import the caller's main script.  When the training process ends, however that happens,
the pipes close and the worker ends too.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import json
import math
import mmap
import os
import signal
import struct
import subprocess
import sys
import threading
import traceback
import weakref
from collections.abc import Iterator
from typing import cast

import numpy as np

from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.mixing.config import MixerConfig
from lava_sparse_rnn.audio.mixing.mixer import Mixer
from lava_sparse_rnn.audio.ndns.segments import NdnsSegments
from lava_sparse_rnn.handover import Handover

try:
    import fcntl
except ImportError:  # not a POSIX system: it shares no memory here
    fcntl = None

_HEADER = struct.Struct("<cq")  # kind of message, bytes that follow
# A batch, in shared memory or behind the header; a defect of ours with its traceback,
# a fault of the user's files.
_SHARED, _BATCH, _ERROR, _FAULT = b"S", b"B", b"E", b"F"
_ASKED = b"A"  # what a worker reads before it makes a batch

ENVIRONMENT = {
    # One core for a worker: its arrays are too small to be worth more.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    # Freed memory is kept: page faults cost more than the arithmetic.
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**31 - 1),
    "MALLOC_TOP_PAD_": str(2**26),
}
"""Of a worker, besides that of the process it serves."""

Drawer = Mixer | NdnsSegments
_DRAWERS: dict[str, type[Drawer]] = {c.kind: c for c in (Mixer, NdnsSegments)}


_ERRORS = {
    _ERROR: lambda text: RuntimeError("mixing failed:\n" + text),
    _FAULT: AudioError,
}


@contextlib.contextmanager
def _shared(size: int) -> Iterator[tuple[int | None, np.ndarray | None]]:
    """Memory of so many bytes, and its descriptor for a process that is started.

    Neither where there is no such: then a pipe copies twice, a page at a time, which is
    three times as much work.
    """
    with contextlib.ExitStack() as stack:
        try:
            made = os.memfd_create("batches")
            stack.callback(os.close, made)
            os.ftruncate(made, size)
            found = _opened(made)
            # Not one of the first three, which the process has for itself.
            low = fcntl.F_DUPFD_CLOEXEC  # type: ignore[union-attr]
            memory = fcntl.fcntl(made, low, 3)  # type: ignore[union-attr]
            stack.callback(os.close, memory)
        except (AttributeError, OSError):  # not Linux, or one that forbids it
            memory = found = None
        yield memory, found


def _opened(memory: int | None) -> np.ndarray | None:
    """What has been shared, as float32."""
    return None if memory is None else np.frombuffer(mmap.mmap(memory, 0), np.float32)


class _Worker:
    """One process and the thread that takes its batches."""

    def __init__(self, task: dict, depth: int, shape: tuple[int, ...]):
        env = {**os.environ, **ENVIRONMENT}
        self._shape, self._ahead, self._owner = shape, depth > 0, os.getpid()
        with _shared(4 * math.prod(shape)) as (memory, self._memory):
            task = {**task, "memory": memory}
            # A terminal's Ctrl-C is for who asks, and that one ends this process.
            before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
            try:
                signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
                self._process = subprocess.Popen(
                    [sys.executable, "-m", __name__, json.dumps(task)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    env=env,
                    pass_fds=() if memory is None else (memory,),
                )
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self._asks = cast(io.BufferedWriter, self._process.stdin)
        self._pipe = cast(io.BufferedReader, self._process.stdout)
        self._made = Handover[np.ndarray | Exception](max(depth, 1))
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()
        _working.add(self)

    def _read(self, buffer: memoryview) -> bool:
        done = 0
        while done < len(buffer):
            count = self._pipe.readinto(buffer[done:])
            if not count:
                return False
            done += count
        return True

    def _take(self) -> None:
        header = bytearray(_HEADER.size)
        if self._ahead:
            self.ask()
        while not self._made.closed:
            if not self._read(memoryview(header)):
                if not self._made.closed:
                    code = self._process.wait()
                    text = f"the mixing process ended with exit code {code}"
                    self._made.put(RuntimeError(text))
                return
            kind, size = _HEADER.unpack(header)
            if kind in _ERRORS:
                text = bytearray(size)
                self._read(memoryview(text))
                self._made.put(_ERRORS[kind](text.decode()))
                return
            batch = np.empty(self._shape, dtype=np.float32)
            if kind == _SHARED:
                np.copyto(batch.reshape(-1), cast(np.ndarray, self._memory))
            elif not self._read(batch.data.cast("B")):
                continue
            if self._ahead:
                self.ask()
            self._made.put(batch)

    def ask(self) -> None:
        """Have the next batch made."""
        with contextlib.suppress(OSError, ValueError):  # it has ended: `_take` sees it
            self._asks.write(_ASKED)
            self._asks.flush()

    def get(self) -> np.ndarray:
        if self._made.closed:
            raise RuntimeError("the mixing process was ended")
        item = self._made.get()
        if isinstance(item, Exception):
            raise item
        return item

    def close(self) -> None:
        """End the process and the thread; a second call does nothing.

        Neither does one in a fork, which has no such thread, but its locks.
        """
        if os.getpid() != self._owner:
            return
        self._made.close()
        self._process.kill()
        self._process.wait()
        self._thread.join()
        self._pipe.close()
        with contextlib.suppress(OSError):
            self._asks.close()


_working: weakref.WeakSet[_Worker] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """End those of batches that nobody has closed.

    Later, when Python takes its modules apart, their threads stand still already: who
    waits for one then waits for ever.
    """
    with contextlib.ExitStack() as stack:  # all of them, whatever one raises
        for worker in tuple(_working):
            stack.callback(worker.close)


def batches(
    mixer: Drawer | MixerConfig,
    size: int,
    start: int = 0,
    count: int | None = None,
    prefetch: int = 4,
    workers: int = 1,
    stride: int = 1,
) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield batches prepared in the background.

    Batch ``k`` is ``mixer.batch(k, size)``, whatever the number of workers.

    Parameters
    ----------
    mixer : Mixer, MixerConfig or NdnsSegments
        What to draw.
    size : int
        Pairs in a batch.
    start : int
        Number of the first batch: a run that restarts gives the number of batches it
        has used.
    count : int or None
        Batches to yield; None for no end.
    prefetch : int
        Batches that each worker keeps ready. With 0 none is made before it is needed;
        then all workers make one each, so that they and who waits for them never want
        the same cores.
    workers : int
        Processes.
    stride : int
        From the number of one batch to that of the next; with more than 1 others
        can make the batches between.

    Yields
    ------
    tuple of numpy.ndarray
        noisy and clean, float32 (size, samples), new arrays each time.

    Raises
    ------
    AudioError
        When ``size``, ``workers`` or ``stride`` is below 1, or another number below 0;
        for a file that a worker cannot use.
    RuntimeError
        With the worker's traceback, when mixing fails there.
    """
    for name, value in {"size": size, "workers": workers, "stride": stride}.items():
        if value < 1:
            raise AudioError(f"{name} {value}: must be at least 1")
    for name, value in {"start": start, "prefetch": prefetch}.items():
        if value < 0:
            raise AudioError(f"{name} {value}: must not be below 0")
    if isinstance(mixer, MixerConfig):
        mixer = Mixer(mixer)  # a missing corpus is told here, not by a worker
    shape = (2, size, mixer.config.samples)
    tasks = _tasks(mixer, "batch", size, start, workers, stride)
    return _stream(tasks, shape, count, prefetch)


def parts(
    mixer: MixerConfig,
    size: int,
    start: int = 0,
    prefetch: int = 4,
    workers: int = 1,
    stride: int = 1,
) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield what batches are mixed of, `Mixer.parts`, made in the background.

    Parameters
    ----------
    mixer, size, start, prefetch, workers, stride
        As in `batches`.

    Yields
    ------
    tuple of numpy.ndarray
        Two or three, float32 (size, samples).
    """
    tasks = _tasks(Mixer(mixer), "parts", size, start, workers, stride)
    return _stream(tasks, (mixer.parts, size, mixer.samples), None, prefetch)


def _tasks(
    mixer: Drawer, call: str, size: int, start: int, workers: int, stride: int
) -> list[dict]:
    """What each worker is told: which method of the drawer it calls, for what."""
    common = {"kind": mixer.kind, "drawer": mixer.to_dict(), "size": size}
    common |= {"call": call, "step": workers * stride}
    return [{**common, "start": start + i * stride} for i in range(workers)]


def _stream(
    tasks: list[dict], shape: tuple[int, ...], count: int | None, prefetch: int
) -> Iterator[tuple[np.ndarray, ...]]:
    crew: list[_Worker] = []
    try:
        for task in tasks:
            crew.append(_Worker(task, prefetch, shape))
        done = 0
        while count is None or done < count:
            if not prefetch and done % len(crew) == 0:
                for worker in crew:
                    worker.ask()
            yield tuple(crew[done % len(crew)].get())
            done += 1
    finally:
        for worker in crew:
            worker.close()


def _main(task: dict) -> None:
    """Make a batch whenever asked to, until nobody is left to ask."""
    # Whatever is printed by accident must not get between the batches.
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    try:
        mixer = _DRAWERS[task["kind"]].from_dict(task["drawer"])
        make, number = getattr(mixer, task["call"]), task["start"]
        shared = _opened(task["memory"])
        while sys.stdin.buffer.read(1):
            batch = np.asarray(make(number, task["size"]))
            if shared is None:
                _write(out, _BATCH, batch.data.cast("B"))
            else:
                np.copyto(shared, batch.reshape(-1))
                _write(out, _SHARED, memoryview(b""))
            number += task["step"]
    except BrokenPipeError:
        return
    except AudioError as error:
        with contextlib.suppress(BrokenPipeError):
            _write(out, _FAULT, memoryview(str(error).encode()))
    except Exception:
        with contextlib.suppress(BrokenPipeError):
            _write(out, _ERROR, memoryview(traceback.format_exc().encode()))


def _write(out, kind: bytes, content: memoryview) -> None:
    view = memoryview(_HEADER.pack(kind, len(content)))
    for part in (view, content):
        while len(part):
            part = part[out.write(part) :]


if __name__ == "__main__":
    _main(json.loads(sys.argv[1]))
