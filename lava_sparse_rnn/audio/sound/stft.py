# SPDX-License-Identifier: BSD-3-Clause
"""Short-time Fourier transform, offline and streaming, with equal results.

Framing, for anybody who writes the same elsewhere (a torch front end, firmware):

* ``R = n_fft // hop_length`` frames overlap at every sample.
* Frame ``t`` holds samples ``[(t + 1) * hop_length - n_fft, (t + 1) * hop_length)``
  of the signal, zeros before its start: it is complete as soon as hop ``t`` has been
  heard, nothing looks ahead.
* Analysis: ``rfft(w * frame)``.  Synthesis: ``w * irfft(row) / c``, overlapped and
  added, where ``w[n] = sqrt(0.5 - 0.5 * cos(2 * pi * n / n_fft))`` is the square root
  of the periodic Hann window and ``c = sum_k w[n + k * hop_length]**2 = R / 2``.
* Samples of hop ``h`` are complete after frame ``h + R - 1``.  Offline synthesis is
  aligned with the input; streaming synthesis comes ``n_fft - hop_length`` samples
  later, and its first ``n_fft - hop_length`` samples lie before the signal.

The algorithmic latency, from a sample to the moment its result may be played, is
``n_fft`` samples (32 ms of 512 at 16 kHz): ``n_fft - hop_length`` of overlap and one
hop that has to be filled.

Frames are transformed one by one, offline too: a batched transform may round
differently, and streaming has to give the very same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.sound.fft import irfft, rfft
from lava_sparse_rnn.audio.sound.samples import check_samples
from lava_sparse_rnn.fixed_point import Brief

LONGEST = 2**16
"""Samples of the longest frame, 4 s at 16 kHz: a file decides how long one is."""


@dataclass(frozen=True)
class Stft:
    """Window, hop and number format of a transform.

    Parameters
    ----------
    n_fft : int
        Samples of a frame, even, 4 to 65,536.
    hop_length : int
        Samples between frames; divides ``n_fft``, at most half of it.
    dtype : type
        ``numpy.float32`` or ``numpy.float64``.

    Attributes
    ----------
    window : numpy.ndarray
        (n_fft,), square root of the periodic Hann window.
    bins : int
        ``n_fft // 2 + 1``.
    overlap : int
        ``n_fft - hop_length``, samples that streaming output is late.
    latency : int
        ``n_fft``, samples.

    Raises
    ------
    AudioError
        When no perfect reconstruction follows from the numbers.

    Examples
    --------
    >>> import numpy as np
    >>> stft = Stft()
    >>> x = np.linspace(-1, 1, 1000, dtype=np.float32)
    >>> X = stft.analysis(x)
    >>> X.shape
    (11, 257)
    >>> bool(np.allclose(stft.synthesis(X, len(x)), x, atol=1e-6))
    True
    """

    n_fft: int = 512
    hop_length: int = 128
    dtype: type = np.float32
    window: np.ndarray = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        n, hop = self.n_fft, self.hop_length
        if not 4 <= n <= LONGEST or n % 2:
            raise AudioError(f"n_fft {n}: must be even, from 4 to {LONGEST}")
        if hop < 1 or n % hop or n // hop < 2:
            raise AudioError(
                f"hop_length {hop}: must divide n_fft {n} at least twice, else overlap "
                "and add does not reconstruct"
            )
        if np.dtype(self.dtype) not in (np.float32, np.float64):
            raise AudioError(f"dtype {self.dtype}: known are float32 and float64")
        phase = 2.0 * np.pi * np.arange(n) / n
        window = np.sqrt(0.5 - 0.5 * np.cos(phase)).astype(self.dtype)
        window.flags.writeable = False
        object.__setattr__(self, "window", window)

    @property
    def bins(self) -> int:
        """Frequencies of a frame."""
        return self.n_fft // 2 + 1

    @property
    def ratio(self) -> int:
        """Frames that overlap at a sample."""
        return self.n_fft // self.hop_length

    @property
    def overlap(self) -> int:
        """Samples by which streaming output is late."""
        return self.n_fft - self.hop_length

    @property
    def latency(self) -> int:
        """Algorithmic latency, samples."""
        return self.n_fft

    def frames(self, samples: int, tail: bool = True) -> int:
        """Count the frames of a signal.

        Parameters
        ----------
        samples : int
            Length of the signal.
        tail : bool
            Count the last hop, filled with zeros, and the ``R - 1`` frames that
            complete it; else only whole hops.

        Returns
        -------
        int
        """
        if not tail:
            return samples // self.hop_length
        if samples == 0:
            return 0
        return -(-samples // self.hop_length) + self.ratio - 1

    def _forward(self, frame: np.ndarray) -> np.ndarray:
        return rfft(frame * self.window)

    def _inverse(self, row: np.ndarray) -> np.ndarray:
        scale = self.window.dtype.type(2.0 / self.ratio)
        return irfft(row, self.n_fft) * self.window * scale

    @property
    def _complex(self) -> type:
        return np.result_type(self.dtype, np.complex64).type

    def _signal(self, x: np.ndarray) -> np.ndarray:
        return check_samples(x, "signal").astype(self.dtype, copy=False)

    def _rows(self, X: np.ndarray) -> np.ndarray:
        X = np.asarray(X)
        if X.ndim != 2 or X.shape[1] != self.bins:
            raise AudioError(f"spectrum of shape {X.shape}: (T, {self.bins}) is needed")
        if X.dtype.kind not in "fc":
            raise AudioError(f"spectrum of type {X.dtype}: complex is needed")
        return X.astype(self._complex, copy=False)

    def analysis(self, x: np.ndarray, tail: bool = True) -> NDArray[np.complexfloating]:
        """Transform a whole signal.

        Parameters
        ----------
        x : numpy.ndarray
            float (samples,), finite.
        tail : bool
            As in :meth:`frames`; needed to reconstruct the last samples.

        Returns
        -------
        numpy.ndarray
            complex64 or complex128 (T, bins), ``T = frames(samples, tail)``.
        """
        x = self._signal(x)
        count = self.frames(len(x), tail)
        padded = np.zeros(self.overlap + max(count * self.hop_length, len(x)), x.dtype)
        padded[self.overlap : self.overlap + len(x)] = x
        out = np.empty((count, self.bins), self._complex)
        for t in range(count):
            at = t * self.hop_length
            out[t] = self._forward(padded[at : at + self.n_fft])
        return out

    def synthesis(self, X: np.ndarray, length: int | None = None) -> np.ndarray:
        """Transform back, aligned with the signal that was analysed.

        Parameters
        ----------
        X : numpy.ndarray
            complex (T, bins).
        length : int, optional
            Samples to return; none means ``T * hop_length - overlap``, all that are
            complete.

        Returns
        -------
        numpy.ndarray
            (length,); samples without frames are 0, and the last ``overlap`` samples
            of a spectrum made with ``tail=False`` are not complete.
        """
        X = self._rows(X)
        total = np.zeros(self.overlap + len(X) * self.hop_length, self.dtype)
        for t, row in enumerate(X):
            at = t * self.hop_length
            total[at : at + self.n_fft] += self._inverse(row)
        total = total[self.overlap :]
        if length is None:
            length = max(0, len(X) * self.hop_length - self.overlap)
        if length <= len(total):
            return total[:length]
        return np.concatenate([total, np.zeros(length - len(total), self.dtype)])


class Analyzer(Brief):
    """Streaming analysis: chunks of any size in, frames out.

    The frames are those of :meth:`Stft.analysis`, bit by bit.

    Parameters
    ----------
    stft : Stft
    """

    def _about(self) -> str:
        return repr(self.stft)

    def __init__(self, stft: Stft):
        self.stft = stft
        self.reset()

    def reset(self) -> None:
        """Forget all that was heard."""
        # The last n_fft - hop samples, then what has come of the current hop.
        self._buffer = np.zeros(self.stft.overlap, self.stft.dtype)
        self._heard = 0

    def process(self, chunk: np.ndarray) -> np.ndarray:
        """Take samples, return the frames they complete.

        Parameters
        ----------
        chunk : numpy.ndarray
            float (samples,), finite; any number, also 0.

        Returns
        -------
        numpy.ndarray
            complex (k, bins), k may be 0.
        """
        stft = self.stft
        chunk = stft._signal(chunk)
        self._heard += len(chunk)
        data = np.concatenate([self._buffer, chunk])
        count = (len(data) - stft.overlap) // stft.hop_length
        out = np.empty((count, stft.bins), stft._complex)
        for t in range(count):
            at = t * stft.hop_length
            out[t] = stft._forward(data[at : at + stft.n_fft])
        self._buffer = data[count * stft.hop_length :].copy()
        return out

    def flush(self) -> np.ndarray:
        """End the signal: return the frames that :meth:`Stft.analysis` adds, reset.

        Returns
        -------
        numpy.ndarray
            complex (k, bins).
        """
        stft = self.stft
        target = stft.frames(self._heard) * stft.hop_length
        out = self.process(np.zeros(max(0, target - self._heard), stft.dtype))
        self.reset()
        return out


class Synthesizer(Brief):
    """Streaming synthesis: frames in, ``hop_length`` samples for each out.

    Sample ``n`` of the stream is sample ``n - overlap`` of :meth:`Stft.synthesis`,
    bit by bit.

    Parameters
    ----------
    stft : Stft
    """

    def _about(self) -> str:
        return repr(self.stft)

    def __init__(self, stft: Stft):
        self.stft = stft
        self.reset()

    def reset(self) -> None:
        """Forget all frames."""
        self._buffer = np.zeros(self.stft.n_fft, self.stft.dtype)

    def process(self, X: np.ndarray) -> np.ndarray:
        """Take frames, return the samples they complete.

        Parameters
        ----------
        X : numpy.ndarray
            complex (k, bins), k may be 0.

        Returns
        -------
        numpy.ndarray
            (k * hop_length,).
        """
        stft, buffer = self.stft, self._buffer
        X = stft._rows(X)
        hop = stft.hop_length
        out = np.empty(len(X) * hop, stft.dtype)
        for t, row in enumerate(X):
            buffer += stft._inverse(row)
            out[t * hop : (t + 1) * hop] = buffer[:hop]
            buffer[:-hop] = buffer[hop:]
            buffer[-hop:] = 0
        return out
