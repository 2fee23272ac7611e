# SPDX-License-Identifier: BSD-3-Clause
"""``lava-sparse-rnn denoise``: a recording in, a cleaner recording out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from lava_sparse_rnn.cli._progress import tokens_bar
from lava_sparse_rnn.cli._run import BackendOption, overflows

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
    backend: BackendOption = "lava",
) -> None:
    """Denoise a recording with a network of sparse integers."""
    from lava_sparse_rnn import spec
    from lava_sparse_rnn.audio import wav
    from lava_sparse_rnn.audio.denoiser import Denoiser

    console = Console()
    samples, about = wav.read(noisy)
    reference = None if clean is None else _read_clean(clean, len(samples))
    for note in about.notes():
        console.print(f"{noisy}: {note}")
    denoiser = Denoiser(spec.load(network), backend)
    start = time.perf_counter()
    with tokens_bar() as progress:
        denoised = denoiser.denoise(samples, progress)
    seconds = time.perf_counter() - start
    clipped = wav.write(output, denoised)
    if clipped:
        console.print(f"{output}: {clipped} samples clipped to full scale")
    _report(console, denoiser, samples, seconds, backend)
    overflows(console, denoiser.backend.counters)
    if reference is not None:
        _quality(console, samples, denoised, reference)
    if plot is not None:
        _plot(plot, samples, denoised, reference)
        console.print(f"spectrograms: {plot}")
    console.print(f"denoised: {output}")


def _read_clean(path: Path, length: int):
    from lava_sparse_rnn.audio import wav

    clean, _ = wav.read(path)
    if len(clean) != length:
        raise ValueError(
            f"{path}: {len(clean)} samples at 16 kHz, the noisy recording has {length}"
        )
    return clean


def _report(console: Console, denoiser, samples, seconds: float, backend: str) -> None:
    from lava_sparse_rnn.spec import reference, statistics

    network = denoiser.network
    duration = len(samples) / denoiser.front_end.sample_rate
    console.print(
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
    console.print(table)


def _quality(console: Console, noisy, denoised, clean) -> None:
    from lava_sparse_rnn.audio.metrics import si_snr

    before, after = si_snr(noisy, clean), si_snr(denoised, clean)
    console.print(
        f"SI-SNR: {before:.2f} dB before, {after:.2f} dB after "
        f"({after - before:+.2f} dB)"
    )


def _plot(path: Path, noisy, denoised, clean) -> None:
    from lava_sparse_rnn.audio.plots import spectrograms

    panels = {"noisy": noisy, "denoised": denoised}
    if clean is not None:
        panels["clean"] = clean
    spectrograms(panels, path)
