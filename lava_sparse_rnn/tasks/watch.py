# SPDX-License-Identifier: BSD-3-Clause
"""Exercises that a smartwatch feels, as a task: six sensors, split by person.

The recordings are those of Burns et al. (arXiv 1802.01489), which the package
seglearn 1.2.5 carries as ``seglearn/data/watch_dataset.npy``.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from lava_sparse_rnn.tasks._sequences import Parts, Sequences
from lava_sparse_rnn.tasks._varying import packed, resampled
from lava_sparse_rnn.tasks.arrays import Arrays, SequenceConfig
from lava_sparse_rnn.train.sections import FREE, FilePath
from lava_sparse_rnn.train.tasks import RawBatch

RATE = 50
"""Tokens of a second."""

_MAGIC = b"\x93NUMPY"

_TILT = 0.4  # radians that a watch sits askew, at most
_PACE = (0.75, 1.35)  # tokens before, of one after
_STRENGTH = (0.8, 1.25)  # of what differs from the mean


class WatchConfig(SequenceConfig):
    """Recordings of exercises, and how they are cut."""

    path: FilePath | None = Field(
        default=None,
        description="watch_dataset.npy of the package seglearn",
        json_schema_extra=FREE,
    )
    head: Literal["sequence", "mean", "last"] = "mean"
    test: tuple[int, ...] = Field(
        default=(9, 10), min_length=1, description="persons who are the test set"
    )
    watched: tuple[int, ...] = Field(
        default=(8,), min_length=1, description="persons whom a training watches"
    )
    window: int = Field(
        default=150, ge=10, description=f"tokens of a sequence, at {RATE} Hz"
    )
    hop: int = Field(default=75, ge=1, description="tokens from one to the next")
    vary: bool = Field(
        default=True,
        description="an exercise is done a little otherwise every time it is seen",
    )

    @model_validator(mode="after")
    def _check(self) -> WatchConfig:
        if both := sorted(set(self.test) & set(self.watched)):
            raise ValueError(f"test and watched both have person {both[0]}")
        return self


class Watch(Arrays):
    """Which of seven exercises of the shoulder is done; one answer a window."""

    Settings = WatchConfig
    settings: WatchConfig
    token_s = 1 / RATE
    classes = ("PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW")

    @classmethod
    def read(cls, settings: WatchConfig) -> Parts:
        """See `Arrays`."""
        data = load(Path(settings.path or ""))
        persons = np.asarray(data["subject"])
        known = sorted({int(p) for p in persons})
        for field in ("test", "watched"):
            for person in getattr(settings, field):
                if person not in known:
                    raise ValueError(
                        f"data.{field}: no person {person}; the persons are {known}"
                    )
        apart = np.isin(persons, settings.test)
        watched = np.isin(persons, settings.watched)
        rows = (~(apart | watched), watched, apart)
        if not rows[0].any():
            raise ValueError("data.test and data.watched leave nobody to train on")
        return Parts(*(_windows(data, np.flatnonzero(r), settings) for r in rows))

    def vary(self, batch: RawBatch, rng: np.random.Generator) -> RawBatch:
        """See `Arrays`: another person's pace and strength, the watch sits askew."""
        if not self.settings.vary:
            return batch
        ends = zip(batch[0], batch[2].tolist(), strict=True)
        return packed([_varied(x[:end], rng) for x, end in ends], batch, self._mean)


def _varied(x: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """One window (T, 6), three axes of acceleration and three of rotation."""
    pace, strength = rng.uniform(*_PACE), rng.uniform(*_STRENGTH)
    tokens = min(len(x), int((len(x) - 1) / pace) + 1)
    x = resampled(x, np.arange(tokens) * pace)
    mean = x.mean(axis=0)
    turn = _rotation(rng.standard_normal(3), rng.uniform(0, _TILT))
    parts = (mean + strength * (x - mean)) * np.repeat((1.0, pace), 3)
    return (parts.reshape(-1, 2, 3) @ turn).reshape(-1, 6).astype(np.float32)


def _rotation(axis: NDArray, angle: float) -> NDArray:
    """A matrix (3, 3) that turns by an angle, in radians (Rodrigues)."""
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def _windows(
    data: dict[str, Any], rows: NDArray[np.intp], settings: WatchConfig
) -> Sequences:
    """Overlapping windows of some recordings."""
    x, y = [], []
    for row in rows:
        series = np.asarray(data["X"][row], np.float32)
        last = len(series) - settings.window
        if last < 0:
            raise ValueError(
                f"data.window is {settings.window}, recording {row} has "
                f"{len(series)} samples"
            )
        starts = range(0, last + 1, settings.hop)
        x += [series[first : first + settings.window] for first in starts]
        y += [int(data["y"][row])] * len(starts)
    labels = np.array(y)
    if settings.head == "sequence":
        labels = np.repeat(labels[:, None], settings.window, axis=1)
    return Sequences.of(np.array(x), labels, None, settings.head, "cross_entropy")


def _latin1(text: str, encoding: str) -> bytes:
    """Bytes, as Python 3 writes them into a pickle that Python 2 can read."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it has bytes written as {encoding!r}")
    return text.encode("latin1")


class _Arrays(pickle.Unpickler):
    """Reads arrays, lists and numbers; a file can make it call nothing else."""

    _KNOWN = (
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        *(
            (f"numpy.{core}.{part}", name)
            for core in ("core", "_core")
            for part, name in (("multiarray", "_reconstruct"), ("multiarray", "scalar"))
        ),
    )

    def find_class(self, module: str, name: str) -> Any:
        """Of the few names that arrays need."""
        if (module, name) == ("_codecs", "encode"):
            return _latin1
        if (module, name) not in self._KNOWN:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return super().find_class(module, name)


def load(path: Path) -> dict[str, Any]:
    """Recordings of a file like seglearn's.

    The file is a pickle; only arrays, lists and numbers are read from it.

    Returns
    -------
    dict
        ``X``, a list of arrays (samples, 6); ``y`` and ``subject``, whole numbers.

    Raises
    ------
    ValueError
        If the file cannot be read or holds something else.
    """
    try:
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise ValueError("it is no .npy")
            file.seek(0)
            version = np.lib.format.read_magic(file)
            read = getattr(np.lib.format, f"read_array_header_{version[0]}_0")
            read(file)
            found = _Arrays(file, encoding="latin1").load()
        data = found.item() if isinstance(found, np.ndarray) else found
        if not isinstance(data, dict) or not {"X", "y", "subject"} <= set(data):
            raise ValueError("it holds no X, y and subject")
        sizes = {name: len(data[name]) for name in ("X", "y", "subject")}
        if len(set(sizes.values())) != 1:
            raise ValueError(f"its arrays differ in length: {sizes}")
    except FileNotFoundError:
        raise ValueError(f"data.path: {path} does not exist") from None
    except (OSError, ValueError, EOFError, AttributeError, pickle.PickleError) as error:
        raise ValueError(
            f"data.path: {path} is not seglearn's watch_dataset.npy ({error})"
        ) from None
    return data
