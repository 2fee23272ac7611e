# SPDX-License-Identifier: BSD-3-Clause
"""Peers that are compiled libraries."""

from __future__ import annotations

import ctypes
import importlib
from collections.abc import Callable

import numpy as np
import soxr

from lava_sparse_rnn.audio.errors import MissingDependencyError
from lava_sparse_rnn.audio.peers._package import file_of

RNNOISE = "pyrnnoise==0.4.5"
SPEEX = "speexdsp-ns-vulcanlabs==0.1.3"

_RNNOISE_RATE = 48000
_SPEEX_FRAME = 320  # 20 ms


def rnnoise() -> Callable[[np.ndarray], np.ndarray]:
    """RNNoise at its own 48 kHz: the signal is resampled there and back.

    A frame comes out two frames of 10 ms late, which are taken out here.
    """
    library = ctypes.CDLL(str(file_of(RNNOISE, "librnnoise.so")))
    floats = ctypes.POINTER(ctypes.c_float)
    library.rnnoise_create.restype = ctypes.c_void_p
    library.rnnoise_create.argtypes = [ctypes.c_void_p]
    library.rnnoise_destroy.argtypes = [ctypes.c_void_p]
    library.rnnoise_process_frame.restype = ctypes.c_float
    library.rnnoise_process_frame.argtypes = [ctypes.c_void_p, floats, floats]
    size = library.rnnoise_get_frame_size()

    def denoise(noisy: np.ndarray) -> np.ndarray:
        x = soxr.resample(noisy.astype(np.float32), 16000, _RNNOISE_RATE)
        count = -(-len(x) // size) + 2
        frames = np.zeros((count, size), dtype=np.float32)
        frames.reshape(-1)[: len(x)] = x * 32768.0
        state = library.rnnoise_create(None)
        try:
            for frame in frames:
                at = frame.ctypes.data_as(floats)
                library.rnnoise_process_frame(state, at, at)
        finally:
            library.rnnoise_destroy(state)
        late = frames.reshape(-1)[2 * size : 2 * size + len(x)] / np.float32(32768.0)
        y = soxr.resample(late, _RNNOISE_RATE, 16000)
        return np.pad(y, (0, max(len(noisy) - len(y), 0)))[: len(noisy)]

    return denoise


def speex() -> Callable[[np.ndarray], np.ndarray]:
    """The noise suppressor of Speex, frames of 20 ms, no training at all.

    The answer is one frame late, which is taken out here.
    """
    file_of(SPEEX, "speexdsp_ns.py")  # says how to install it
    try:
        module = importlib.import_module("speexdsp_ns")
    except ImportError as error:
        raise MissingDependencyError(f"package {SPEEX}: {error}") from None

    def denoise(noisy: np.ndarray) -> np.ndarray:
        suppressor = module.NoiseSuppression.create(_SPEEX_FRAME, 16000)
        count = -(-len(noisy) // _SPEEX_FRAME) + 1
        frames = np.zeros((count, _SPEEX_FRAME), np.int16)
        clipped = np.clip(np.rint(noisy * 32768.0), -32768, 32767)
        frames.reshape(-1)[: len(noisy)] = clipped
        parts = [suppressor.process(frame.tobytes()) for frame in frames]
        out = np.frombuffer(b"".join(parts), dtype=np.int16)
        late = out[_SPEEX_FRAME : _SPEEX_FRAME + len(noisy)]
        return late / np.float32(32768.0)

    return denoise
