# SPDX-License-Identifier: BSD-3-Clause
"""Read any WAV, FLAC or OGG file as 16 kHz mono; write 16-bit WAV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.sound.rate import SAMPLE_RATE
from lava_sparse_rnn.files import replacing

_FULL_SCALE = 1.0 - 1.0 / 32768.0
"""Largest value of 16-bit audio; from there on a sample counts as clipped."""


@dataclass(frozen=True)
class WavInfo:
    """What a file held before it became 16 kHz mono.

    Attributes
    ----------
    path : str
    sample_rate : int
        Samples per second in the file.
    channels : int
        Channels in the file; more than one were averaged.
    seconds : float
        Duration.
    clipped : int
        Samples at or beyond full scale, over all channels.
    silent : bool
        Whether every sample is 0.
    """

    path: str
    sample_rate: int
    channels: int
    seconds: float
    clipped: int
    silent: bool

    @property
    def resampled(self) -> bool:
        """Whether the rate was changed to 16 kHz."""
        return self.sample_rate != SAMPLE_RATE

    def notes(self) -> list[str]:
        """Return what a user should know, one line for each point."""
        found = []
        if self.resampled:
            found.append(f"resampled from {self.sample_rate} Hz to {SAMPLE_RATE} Hz")
        if self.channels > 1:
            found.append(f"{self.channels} channels averaged to one")
        if self.clipped:
            found.append(f"{self.clipped} samples clipped")
        if self.silent:
            found.append("silent")
        return found


def _open(path: Path) -> soundfile.SoundFile:
    if path.is_dir():
        raise AudioError(f"{path}: is a folder, an audio file is needed")
    if not path.is_file():
        raise AudioError(f"{path}: not found")
    if path.stat().st_size == 0:
        raise AudioError(f"{path}: empty file")
    try:
        file = soundfile.SoundFile(path)
    except soundfile.LibsndfileError as error:
        raise AudioError(f"{path}: not an audio file ({error.error_string})") from None
    except TypeError as error:
        # What soundfile takes for headerless samples, such as a name in ".raw".
        raise AudioError(
            f"{path}: has no header that tells its sampling rate ({error})"
        ) from None
    if file.frames == 0:
        file.close()
        raise AudioError(f"{path}: holds no samples")
    return file


def _load(path: Path) -> tuple[np.ndarray, int]:
    with _open(path) as file:
        try:
            return file.read(dtype="float32", always_2d=True), file.samplerate
        except soundfile.LibsndfileError as error:
            raise AudioError(
                f"{path}: not an audio file ({error.error_string})"
            ) from None


def _require_finite(x: np.ndarray, name: str) -> None:
    bad = np.flatnonzero(~np.isfinite(x).all(axis=1 if x.ndim > 1 else ()))
    if len(bad):
        value = x[bad[0]] if x.ndim == 1 else x[bad[0]][~np.isfinite(x[bad[0]])][0]
        raise AudioError(
            f"{name}: sample {bad[0]} is {value}; {len(bad)} samples are not finite"
        )


def read(path: str | Path) -> tuple[np.ndarray, WavInfo]:
    """Read a file as 16 kHz mono.

    Parameters
    ----------
    path : str or pathlib.Path
        WAV, FLAC, OGG or whatever else libsndfile knows.

    Returns
    -------
    samples : numpy.ndarray
        float32 (samples,), [-1, 1] unless the file itself goes beyond.
    info : WavInfo
        What was changed on the way and what stood out.

    Raises
    ------
    AudioError
        For a file that is missing, empty, not audio, without samples, or with samples
        that are not finite (the position is named).
    """
    path = Path(path)
    x, rate = _load(path)
    _require_finite(x, str(path))
    mono = x.mean(axis=1, dtype=np.float32) if x.shape[1] > 1 else x[:, 0].copy()
    info = WavInfo(
        path=str(path),
        sample_rate=rate,
        channels=x.shape[1],
        seconds=len(x) / rate,
        clipped=int(np.count_nonzero(np.abs(x) >= _FULL_SCALE)),
        silent=not np.any(x),
    )
    if rate != SAMPLE_RATE:
        mono = soxr.resample(mono, rate, SAMPLE_RATE, quality="HQ")
    return mono, info


def read_parts(
    paths: Sequence[Path], at: float, seconds: float
) -> tuple[np.ndarray, ...]:
    """Read the same part of files that belong together, as 16 kHz mono.

    Only that part is read from disk. What is shorter than `seconds` is repeated.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        Of equal lengths and sampling rates.
    at : float
        Where the part begins, 0 (earliest) to 1 (latest possible place).
    seconds : float

    Returns
    -------
    tuple of numpy.ndarray
        float32 (samples,) of each file.

    Raises
    ------
    AudioError
        As `read` does, and for files that differ in length or rate.
    """
    count = round(seconds * SAMPLE_RATE)
    first: tuple[int, int] | None = None
    parts = []
    for path in paths:
        with _open(path) as file:
            size = file.frames, file.samplerate
            if first is None:
                first = size
            if size != first:
                raise AudioError(
                    f"{path}: {size[0]} samples at {size[1]} Hz, {paths[0]} has "
                    f"{first[0]} at {first[1]} Hz"
                )
            wanted = min(round(seconds * size[1]), size[0])
            file.seek(round(at * (size[0] - wanted)))
            x = file.read(wanted, dtype="float32", always_2d=True)
        _require_finite(x, str(path))
        mono = x.mean(axis=1, dtype=np.float32)
        if size[1] != SAMPLE_RATE:
            mono = soxr.resample(mono, size[1], SAMPLE_RATE, quality="HQ")
        parts.append(np.resize(mono, count))
    return tuple(parts)


def write(path: str | Path, samples: np.ndarray) -> int:
    """Write 16 kHz mono as a 16-bit WAV file.

    The file appears under its name only when it is complete.

    Parameters
    ----------
    path : str or pathlib.Path
    samples : numpy.ndarray
        float (samples,); what is beyond [-1, 1] is clipped.

    Returns
    -------
    int
        Samples that were clipped.

    Raises
    ------
    AudioError
        For a wrong shape or samples that are not finite.
    """
    path = Path(path)
    x = np.asarray(samples)
    if x.ndim != 1 or not np.issubdtype(x.dtype, np.floating):
        raise AudioError(
            f"{path}: samples of shape {x.shape} and type {x.dtype}; "
            "one dimension of floats is needed"
        )
    _require_finite(x, str(path))
    clipped = int(np.count_nonzero(np.abs(x) > 1.0))
    data = np.clip(np.round(x.astype(np.float64) * 32768.0), -32768, 32767)
    pcm = data.astype(np.int16)
    try:
        with replacing(path) as part:
            soundfile.write(part, pcm, SAMPLE_RATE, subtype="PCM_16", format="WAV")
    except (soundfile.LibsndfileError, OSError) as error:
        raise AudioError(f"{path}: cannot be written ({error})") from error
    return clipped
