# SPDX-License-Identifier: BSD-3-Clause
"""What is taken for samples."""

from __future__ import annotations

import numpy as np

from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.fixed_point import as_array

# 36 dB above full scale: more than any gain leaves, less than integers as floats have.
_LOUDEST = 64.0
_INTEGER_BITS = (16, 24, 32)


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
    x = as_array(name, samples, AudioError)
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


def check_level(samples: np.ndarray, name: str, first: int = 0) -> None:
    """Refuse what is no sound in [-1, 1]: integers that were turned into floats.

    Some of it is above full scale in many recordings and stays as it is.

    Parameters
    ----------
    samples : array of float, shape (n,) or (n, channels)
        Finite.
    name : str
        What a message calls them.
    first : int
        Number of the first sample.

    Raises
    ------
    AudioError
        Names a sample, and the scale that the samples seem to have.
    """
    size = np.abs(samples)
    if not size.size or (peak := float(size.max())) <= _LOUDEST:
        return
    at = np.unravel_index(int(size.argmax()), size.shape)
    fitting = (bits for bits in _INTEGER_BITS if peak <= 2.0 ** (bits - 1))
    bits = next(fitting, None)
    hint = f"; of {bits}-bit range that is x / {2 ** (bits - 1)}" if bits else ""
    raise AudioError(
        f"{name}: sample {first + int(at[0])} is {float(samples[at]):g}; full scale is "
        f"1{hint}"
    )


def check_sound(samples: np.ndarray, name: str) -> np.ndarray:
    """`check_samples` of sound: their level is looked at, too."""
    x = check_samples(samples, name)
    check_level(x, name)
    return x
