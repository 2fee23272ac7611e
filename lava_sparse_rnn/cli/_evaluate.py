# SPDX-License-Identifier: BSD-3-Clause
"""``lava-sparse-rnn evaluate``: scores of a denoiser on a set of mixtures."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from lava_sparse_rnn.cli._backend import FastestOption, fastest, open_denoiser
from lava_sparse_rnn.cli._board import Costs, board_entry, count_costs
from lava_sparse_rnn.cli._console import console
from lava_sparse_rnn.cli._files import check_outputs
from lava_sparse_rnn.cli._info import NetworkFile
from lava_sparse_rnn.cli._progress import tokens_bar
from lava_sparse_rnn.cli._run import overflows
from lava_sparse_rnn.cli._tables import show_table
from lava_sparse_rnn.files import replacing


def evaluate(
    network: NetworkFile,
    data: Annotated[
        Path, typer.Option(help="A set in the N-DNS layout: noisy/, clean/.")
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Everything, as JSON.")
    ] = None,
    backend: FastestOption = None,
    peer: Annotated[
        list[str] | None,
        typer.Option(help="Another denoiser on the same files; may be repeated."),
    ] = None,
    beside: Annotated[
        list[Path] | None,
        typer.Option(
            help="Another network (.net), or the float checkpoint of a training "
            "(float.safetensors), on the same files; may be repeated."
        ),
    ] = None,
    dnsmos: Annotated[
        bool, typer.Option("--dnsmos", help="Also score with DNSMOS (slow).")
    ] = False,
    board: Annotated[
        Path | None,
        typer.Option(help="Entry for the N-DNS challenge's metricsboard, YAML."),
    ] = None,
) -> None:
    """Score a denoiser: SI-SNR, DNSMOS, latency and power proxies, beside its peers."""
    from lava_sparse_rnn.audio import NdnsFolder
    from lava_sparse_rnn.audio.evaluation import scores as evaluation

    check_outputs(output, board)
    folder = NdnsFolder(data)
    runs = fastest(backend)
    own = network.stem
    with contextlib.ExitStack() as stack:
        denoiser = stack.enter_context(open_denoiser(network, runs))
        systems = {
            own: denoiser.denoise,
            **_others(beside or [], runs, own, stack),
            **_peers(peer or []),
        }
        with tokens_bar("mixes") as progress:
            scores = evaluation.evaluate(systems, folder, progress, dnsmos)
        costs = count_costs(denoiser, folder, network)
        counters = denoiser.backend.counters
    screen = console()
    _show(screen, scores, data)
    overflows(screen, counters)
    _show_costs(screen, own, costs, peer or [])
    if output is not None:
        values = {
            "scores": evaluation.as_json(scores),
            "costs": {own: costs.as_dict()},
        }
        _write(output, json.dumps(values, indent=2) + "\n")
    if board is not None:
        _write(board, board_entry(own, network, scores[own][-1], costs))


def _others(paths: list[Path], backend: str, own: str, stack: contextlib.ExitStack):
    """Further networks: integers by their file's name, floats by their run's."""
    systems = {}
    for path in paths:
        if path.suffix == ".safetensors":
            from lava_sparse_rnn.train.float_denoiser import FloatDenoiser

            name, made = f"{path.parent.name} (float)", FloatDenoiser(path)
        else:
            name = path.stem
            made = stack.enter_context(open_denoiser(path, backend))
        if name in (own, *systems):
            raise ValueError(f"beside: {path}: a second network named {name!r}")
        systems[name] = made.denoise
    return systems


def _peers(names: list[str]):
    """Denoisers of other packages, by name."""
    from lava_sparse_rnn.audio.peers import PEERS

    unknown = sorted(set(names) - PEERS.keys())
    if unknown:
        raise ValueError(f"peer {unknown[0]!r}: known are {', '.join(PEERS)}")
    return {name: PEERS[name].make() for name in names}


def _write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, "utf-8")


def _show(screen: Console, scores, data: Path) -> None:
    """One table per ratio, a row per system."""
    columns = ["system", "SNR", "mixes", "noisy", "denoised", "improvement", "worst"]
    with_mos = any(s.denoised_mos for found in scores.values() for s in found)
    if with_mos:
        columns += ["OVRL", "SIG", "BAK"]
    rows = []
    for i, _ in enumerate(next(iter(scores.values()))):
        for name, found in scores.items():
            rows.append(_row(name, found[i]))
        if with_mos:
            rows.append(_noisy_row(next(iter(scores.values()))[i]))
    last = len(scores) + with_mos
    title = f"{data}: SI-SNR in dB, no lag aligned"
    show_table(screen, title, columns, rows, last=last)


def _row(name: str, s) -> list[str]:
    error = "" if s.error is None else f" ± {s.error:.2f}"
    row = [
        name,
        "all" if s.snr_db is None else f"{s.snr_db:g}",
        str(s.mixes),
        f"{s.noisy:.2f}",
        f"{s.denoised:.2f}",
        f"{s.improvement:+.2f}{error}",
        f"{s.worst:+.2f}",
    ]
    return row + _mos(s.denoised_mos)


def _noisy_row(s) -> list[str]:
    label = "all" if s.snr_db is None else f"{s.snr_db:g}"
    empty = ["", "", ""]
    return ["noisy", label, str(s.mixes), f"{s.noisy:.2f}", *empty, *_mos(s.noisy_mos)]


def _mos(mos) -> list[str]:
    return [] if mos is None else [f"{v:.2f}" for v in (mos.ovrl, mos.sig, mos.bak)]


def _show_costs(screen: Console, own: str, costs: Costs, names: list[str]) -> None:
    from lava_sparse_rnn.audio.peers import PEERS

    columns = ("system", "parameters", "M-MAC/s", "latency ms", "KB")
    kilobytes = f"{costs.size_bytes / 1000:,.0f}"
    synops = costs.synops_per_second / 1e6
    latency = 1e3 * costs.latency_s
    rows = [
        (own, f"{costs.parameters:,}", f"{synops:.2f}", f"{latency:.1f}", kilobytes)
    ]
    for name in names:
        p = PEERS[name]
        rows.append(
            (
                name,
                "not known" if p.parameters is None else f"{p.parameters:,}",
                "not known"
                if p.macs_per_second is None
                else f"{p.macs_per_second / 1e6:,.1f}",
                f"{p.lookahead_ms:g}",
                "",
            )
        )
    title = "cost; ours: weights kept and synaptic operations of these mixtures"
    show_table(screen, title, columns, rows)
    screen.print(
        f"N-DNS proxies: power {costs.power_proxy / 1e6:.3f} M-Ops/s, power-delay "
        f"product {costs.pdp_proxy / 1e6:.4f} M-Ops; latency: {costs.buffer_s * 1e3:g} "
        f"ms window + {costs.compute_s * 1e3:.3f} ms per token for all of it on this "
        f"machine (counted over {costs.tokens:,} tokens)"
    )
