# SPDX-License-Identifier: BSD-3-Clause
"""Audio: STFT front and back end, files, corpus, mixing and metrics.

Names are imported when first used, so importing the room costs nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "DEFAULT_CACHE": "corpus",
    "SAMPLE_RATE": "sound.rate",
    "AudioError": "errors",
    "MissingDependencyError": "errors",
    "fetch": "corpus",
    "open_split": "corpus",
    "Mix": "mixing",
    "Mixer": "mixing",
    "MixerConfig": "mixing",
    "batches": "prefetch",
    "Denoiser": "denoiser",
    "FrontEnd": "frontend",
    "oversubtract": "oversubtraction",
    "Stft": "sound.stft",
    "Analyzer": "sound.stft",
    "Synthesizer": "sound.stft",
    "si_snr": "evaluation.metrics",
    "si_snr_improvement": "evaluation.metrics",
    "find_lag": "evaluation.metrics",
    "NdnsFolder": "ndns",
    "NdnsItem": "ndns",
    "NdnsSegments": "ndns",
    "SegmentsConfig": "ndns",
    "write_set": "ndns",
    "WavInfo": "sound.wav",
}

_MODULES = {
    "metrics": "evaluation.metrics",
    "plots": "sound.plots",
    "stft": "sound.stft",
    "wav": "sound.wav",
}
"""Modules that are used whole, as in ``wav.read``."""

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{_MODULES[name]}")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_MODULES})
