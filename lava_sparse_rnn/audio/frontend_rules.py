# SPDX-License-Identifier: BSD-3-Clause
"""What a denoiser's file says of its front end: words, numbers and their ranges."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from numbers import Integral, Real
from typing import Any

from lava_sparse_rnn.audio.sound.rate import SAMPLE_RATE

TASK = "denoise"
FEATURE = "log1p"
LEVELLED = " of levelled"  # behind that, where there is a running level,
CONTRASTED = ", and its contrasts"  # and where these are heard, too
WINDOW = "sqrt_hann_periodic"
MASK = "1 + output"
LOOKAHEAD = 16
"""The most tokens that a network may hear before it answers."""
STRONGEST = 96
"""The largest attenuation that a network's file may say, dB: 16 bits hold no more."""
LONGEST_LEVEL = 60.0
"""The most seconds in which a running level may be forgotten."""
FASTEST_RISE = 100.0
"""The most dB by which a tracked floor may rise in a second."""


def _number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)


def _positive(value: Any) -> bool:
    return _number(value) and value > 0


def _count(value: Any) -> bool:
    return _positive(value) and isinstance(value, Integral)


def _is_whole(value: Any) -> bool:
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    return whole and int(value) >= 0


def _is_lookahead(value: Any) -> bool:
    return _is_whole(value) and int(value) <= LOOKAHEAD


def _is_strength(value: Any) -> bool:
    return value is None or (_is_whole(value) and int(value) <= STRONGEST)


def _up_to(most: float) -> Callable[[Any], bool]:
    return lambda value: value is None or (_positive(value) and value <= most)


RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "sample_rate": (
        lambda value: _count(value) and value == SAMPLE_RATE,
        f"{SAMPLE_RATE} Hz, the rate that this library hears and plays",
    ),
    "n_fft": (_count, "a whole number above 0"),
    "hop_length": (_count, "a whole number above 0"),
    "magnitude_scale": (_positive, "a finite number above 0"),
    "feature_mean": (_number, "a finite number"),
    "feature_scale": (_positive, "a finite number above 0"),
    "lookahead": (_is_lookahead, f"a whole number from 0 to {LOOKAHEAD}"),
    "linear_bins": (_is_whole, "a whole number from 0 on"),
    "erb_bands": (_is_whole, "a whole number from 0 on"),
    "level_s": (
        _up_to(LONGEST_LEVEL),
        f"seconds above 0, {LONGEST_LEVEL:g} at most, or missing",
    ),
    "floor_rise": (
        _up_to(FASTEST_RISE),
        f"dB a second above 0, {FASTEST_RISE:g} at most, or missing",
    ),
    "strength": (_is_strength, f"whole dB from 0 to {STRONGEST}, or missing"),
}
"""What ``meta`` must hold: a test of the value, and its rule in words."""

DEFAULTS = {
    **{"lookahead": 0, "linear_bins": 0, "erb_bands": 0},
    **{"strength": None, "level_s": None, "floor_rise": None},
}
"""What older files lack."""


def words(levelled: bool, contrasted: bool) -> dict[str, str]:
    """What ``meta`` says that is no number. A front end with a level or contrasts has
    another word, so that versions of this library that know none refuse it.
    """
    feature = FEATURE + levelled * LEVELLED + contrasted * CONTRASTED
    return {"task": TASK, "feature": feature, "window": WINDOW, "mask": MASK}
