# SPDX-License-Identifier: BSD-3-Clause
"""Short parts of the long files of a challenge set, read from disk as they are needed.

A set of the challenges has 60,000 examples of 30 s, some 170 GB. Only the names are
held in memory; of each file that is drawn, only the part that is used is read.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.mixing.config import check_limits
from lava_sparse_rnn.audio.mixing.mixer import stacked
from lava_sparse_rnn.audio.ndns.folder import NdnsFolder
from lava_sparse_rnn.audio.sound import wav
from lava_sparse_rnn.audio.sound.power import frame_powers
from lava_sparse_rnn.audio.sound.rate import SAMPLE_RATE
from lava_sparse_rnn.fixed_point import Brief, brief

_TRIES = 32
# Of 20 ms: speech of -35 dBFS is above that, what a pause is filled with below.
_AUDIBLE = 1e-5
_HELD_OUT_SEED = 20260101


@dataclass(frozen=True)
class SegmentsConfig:
    """What `NdnsSegments` draws; plain values, so that another process can be told.

    Attributes
    ----------
    root : str
        Folder of the set.
    seconds : float
        Length of a part.
    seed : int
        Of all draws.
    held_out : int
        Examples that are kept apart, the same ones whatever the seed.
    only_held_out : bool
        Whether those are drawn, or all others.
    """

    root: str
    seconds: float = 3.0
    seed: int = 0
    held_out: int = 0
    only_held_out: bool = False

    def __post_init__(self) -> None:
        check_limits("seconds", self.seconds)

    @property
    def samples(self) -> int:
        """Samples of a part."""
        return round(self.seconds * SAMPLE_RATE)


class NdnsSegments(Brief):
    """Endless noisy and clean parts of the examples of a set.

    Every example is visited once, in random order, before any comes a second time.
    Part ``index`` depends on the set's names and on ``(seed, index)`` only.

    Parameters
    ----------
    config : SegmentsConfig

    Raises
    ------
    AudioError
        For a folder that is no set, or too small a one to hold that many out.
    """

    kind = "ndns"
    """Name by which a worker process knows this class."""

    def __init__(self, config: SegmentsConfig):
        self.config = config
        self.folder = NdnsFolder(Path(config.root))
        ids = np.array(self.folder.file_ids)
        if config.held_out >= len(ids):
            raise AudioError(
                f"{config.root}: {len(ids)} examples, more than the {config.held_out} "
                "that are held out are needed"
            )
        order = np.random.default_rng(_HELD_OUT_SEED).permutation(len(ids))
        held, rest = order[: config.held_out], order[config.held_out :]
        self._ids = np.sort(ids[held if config.only_held_out else rest])
        self._epoch = -1
        self._order = self._ids

    def _about(self) -> str:
        return f"{brief(str(self.config.root))}, parts of {len(self)} examples"

    @classmethod
    def from_dict(cls, values: dict) -> NdnsSegments:
        """Made anew from `to_dict`."""
        return cls(SegmentsConfig(**values))

    def to_dict(self) -> dict:
        """The configuration as plain values, for another process."""
        return asdict(self.config)

    def __len__(self) -> int:
        """Examples that are visited."""
        return len(self._ids)

    def file_id(self, index: int) -> int:
        """Example that part ``index`` is taken from, unless that part is silent."""
        epoch, place = divmod(index, len(self._ids))
        if epoch != self._epoch:
            rng = np.random.default_rng([self.config.seed, 0, epoch])
            self._order, self._epoch = rng.permutation(self._ids), epoch
        return int(self._order[place])

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Noisy and clean, each float32 (samples,), of part ``index``.

        Raises
        ------
        AudioError
            For a file that cannot be read or does not fit its partner, or where no
            speech is found.
        """
        rng = np.random.default_rng([self.config.seed, 1, index])
        best, loudest = None, 0.0
        for attempt in range(_TRIES):
            # After a pause, or a file without speech, another file is tried.
            key = int(rng.choice(self._ids)) if attempt else self.file_id(index)
            noisy, clean = self._read(key, rng.random())
            power = float(np.max(frame_powers(clean)))
            if power >= _AUDIBLE:
                return noisy, clean
            if power > loudest:
                best, loudest = (noisy, clean), power
        if best is None:
            raise AudioError(
                f"{self.config.root}: {_TRIES} parts in a row have no speech"
            )
        return best

    def _read(self, key: int, at: float) -> tuple[np.ndarray, ...]:
        paths = [self.folder.path(kind, key) for kind in ("noisy", "clean")]
        return wav.read_parts(paths, at, self.config.seconds)

    def batch(self, number: int, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Batch ``number``: parts ``number * size`` and following.

        Returns
        -------
        tuple of numpy.ndarray
            noisy and clean, float32 (size, samples).
        """
        return stacked(self, range(number * size, (number + 1) * size))
