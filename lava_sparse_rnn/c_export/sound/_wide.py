# SPDX-License-Identifier: BSD-3-Clause
"""The denoiser in C at 48 kHz: what its templates have to be told."""

from __future__ import annotations

import numpy as np

from lava_sparse_rnn.audio.frontend import FrontEnd
from lava_sparse_rnn.audio.rates import TOP, WIDE, top_bins
from lava_sparse_rnn.c_export._c import Tables
from lava_sparse_rnn.c_export.sound import _float

FILES = {"_wide.h": "wide.h", "_wide.c": "wide.c"}


def rate(front: FrontEnd) -> int:
    """Hz."""
    return WIDE.factor * front.sample_rate


def words(front: FrontEnd, tables: Tables) -> dict[str, object]:
    """What its templates have to be told, and its tables."""
    top = np.flatnonzero(top_bins(front.bins))
    n, reach = front.n_fft, WIDE.reach
    squared = np.square(front.stft().window[: n // 2 + 1].astype(np.float64))
    before = len(tables.texts)
    _float.floats(tables, "low_pass", WIDE.taps[: reach + 1])
    _float.floats(tables, "overlap", squared * 2 * front.hop_length / n)
    late = WIDE.factor * front.delay + 2 * reach
    return {
        "wide_rate": rate(front),
        "wide_latency_ms": f"{1000 * late / rate(front):g}",
        "nyquist": front.sample_rate // 2,
        "factor": WIDE.factor,
        "reach": reach,
        "top_low": f"{TOP[0]:g}",
        "top_high": f"{TOP[1]:g}",
        "top_first": top[0],
        "top_last": top[-1],
        "wide_tables": "\n\n".join(tables.texts[before:]),
    }


def state_bytes(front: FrontEnd) -> int:
    """What the structure adds to that of 16 kHz."""
    past, hop = 2 * WIDE.reach // WIDE.factor, front.hop_length
    delay = front.delay - hop
    whole = WIDE.factor * (delay + hop) + 2 * WIDE.reach
    numbers = whole + (past + delay + hop) + (past + hop) + past // 2 + front.n_fft
    return _float.FLOAT_BYTES * numbers
