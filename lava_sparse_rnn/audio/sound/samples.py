# SPDX-License-Identifier: BSD-3-Clause
"""What is taken for samples."""

from __future__ import annotations

import numpy as np

from lava_sparse_rnn.audio.errors import AudioError


def check_samples(samples: np.ndarray, name: str) -> np.ndarray:
    """Samples as an array, when they are one dimension of finite floats.

    Parameters
    ----------
    samples : array of float, shape (n,)
        In [-1, 1] where they are sound; integers would be 32,768 times too loud.
    name : str
        What a message calls them.

    Raises
    ------
    AudioError
    """
    x = np.asarray(samples)
    if x.ndim != 1 or not np.issubdtype(x.dtype, np.floating):
        hint = ""
        if x.dtype.kind in "iu":
            full = 2 ** (8 * x.dtype.itemsize - 1)
            scaled = f"x / {full}" if x.dtype.kind == "i" else f"(x - {full}) / {full}"
            hint = f" in [-1, 1]; of {x.dtype} that is {scaled}"
        raise AudioError(
            f"{name}: samples of shape {x.shape} and type {x.dtype}; "
            f"one dimension of floats is needed{hint}"
        )
    if not (finite := np.isfinite(x)).all():
        bad = np.flatnonzero(~finite)
        raise AudioError(
            f"{name}: sample {bad[0]} is {x[bad[0]]}; {len(bad)} samples are not finite"
        )
    return x
