# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of sound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn import pictures
from lava_sparse_rnn.audio.sound.stft import Analyzer, Stft

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RANGE_DB = 70.0  # from the loudest point of any panel down to black

COLUMNS = 4096
"""Of a panel at most: several for each dot of a picture that is printed or shown."""

_PIECE = 1 << 15  # samples whose frames are held at once


class Spectrogram:
    """What is drawn of a recording that comes in pieces, in little memory.

    A frame is a column. Where there would be more than `COLUMNS`, two neighbours become
    one with their mean power, as often as it takes.

    Attributes
    ----------
    samples : int
        That have come.
    """

    def __init__(self) -> None:
        self.samples = 0
        self._analyzer = Analyzer(Stft())
        self._sums = np.zeros((0, self._analyzer.stft.bins), np.float32)
        self._each = 1  # frames of a column
        self._last, self._left = self._sums.sum(axis=0), 0  # of one that is not full

    def add(self, samples: NDArray) -> None:
        """Take the next samples, float (n,)."""
        for at in range(0, len(samples), _PIECE):
            frames = self._analyzer.process(samples[at : at + _PIECE])
            self._gather(np.abs(frames) ** 2)
        self.samples += len(samples)

    @property
    def levels(self) -> NDArray:
        """Decibels (bins, columns) of the columns' mean power."""
        means = self._sums / self._each
        if self._left:
            means = np.concatenate([means, self._last[None] / self._left])
        return 20 * np.log10(np.sqrt(means).T + 1e-9)

    def _gather(self, powers: NDArray) -> None:
        if not len(powers):
            return
        starts = np.arange(-self._left, len(powers), self._each).clip(0)
        sums = np.add.reduceat(powers, starts, axis=0)
        sums[0] += self._last
        full, self._left = divmod(self._left + len(powers), self._each)
        self._last = sums[-1] if self._left else np.zeros_like(self._last)
        self._sums = np.concatenate([self._sums, sums[:full]])
        while len(self._sums) > COLUMNS:
            self._halve()

    def _halve(self) -> None:
        if len(self._sums) % 2:
            self._last, self._left = (
                self._last + self._sums[-1],
                self._left + self._each,
            )
        pairs = len(self._sums) // 2
        self._sums = self._sums[: 2 * pairs].reshape(pairs, 2, -1).sum(axis=1)
        self._each *= 2


def spectrograms(
    recordings: Mapping[str, NDArray | Spectrogram], sample_rate: int = 16000
) -> Figure:
    """Spectrograms one below another, on one scale of colour.

    Parameters
    ----------
    recordings : mapping of str to array, shape (n,), or Spectrogram
        Title and samples of each panel, or what was gathered of them.
    sample_rate : int
        Hz.

    Returns
    -------
    Figure
    """
    panels = {title: _gathered(samples) for title, samples in recordings.items()}
    levels = {title: panel.levels for title, panel in panels.items()}
    loudest = max((float(v.max()) for v in levels.values() if v.size), default=0.0)
    figure = pictures.figure(9, 2.1 * len(levels) + 0.5)
    axes = figure.subplots(len(levels), 1, sharex=True, squeeze=False)[:, 0]
    image = None
    for axis, (title, level) in zip(axes, levels.items(), strict=True):
        seconds = panels[title].samples / sample_rate
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


def _gathered(recording: NDArray | Spectrogram) -> Spectrogram:
    if isinstance(recording, Spectrogram):
        return recording
    gathered = Spectrogram()
    gathered.add(recording)
    return gathered
