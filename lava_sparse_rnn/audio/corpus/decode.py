# SPDX-License-Identifier: BSD-3-Clause
"""Decode any audio file to 16 kHz mono and cut the silence off its ends."""

from __future__ import annotations

import io

import numpy as np
import scipy.signal
import soundfile
import soxr

from lava_sparse_rnn import messages
from lava_sparse_rnn.audio.errors import AudioError, MissingDependencyError
from lava_sparse_rnn.audio.sound.power import frame_levels
from lava_sparse_rnn.audio.sound.rate import FRAME, SAMPLE_RATE
from lava_sparse_rnn.signals import uninterrupted

_MARGIN = 5
"""Frames kept around sound: soft onsets and endings are sound too."""

# Below 30 Hz there is only offset and rumble of the microphone.
_HIGH_PASS = scipy.signal.butter(
    2, 30.0, btype="highpass", fs=SAMPLE_RATE, output="sos"
)


def require_av():
    """Import PyAV, or say which extra brings it.

    Raises
    ------
    MissingDependencyError
        When PyAV is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise MissingDependencyError(
            "decoding the corpus needs PyAV, which is not installed: "
            + messages.install("train")
        ) from error
    return av


def _mono(frame) -> np.ndarray:
    """Average the channels of one decoded frame into float64 (n,) in [-1, 1]."""
    a = frame.to_ndarray()
    if not frame.format.is_planar:
        a = a.reshape(-1, len(frame.layout.channels)).T
    if a.dtype.kind == "u":
        a = (a.astype(np.float64) - 128.0) / 128.0
    elif a.dtype.kind == "i":
        a = a.astype(np.float64) / -float(np.iinfo(a.dtype).min)
    return a.mean(axis=0, dtype=np.float64)


def _decode_av(file, options: dict) -> tuple[np.ndarray, int]:
    av = require_av()
    with av.open(file, metadata_errors="ignore", **options) as container:
        frames = list(container.decode(container.streams.audio[0]))
    rates = {frame.sample_rate for frame in frames}
    if len(rates) != 1:
        raise ValueError(f"{len(rates)} sampling rates in one stream")
    return np.concatenate([_mono(frame) for frame in frames]), rates.pop()


def _decode_soundfile(file) -> tuple[np.ndarray, int]:
    if hasattr(file, "seek"):
        file.seek(0)
    with uninterrupted(), soundfile.SoundFile(file) as sound:
        # Told how many, as libsndfile cannot seek to find out in all that it decodes.
        x = sound.read(sound.frames, dtype="float64", always_2d=True)
        return x.mean(axis=1), sound.samplerate


def decode(file: str | io.BytesIO, name: str, **options) -> np.ndarray:
    """Decode one file to 16 kHz mono.

    Parameters
    ----------
    file : str or io.BytesIO
        Path or content.
    name : str
        What an error message calls it.
    **options
        Passed to ``av.open``: ``format`` and ``options`` of headerless files.

    Returns
    -------
    numpy.ndarray
        float32 (samples,), not limited to [-1, 1].

    Raises
    ------
    AudioError
        When neither PyAV nor libsndfile can decode it.
    """
    av = require_av()
    try:
        x, rate = _decode_av(file, options)
    # Some Ogg streams are refused by one library and read by the other.
    except (av.FFmpegError, ValueError, IndexError) as first:
        try:
            x, rate = _decode_soundfile(file)
        except (RuntimeError, TypeError) as second:
            raise AudioError(f"{name}: cannot be decoded ({first}; {second})") from None
    if rate != SAMPLE_RATE:
        x = soxr.resample(x, rate, SAMPLE_RATE, quality="HQ")
    return x.astype(np.float32)


def _active(levels: np.ndarray) -> np.ndarray:
    """Tell the frames that hold the sound from those that hold its background."""
    loud, floor = float(np.max(levels)), float(np.percentile(levels, 5))
    # 6 dB above the background, but a steady sound is no background.
    limit = max(loud - 40.0, min(floor + 6.0, loud - 18.0))
    return levels > limit


def _widen(active: np.ndarray, frames: int) -> np.ndarray:
    """Mark also ``frames`` frames around each marked one."""
    return np.convolve(active, np.ones(2 * frames + 1), mode="same") > 0.5


def silence_pauses(x: np.ndarray) -> np.ndarray:
    """Fade the background out where nobody speaks for a fifth of a second or more.

    A voice to be learnt must not teach that some noise is to be kept.

    Parameters
    ----------
    x : numpy.ndarray
        float32 (samples,), speech.

    Returns
    -------
    numpy.ndarray
        float32 (samples,).
    """
    levels = frame_levels(x)
    keep = _widen(_active(levels), _MARGIN).astype(np.float32)
    if keep.all():
        return x
    # The gain moves from one frame centre to the next, so nothing clicks.
    centres = (np.arange(len(keep)) + 0.5) * FRAME
    gain = np.interp(np.arange(len(x)), centres, keep)
    return x * gain.astype(np.float32)


def clean_up(
    x: np.ndarray, longest: float, voice: bool
) -> tuple[np.ndarray, float] | None:
    """Remove offset and rumble, cut silent ends, limit the length, set the peak.

    Parameters
    ----------
    x : numpy.ndarray
        float32 (samples,) at 16 kHz.
    longest : float
        Seconds kept.
    voice : bool
        Cut the background at the ends too, not only silence.

    Returns
    -------
    samples : numpy.ndarray
        float32 with a peak of 0.9 (16 bits are then used well whatever the level of
        the recording).
    span : float
        Distance of the loud frames (90th percentile) from the quiet ones (5th), dB,
        before the ends were cut: the pauses tell how clean a recording is.

    None is returned instead when less than 0.3 s is left or nothing is audible.
    """
    if len(x) < FRAME or not np.all(np.isfinite(x)):
        return None
    # Started in the steady state of the first sample, or an offset would be a click.
    state = scipy.signal.sosfilt_zi(_HIGH_PASS) * x[0]
    x = scipy.signal.sosfilt(_HIGH_PASS, x, zi=state)[0].astype(np.float32)
    levels = frame_levels(x)
    if np.max(levels) < -60.0:
        return None
    span = float(np.percentile(levels, 90) - np.percentile(levels, 5))
    found = _active(levels) if voice else levels > np.max(levels) - 50.0
    active = np.flatnonzero(found)
    first = max(0, int(active[0]) - _MARGIN) * FRAME
    last = (int(active[-1]) + 1 + _MARGIN) * FRAME
    x = x[first : min(last, first + int(longest * SAMPLE_RATE))]
    if len(x) < 0.3 * SAMPLE_RATE:
        return None
    return x * np.float32(0.9 / np.max(np.abs(x))), span


def to_store(
    x: np.ndarray, longest: float, kind: str, split: str
) -> tuple[np.ndarray, float] | None:
    """A recording as flat files hold it.

    Parameters
    ----------
    x : numpy.ndarray
        float32 (samples,) at 16 kHz.
    longest : float
        Seconds kept.
    kind : str
        ``"speech"``, ``"noise"``, or ``"rooms"``: responses stay as they are.
    split : str
        The pauses of speech to be learnt are silenced.

    Returns
    -------
    samples : numpy.ndarray
        int16 (length,).
    floor_db : float
        Distance of loud from quiet frames, see `clean_up`.

    None is returned instead for what is too short or silent.
    """
    if kind == "rooms":
        peak = float(np.max(np.abs(x), initial=0.0))
        if not 0.0 < peak < np.inf:  # not for NaN either
            return None
        return np.round(x * (32767.0 / peak)).astype(np.int16), 0.0
    cleaned = clean_up(x, longest, voice=kind == "speech")
    if cleaned is None:
        return None
    x, span = cleaned
    if kind == "speech" and split == "train":
        x = silence_pauses(x)
    return np.round(x * 32767.0).astype(np.int16), round(span, 1)
