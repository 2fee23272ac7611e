# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of sound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn import pictures
from lava_sparse_rnn.audio.sound.stft import Stft

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RANGE_DB = 70.0  # from the loudest point of any panel down to black


def spectrograms(recordings: Mapping[str, NDArray], sample_rate: int = 16000) -> Figure:
    """Spectrograms one below another, on one scale of colour.

    Parameters
    ----------
    recordings : mapping of str to array, shape (n,)
        Title and samples of each panel.
    sample_rate : int
        Hz.

    Returns
    -------
    Figure
    """
    stft = Stft()
    levels = {
        title: 20 * np.log10(np.abs(stft.analysis(samples, tail=False)).T + 1e-9)
        for title, samples in recordings.items()
    }
    loudest = max((float(v.max()) for v in levels.values() if v.size), default=0.0)
    figure = pictures.figure(9, 2.1 * len(levels) + 0.5)
    axes = figure.subplots(len(levels), 1, sharex=True, squeeze=False)[:, 0]
    image = None
    for axis, (title, level) in zip(axes, levels.items(), strict=True):
        seconds = len(recordings[title]) / sample_rate
        image = axis.imshow(
            level,
            origin="lower",
            aspect="auto",
            extent=(0, seconds, 0, sample_rate / 2000),
            vmin=loudest - RANGE_DB,
            vmax=loudest,
            cmap="magma",
            interpolation="nearest",
        )
        axis.set_title(title, loc="left", fontsize=10)
        axis.set_ylabel("kHz")
    axes[-1].set_xlabel("seconds")
    if image is not None:
        figure.colorbar(image, ax=list(axes), label="dB", shrink=0.8)
    return figure
