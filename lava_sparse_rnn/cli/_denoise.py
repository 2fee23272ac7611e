# SPDX-License-Identifier: BSD-3-Clause
"""``lava-sparse-rnn denoise``: a recording in, a cleaner recording out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from lava_sparse_rnn.cli._backend import FastestOption, fastest, open_denoiser
from lava_sparse_rnn.cli._console import console
from lava_sparse_rnn.cli._files import check_outputs, check_picture
from lava_sparse_rnn.cli._progress import tokens_bar
from lava_sparse_rnn.cli._run import overflows

DEFAULT_NETWORK = Path("data/denoiser.net")
ACTIVITY_TOKENS = 4000  # half a minute is enough for averages


def denoise(
    noisy: Annotated[Path, typer.Argument(help="A recording: WAV, FLAC or OGG.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The denoised recording (WAV).")
    ],
    network: Annotated[
        Path, typer.Option("--network", "-n", help="The network that denoises.")
    ] = DEFAULT_NETWORK,
    clean: Annotated[
        Path | None, typer.Option(help="The clean recording, to measure SI-SNR.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw spectrograms into this picture.")
    ] = None,
    backend: FastestOption = None,
) -> None:
    """Denoise a recording with a network of sparse integers."""
    from lava_sparse_rnn.audio.sound import wav

    check_outputs(output)
    check_picture(plot)
    check_network(network)
    screen = console()
    samples, about = wav.read(noisy)
    reference = None if clean is None else _read_clean(clean, len(samples))
    for note in about.notes():
        screen.print(f"{noisy}: {note}")
    runs = fastest(backend)
    with open_denoiser(network, runs) as denoiser, tokens_bar() as progress:
        start = time.perf_counter()
        denoised = denoiser.denoise(samples, progress)
        seconds = time.perf_counter() - start
        counters = denoiser.backend.counters
    clipped = wav.write(output, denoised)
    if clipped:
        screen.print(f"{output}: {clipped} samples clipped to full scale")
    _report(screen, denoiser, samples, seconds, runs)
    overflows(screen, counters)
    if reference is not None:
        _quality(screen, samples, denoised, reference)
    if plot is not None:
        _plot(plot, samples, denoised, reference)
        screen.print(f"spectrograms: {plot}")
    screen.print(f"denoised: {output}")


def check_network(path: Path) -> None:
    """Say where the default is from, to a user who is in another folder."""
    if path == DEFAULT_NETWORK and not path.is_file():
        raise ValueError(
            f"{path}: no such file; --network names the file of a network, the default "
            f"is the repository's {DEFAULT_NETWORK}, found from the repository's root"
        )


def _read_clean(path: Path, length: int):
    from lava_sparse_rnn.audio.sound import wav

    clean, _ = wav.read(path)
    if len(clean) != length:
        raise ValueError(
            f"{path}: {len(clean)} samples at 16 kHz, the noisy recording has {length}"
        )
    return clean


def _report(screen: Console, denoiser, samples, seconds: float, backend: str) -> None:
    from lava_sparse_rnn.spec import reference, statistics

    network = denoiser.network
    duration = len(samples) / denoiser.front_end.sample_rate
    screen.print(
        f"{duration:.2f} s of sound in {seconds:.2f} s with backend {backend}: "
        f"real-time factor {seconds / max(duration, 1e-9):.2f}"
    )
    tokens = denoiser.tokens(samples)[:ACTIVITY_TOKENS]
    if not len(tokens):
        return
    trace: dict = {}
    reference.run(network, tokens, trace)
    rows = statistics.activity(network, tokens, trace)
    sizes = statistics.matrix_sizes(network)
    table = Table(title=f"activity over {len(tokens)} tokens", title_justify="left")
    for name in ("layer", "type", "weights", "zero", "silent", "synops/token", "of"):
        table.add_column(name, justify="left" if name == "silent" else "right")
    for row in rows:
        own = [m for m in sizes if m.layer == row.layer]
        total, nnz = sum(m.total for m in own), sum(m.nnz for m in own)
        silent = "\n".join(f"{k} {v:.0%}" for k, v in row.silent.items())
        table.add_row(
            str(row.layer),
            row.type,
            f"{total:,}",
            f"{1 - nnz / total:.1%}",
            silent,
            f"{row.synops:,.0f}",
            f"{row.dense_synops:,}",
        )
    table.add_section()
    table.add_row(
        "all",
        "",
        f"{sum(m.total for m in sizes):,}",
        f"{statistics.sparsity(network):.1%}",
        "",
        f"{sum(r.synops for r in rows):,.0f}",
        f"{sum(r.dense_synops for r in rows):,}",
    )
    screen.print(table)


def _quality(screen: Console, noisy, denoised, clean) -> None:
    from lava_sparse_rnn.audio.evaluation.metrics import si_snr

    before, after = si_snr(noisy, clean), si_snr(denoised, clean)
    screen.print(
        f"SI-SNR: {before:.2f} dB before, {after:.2f} dB after "
        f"({after - before:+.2f} dB)"
    )


def _plot(path: Path, noisy, denoised, clean) -> None:
    from lava_sparse_rnn.audio.sound.plots import spectrograms

    panels = {"noisy": noisy, "denoised": denoised}
    if clean is not None:
        panels["clean"] = clean
    spectrograms(panels, path)
