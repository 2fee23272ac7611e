# SPDX-License-Identifier: BSD-3-Clause
"""DNSMOS P.835: what listeners would say, by the networks of package speechmos.

Source: Reddy, Gopal and Cutler, "DNSMOS P.835", ICASSP 2022 (arXiv 2110.01763).
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lava_sparse_rnn import messages
from lava_sparse_rnn.audio.errors import AudioError, MissingDependencyError
from lava_sparse_rnn.audio.sound.samples import check_sound

_RATE = 16000
_WINDOW_S = 9.01


@dataclass(frozen=True)
class Mos:
    """Mean opinion scores, 1 (bad) to 5 (excellent).

    Attributes
    ----------
    ovrl, sig, bak : float
        Overall, the speech, the background.
    """

    ovrl: float
    sig: float
    bak: float


def dnsmos(samples: np.ndarray) -> Mos:
    """Score one recording.

    Parameters
    ----------
    samples : numpy.ndarray
        float (n,) at 16 kHz. What is shorter than 9.01 s is repeated, as in the
        challenge's own script; values beyond [-1, 1] are clipped.

    Returns
    -------
    Mos

    Raises
    ------
    MissingDependencyError
        Without the extra ``evaluate``.
    AudioError
        For an empty signal.
    """
    if not len(samples):
        raise AudioError("DNSMOS of no samples: at least one is needed")
    scorer = _scorer()
    x = np.clip(check_sound(samples, "DNSMOS").astype(np.float64), -1.0, 1.0)
    counts, rows = [], []
    for window, count in _windows(x):
        given = {"input_1": window.astype(np.float32)[None]}
        rows.append(scorer.onnx_sess.run(None, given)[0][0])
        counts.append(count)
    sig, bak, ovrl = scorer.get_polyfit_val(*np.array(rows).T, False)
    return Mos(*(float(np.average(v, weights=counts)) for v in (ovrl, sig, bak)))


@functools.cache
def _scorer() -> Any:
    """The package's networks, in memory."""
    try:
        from speechmos import dnsmos as package  # type: ignore[import-not-found]
    except ImportError as error:
        raise MissingDependencyError(
            f"DNSMOS needs the extra 'evaluate': {messages.install('evaluate')} "
            f"({error})"
        ) from None
    folder = Path(package.__file__).parent / "dnsmos_models"
    names = ("sig_bak_ovr.onnx", "model_v8.onnx")  # of the second one nothing is asked
    return package.DNSMOS(*(str(folder / name) for name in names))


def _windows(x: np.ndarray) -> Iterator[tuple[np.ndarray, int]]:
    """The windows of the challenge's own script, and how often it has each of them.

    They are of 9.01 s and begin every second; a signal that is shorter is doubled until
    it is not, so that windows come again where it is of whole seconds.
    """
    period, size = len(x), int(_WINDOW_S * _RATE)
    while len(x) < size:
        x = np.append(x, x)
    hops = range(int(np.floor(len(x) / _RATE) - _WINDOW_S) + 1)
    # The script leaves out windows that end a sample early by its own rounding.
    whole = (i for i in hops if int((i + _WINDOW_S) * _RATE) - i * _RATE >= size)
    for start, count in Counter(i * _RATE % period for i in whole).items():
        yield x[start : start + size], count
