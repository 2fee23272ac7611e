# SPDX-License-Identifier: BSD-3-Clause
"""``lava-sparse-rnn denoise``: a recording in, a cleaner recording out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from lava_sparse_rnn.cli._activity import show_activity
from lava_sparse_rnn.cli._backend import (
    FastestOption,
    RateOption,
    RuntimeOption,
    StrengthOption,
    check_runtime,
    fastest,
    lava_runtime,
    open_denoiser,
)
from lava_sparse_rnn.cli._console import console
from lava_sparse_rnn.cli._files import check_outputs, check_picture, check_sound
from lava_sparse_rnn.cli._notices import overflows, speed
from lava_sparse_rnn.cli._options import (
    DEFAULT_NETWORK,
    READ,
    NetworkOption,
    path_argument,
    path_option,
)
from lava_sparse_rnn.progress import bar

if TYPE_CHECKING:
    from lava_sparse_rnn.audio.denoiser import Denoiser, Samples
    from lava_sparse_rnn.audio.sound.wav import Reader


def denoise(
    noisy: Annotated[Path, path_argument(help=f"A recording: {READ}.")],
    output: Annotated[
        Path,
        path_option(
            "-o", "--output", help="The denoised recording: .wav, .flac or .ogg."
        ),
    ],
    network: NetworkOption = DEFAULT_NETWORK,
    clean: Annotated[
        Path | None, path_option(help="The clean recording, to measure SI-SNR.")
    ] = None,
    plot: Annotated[
        Path | None, path_option(help="Draw spectrograms into this picture.")
    ] = None,
    activity: Annotated[
        bool,
        typer.Option(
            "--activity", help="Show how much of each layer the sound keeps busy."
        ),
    ] = False,
    rate: RateOption = 16_000,
    strength: StrengthOption = None,
    backend: FastestOption = None,
    runtime: RuntimeOption = None,
) -> None:
    """Denoise a recording with a network of sparse integers."""
    import numpy as np

    from lava_sparse_rnn.audio.sound import wav
    from lava_sparse_rnn.audio.sound.writer import kind_for

    reads = [noisy, clean, network]
    check_sound(output, reads)
    check_picture(plot, reads)
    check_outputs(output, plot)
    check_runtime(runtime, backend)
    screen = console()
    sound = wav.Reader(noisy, target=rate)
    # A ratio is of the whole; the sound itself passes by in pieces.
    whole = np.concatenate(list(sound)) if clean else None
    reference = None
    if clean is not None and whole is not None:
        reference = _read_clean(clean, len(whole), rate)
    for note in sound.info.notes():
        screen.print(f"{noisy}: {note}")
    if kind_for(output, sound.most)[0] == "RF64":
        screen.print(f"{output}: RF64, which is WAV for more than 4 GiB")
    drawn = _Drawn(sound) if plot else None
    runs = fastest(backend)
    with (
        lava_runtime(runtime),
        open_denoiser(network, runs, strength, rate) as denoiser,
    ):
        start = time.perf_counter()
        written, clipped, denoised = _write(
            denoiser, sound, output, whole is not None, drawn
        )
        seconds = time.perf_counter() - start - (drawn.seconds if drawn else 0)
        counters = denoiser.backend.counters
    if clipped:
        screen.print(f"{output}: {clipped} samples clipped to full scale")
    duration = written / denoiser.sample_rate
    screen.print(f"{speed(duration, seconds)}, with backend {runs}")
    if activity:
        show_activity(screen, denoiser, sound)
    overflows(screen, counters)
    if reference is not None:
        _quality(screen, whole, denoised, reference)
    if plot is not None and drawn is not None:
        drawn.save(plot, rate, reference)
        screen.print(f"spectrograms: {plot}")
    screen.print(f"denoised: {output}")


class _Drawn:
    """Spectrograms of a recording and of what comes of it, gathered in little memory.

    Attributes
    ----------
    seconds : float
        That those of what comes of it took.
    """

    def __init__(self, noisy: Reader) -> None:
        from lava_sparse_rnn.audio.sound.plots import Spectrogram

        self._noisy, self._denoised = Spectrogram(), Spectrogram()
        for piece in noisy:
            self._noisy.add(piece)
        self.seconds = 0.0

    def add(self, denoised: Samples) -> None:
        start = time.perf_counter()
        self._denoised.add(denoised)
        self.seconds += time.perf_counter() - start

    def save(self, path: Path, rate: int, clean: Samples | None) -> None:
        from lava_sparse_rnn import pictures
        from lava_sparse_rnn.audio.sound.plots import spectrograms

        panels: dict = {"noisy": self._noisy, "denoised": self._denoised}
        if clean is not None:
            panels["clean"] = clean
        pictures.save(spectrograms(panels, rate), path)


def _write(
    denoiser: Denoiser, sound: Reader, output: Path, keep: bool, drawn: _Drawn | None
):
    """Denoise into a file; samples written and clipped, and all where they are kept."""
    import numpy as np

    from lava_sparse_rnn.audio.sound.writer import writing

    kept: list[np.ndarray] = []
    hop = denoiser.front_end.hop_length
    total = -(-sound.samples // hop)
    opened = writing(output, rate=denoiser.sample_rate, samples=sound.most)
    with opened as writer, bar() as progress:
        for piece in denoiser.stream(sound):
            writer.write(piece)
            if keep:
                kept.append(piece)
            if drawn is not None:
                drawn.add(piece)
            progress(min(writer.written // hop, total), total)
    return writer.written, writer.clipped, np.concatenate(kept) if keep else None


def _read_clean(path: Path, length: int, rate: int):
    from lava_sparse_rnn.audio.evaluation.metrics import si_snr
    from lava_sparse_rnn.audio.sound import wav

    clean, _ = wav.read(path, rate)
    if len(clean) != length:
        raise ValueError(
            f"--clean: {path} has {len(clean)} samples at {rate / 1000:g} kHz, the "
            f"noisy recording has {length}; they must be equally long"
        )
    try:
        si_snr(clean, clean)  # the ratio has to be defined, before all is done for it
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return clean


def _quality(screen: Console, noisy, denoised, clean) -> None:
    from math import isfinite

    from lava_sparse_rnn.audio.evaluation.metrics import si_snr

    before, after = si_snr(noisy, clean), si_snr(denoised, clean)
    change = f" ({after - before:+.2f} dB)"
    if not isfinite(after - before):  # of silence, or of a recording without noise
        change = "; their difference is not defined"
    screen.print(f"SI-SNR: {before:.2f} dB before, {after:.2f} dB after{change}")
