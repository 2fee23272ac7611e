# SPDX-License-Identifier: BSD-3-Clause
"""DNSMOS P.835: what listeners would say, by the networks of package speechmos.

Source: Reddy, Gopal and Cutler, "DNSMOS P.835", ICASSP 2022 (arXiv 2110.01763).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lava_sparse_rnn import messages
from lava_sparse_rnn.audio.errors import AudioError, MissingDependencyError
from lava_sparse_rnn.audio.sound.samples import check_sound

_RATE = 16000


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
    try:
        from speechmos import dnsmos as networks  # type: ignore[import-not-found]
    except ImportError as error:
        raise MissingDependencyError(
            f"DNSMOS needs the extra 'evaluate': {messages.install('evaluate')} "
            f"({error})"
        ) from None
    x = np.clip(check_sound(samples, "DNSMOS").astype(np.float64), -1.0, 1.0)
    found: Any = networks.run(x, _RATE)  # a dict, for one recording
    return Mos(*(float(found[f"{name}_mos"]) for name in ("ovrl", "sig", "bak")))
