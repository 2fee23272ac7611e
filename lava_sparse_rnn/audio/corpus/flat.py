# SPDX-License-Identifier: BSD-3-Clause
"""Many short clips in one memory-mapped file of 16-bit samples, with an index.

``<name>.npy`` holds all samples one after another, ``<name>.json`` where each clip
begins and where it is from.  Thousands of small files would cost more to open than
to read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.sound.rate import SAMPLE_RATE
from lava_sparse_rnn.files import replacing

FORMAT = 1
"""Version of the index; a reader refuses any other."""

UNIT = np.float32(1.0 / 32768.0)
"""What the samples of a flat file are multiples of."""


@dataclass(frozen=True)
class Clip:
    """One recording inside a flat file.

    Attributes
    ----------
    offset, length : int
        Samples.
    file : str
        Path inside the package.
    group : str
        Speaker or family of noises.
    package, licence : str
        Where the recording is from, and under which terms.
    floor_db : float
        Distance of the loud frames (90th percentile) from the quiet ones (5th) in the
        recording before anything was cut, dB: how clean a voice is, since the pauses
        show the noise.
    family : str
        Kind of a noise, where one group is less than that: recordings of one family
        follow each other, and tables count by it. Empty means the group.
    edge_hz : float
        Where the band ends, if below what 16 kHz can hold; 0 if not.
    """

    offset: int
    length: int
    file: str
    group: str
    package: str
    licence: str
    floor_db: float
    family: str = ""
    edge_hz: float = 0.0

    @property
    def kind(self) -> str:
        """Speaker, or kind of noise."""
        return self.family or self.group

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.length / SAMPLE_RATE


def write_json(path: Path, value: object) -> None:
    """Write JSON under a temporary name, then rename."""
    text = json.dumps(value, indent=0, ensure_ascii=False)
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


def write_flat(
    stem: Path, clips: Iterable[Clip], samples: Iterable[np.ndarray], **extra
) -> None:
    """Write ``stem.npy`` and ``stem.json``; the index comes last, so it vouches.

    Parameters
    ----------
    stem : pathlib.Path
        Path without suffix.
    clips : iterable of Clip
        Their offsets are set here.
    samples : iterable of numpy.ndarray
        int16 (length,) of each clip, in the same order.
    **extra
        Further entries of the index.
    """
    clips = list(clips)
    total = sum(clip.length for clip in clips)
    index = stem.with_name(stem.name + ".json")
    # A map of no samples is impossible, an empty file of one sample is harmless.
    header = {"descr": "<i2", "fortran_order": False, "shape": (max(1, total),)}
    rows, offset = [], 0
    with (
        replacing(stem.with_name(stem.name + ".npy")) as part,
        part.open("wb") as file,  # no map: what has no room on the disk would end us
    ):
        np.lib.format.write_array_header_1_0(file, header)
        for clip, x in zip(clips, samples, strict=True):
            file.write(np.asarray(x, "<i2").reshape(clip.length).tobytes())
            rows.append({**asdict(clip), "offset": offset})
            offset += clip.length
        file.write(bytes(0 if total else 2))
        index.unlink(missing_ok=True)
    write_json(
        index, {"format": FORMAT, "sample_rate": SAMPLE_RATE, **extra, "clips": rows}
    )


class FlatFile:
    """Read access to one flat file.

    Parameters
    ----------
    stem : pathlib.Path
        Path without suffix.

    Attributes
    ----------
    clips : tuple of Clip
    header : dict
        Index without the clips.

    Raises
    ------
    AudioError
        When a file is missing, of another format version, or shorter than its index.
    """

    def __init__(self, stem: Path):
        self._stem = stem
        index = stem.with_name(stem.name + ".json")
        data = stem.with_name(stem.name + ".npy")
        for path in (index, data):
            if not path.is_file():
                raise AudioError(
                    f"{path}: not found; fetch the corpus first "
                    "(lava-sparse-rnn data fetch)"
                )
        try:
            self.header = json.loads(index.read_text(encoding="utf-8"))
            version = self.header["format"]
        except (ValueError, KeyError, TypeError) as error:
            raise AudioError(f"{index}: not an index of a flat file") from error
        if version != FORMAT:
            raise AudioError(f"{index}: format {version}, this version reads {FORMAT}")
        self.clips = tuple(Clip(**row) for row in self.header.pop("clips"))
        # Without the class of a map, whose every slice costs more than its reading.
        self._data = np.load(data, mmap_mode="r").view(np.ndarray)
        need = max((clip.offset + clip.length for clip in self.clips), default=0)
        if need > len(self._data):
            raise AudioError(
                f"{data}: {len(self._data)} samples, its index needs {need}"
            )

    def __reduce__(self) -> tuple[type[FlatFile], tuple[Path]]:
        return FlatFile, (self._stem,)  # opened again, not all samples sent along

    def __len__(self) -> int:
        return len(self.clips)

    def __iter__(self) -> Iterator[Clip]:
        return iter(self.clips)

    def raw(self, i: int) -> np.ndarray:
        """Return the int16 samples of clip ``i`` (a view of the map)."""
        clip = self.clips[i]
        return self._data[clip.offset : clip.offset + clip.length]

    def samples(self, i: int, start: int = 0, count: int | None = None) -> np.ndarray:
        """Return float32 samples of clip ``i`` in [-1, 1].

        Parameters
        ----------
        i : int
            Index of the clip.
        start, count : int
            Part of the clip, samples; ``count=None`` means up to the end.
        """
        stop = None if count is None else start + count
        return np.multiply(self.raw(i)[start:stop], UNIT, dtype=np.float32)
