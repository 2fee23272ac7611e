# SPDX-License-Identifier: BSD-3-Clause
"""Batches made by processes of their own, without torch: a DataLoader starts slower.

A worker of torch's DataLoader (forkserver) imports torch first: 5.5 to 9 s to its first
batch and 290 MB, where one of these took 1 s and 62 MB (two busy cores, the same
batches of an N-DNS set, which came equally fast from then on).

A worker is started as a fresh interpreter and writes batches to its standard output.
Unlike a forked worker it shares no thread or lock with the training process, and
unlike a spawned one it does not import the caller's main script.  When the training
process ends, however that happens, the pipe closes and the worker ends too.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import queue
import struct
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from typing import cast

import numpy as np

from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.mixing.config import MixerConfig
from lava_sparse_rnn.audio.mixing.mixer import Mixer
from lava_sparse_rnn.audio.ndns.segments import NdnsSegments

try:
    import fcntl
except ImportError:  # not a POSIX system: pipes stay as they are
    fcntl = None

_PIPE = 2**20  # bytes that wait to be read: as many as Linux lets everybody ask for
_HEADER = struct.Struct("<cq")  # kind of message, bytes that follow
# A batch, a defect of ours with its traceback, a fault of the user's files.
_BATCH, _ERROR, _FAULT = b"B", b"E", b"F"

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


def _widen(pipe: int) -> None:
    """Let more wait in a pipe, where the system does so; slower, not worse, if not."""
    if fcntl is not None and hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):  # a limit of the system, or of all pipes
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)


class _Worker:
    """One process and the thread that takes its batches."""

    def __init__(self, task: dict, depth: int, shape: tuple[int, ...]):
        env = {**os.environ, **ENVIRONMENT}
        self._shape = shape
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, json.dumps(task)],
            stdout=subprocess.PIPE,
            env=env,
        )
        self._pipe = cast(io.BufferedReader, self._process.stdout)
        _widen(self._pipe.fileno())
        self._queue: queue.Queue = queue.Queue(depth)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def _read(self, buffer: memoryview) -> bool:
        done = 0
        while done < len(buffer):
            count = self._pipe.readinto(buffer[done:])
            if not count:
                return False
            done += count
        return True

    def _put(self, item: object) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(queue.Full):
                self._queue.put(item, timeout=0.1)
                return

    def _take(self) -> None:
        header = bytearray(_HEADER.size)
        while not self._stop.is_set():
            if not self._read(memoryview(header)):
                if not self._stop.is_set():
                    code = self._process.wait()
                    text = f"the mixing process ended with exit code {code}"
                    self._put(RuntimeError(text))
                return
            kind, size = _HEADER.unpack(header)
            if kind != _BATCH:
                text = bytearray(size)
                self._read(memoryview(text))
                self._put(_ERRORS[kind](text.decode()))
                return
            batch = np.empty(self._shape, dtype=np.float32)
            if self._read(batch.data.cast("B")):
                self._put(batch)

    def get(self) -> np.ndarray:
        item = self._queue.get()
        if isinstance(item, Exception):
            raise item
        return item

    def close(self) -> None:
        self._stop.set()
        self._process.kill()
        self._process.wait()
        self._thread.join()
        self._pipe.close()


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
        Batches that each worker keeps ready.
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
        When a number is below 1, or ``start`` below 0; for a file that a worker
        cannot use.
    RuntimeError
        With the worker's traceback, when mixing fails there.
    """
    least_1 = {"size": size, "prefetch": prefetch, "workers": workers}
    for name, value in {**least_1, "stride": stride}.items():
        if value < 1:
            raise AudioError(f"{name} {value}: must be at least 1")
    if start < 0:
        raise AudioError(f"start {start}: must not be below 0")
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
    crew = [_Worker(task, prefetch, shape) for task in tasks]
    try:
        done = 0
        while count is None or done < count:
            yield tuple(crew[done % len(crew)].get())
            done += 1
    finally:
        for worker in crew:
            worker.close()


def _main(task: dict) -> None:
    """Write batches to standard output until nobody reads them."""
    # Whatever is printed by accident must not get between the batches.
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    try:
        mixer = _DRAWERS[task["kind"]].from_dict(task["drawer"])
        make, number = getattr(mixer, task["call"]), task["start"]
        while True:
            batch = np.asarray(make(number, task["size"]))
            _write(out, _BATCH, batch.data.cast("B"))
            number += task["step"]
    except (BrokenPipeError, KeyboardInterrupt):
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
