# SPDX-License-Identifier: BSD-3-Clause
"""``lava-sparse-rnn evaluate``: scores of a network, above all of a denoiser."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from lava_sparse_rnn.cli._backend import (
    FastestOption,
    RuntimeOption,
    StrengthOption,
    check_runtime,
    fastest,
    lava_runtime,
)
from lava_sparse_rnn.cli._console import console
from lava_sparse_rnn.cli._evaluate_task import TaskOptions, evaluate_task
from lava_sparse_rnn.cli._files import check_outputs
from lava_sparse_rnn.cli._notices import overflows
from lava_sparse_rnn.cli._options import (
    NetworkFile,
    TaskName,
    network_file,
    path_option,
)
from lava_sparse_rnn.cli._scored import Scored, scored
from lava_sparse_rnn.cli._tables import show
from lava_sparse_rnn.files import replacing
from lava_sparse_rnn.markup import Table
from lava_sparse_rnn.progress import bar

if TYPE_CHECKING:
    from lava_sparse_rnn.audio.evaluation.costs import Costs
    from lava_sparse_rnn.audio.evaluation.scores import LeftOut, Row, Score

# Known without their room, which takes long to import; a test compares.
PEER_NAMES = ("dtln", "gtcrn", "nsnet2", "rnnoise", "speex")
PEER_HELP = f"Another denoiser ({', '.join(PEER_NAMES)})"
SHOWN = 10  # of the mixtures that were left out, so many on the screen
UNKNOWN = "not known"


def evaluate(
    network: NetworkFile,
    data: Annotated[
        Path,
        path_option(
            help="Of a denoiser a set in the N-DNS layout: noisy/, clean/; else what "
            "the task of the network reads, its data.path."
        ),
    ],
    settings: Annotated[
        list[str] | None,
        typer.Argument(help="Settings of another task: data.held_out=jackson, ..."),
    ] = None,
    output: Annotated[
        Path | None, path_option("-o", "--output", help="Everything, as JSON.")
    ] = None,
    backend: FastestOption = None,
    runtime: RuntimeOption = None,
    peer: Annotated[
        list[str] | None,
        typer.Option(help=f"{PEER_HELP} on the same files; may be repeated."),
    ] = None,
    beside: Annotated[
        list[Path] | None,
        typer.Option(
            parser=network_file,
            metavar="NETWORK",
            help="Another network, or the float checkpoint of a training "
            "(float.safetensors), on the same files; may be repeated.",
        ),
    ] = None,
    strength: StrengthOption = None,
    dnsmos: Annotated[
        bool, typer.Option("--dnsmos", help="Also score with DNSMOS (slow).")
    ] = False,
    by: Annotated[
        list[str] | None,
        typer.Option(
            help="Also a table by noise, or by voice, of a set that data mix made; "
            "may be repeated."
        ),
    ] = None,
    board: Annotated[
        Path | None,
        path_option(help="Entry for the N-DNS challenge's metricsboard, YAML."),
    ] = None,
    task: TaskName = None,
    split: Annotated[
        str, typer.Option(help="Of another task: test or validation.")
    ] = "test",
) -> None:
    """Score a network by its task.

    A denoiser: SI-SNR, DNSMOS, latency and power proxies, beside its peers. Any other
    task: its own figures, the confusion of classes, cost per token and per sequence.
    """
    reads = [network, *(beside or []), data, *data.glob("*/*")]
    check_outputs(output, board, reads=reads)
    check_runtime(runtime, backend)
    _check_peers(peer or [])
    options = TaskOptions(data, task, split, settings or [])
    if _other_task(network, options):
        for name, value in (
            *(("--peer", peer), ("--beside", beside), ("--dnsmos", dnsmos)),
            *(("--strength", strength is not None), ("--by", by), ("--board", board)),
        ):
            if value:
                raise ValueError(f"{name} is for denoisers")
        evaluate_task(network, options, backend, runtime, output)
        return
    from lava_sparse_rnn.audio import NdnsFolder
    from lava_sparse_rnn.audio.evaluation import scores as evaluation
    from lava_sparse_rnn.audio.evaluation.board import board_entry

    folder = NdnsFolder(data, lenient=True)
    left_out: list[LeftOut] = []
    with lava_runtime(runtime), contextlib.ExitStack() as stack:
        paths = [network, *(beside or [])]
        ours = scored(paths, fastest(backend), strength, stack)
        systems = {one.name: one.denoise for one in ours} | _peers(peer or [])
        with bar("mixes") as progress:
            rows = evaluation.measure(systems, folder, progress, dnsmos, left_out)
        scores = {name: evaluation.by_ratio(found) for name, found in rows.items()}
        tables = {label: _by_label(rows, label) for label in by or []}
        costs = _costs(ours, folder, left_out)
        counters = [one.denoiser.backend.counters for one in ours if one.denoiser]
    if output is not None:
        values = {
            "scores": evaluation.as_json(scores),
            "by": {label: _as_json(table) for label, table in tables.items()},
            "costs": {name: found.as_dict() for name, found in costs.items()},
            "strength": {one.name: one.limit for one in ours},
            "left_out": [one.reason for one in left_out],
        }
        _write(output, json.dumps(values, indent=2) + "\n")
    if board is not None:
        own = ours[0].name
        _write(board, board_entry(own, network, scores[own][-1], costs[own]))
    screen = console()
    _show(screen, scores, data)
    for label, table in tables.items():
        _show_by(screen, table, label, data)
    for found in counters:
        overflows(screen, found)
    _show_costs(screen, ours, costs, peer or [])
    _tell_left_out(left_out, len(folder))


def _other_task(network: Path, options: TaskOptions) -> bool:
    """Whether it is no denoiser that is scored."""
    from lava_sparse_rnn import spec
    from lava_sparse_rnn.audio.frontend_rules import TASK

    trained = options.name or spec.load(network).meta.get("task")
    if trained in (None, TASK) and options.given and options.name in (None, TASK):
        raise ValueError("settings and --split are for other tasks than denoising")
    return trained not in (None, TASK)


def _by_label(rows: dict[str, list[Row]], label: str) -> dict[str, dict[str, Score]]:
    """Scores of each system by kind of noise, or by voice."""
    from lava_sparse_rnn.audio.evaluation.scores import by_label

    return {name: by_label(found, label) for name, found in rows.items()}


def _as_json(table: dict[str, dict[str, Score]]) -> dict[str, Any]:
    """Per system, of each kind its name and scores."""
    from lava_sparse_rnn.audio.evaluation.scores import as_json

    plain = as_json({name: list(found.values()) for name, found in table.items()})
    return {
        name: dict(zip(found, plain[name], strict=True))
        for name, found in table.items()
    }


def _show_by(
    screen: Console, table: dict[str, dict[str, Score]], label: str, data: Path
) -> None:
    """A row per kind, a column per system; the worst of the first system first."""
    first = next(iter(table.values()))
    rows = [
        (
            name,
            str(first[name].mixes),
            *(_improvement(found[name]) for found in table.values()),
        )
        for name in sorted(first, key=lambda name: first[name].improvement)
    ]
    title = f"{data}: improvement of SI-SNR in dB by {label}, all ratios"
    show(screen, Table(title, [label, "mixes", *table], rows))


def _improvement(s: Score) -> str:
    error = "" if s.error is None else f" ± {s.error:.2f}"
    return f"{s.improvement:+.2f}{error}"


def _costs(
    ours: list[Scored], folder: Any, left_out: list[LeftOut]
) -> dict[str, Costs]:
    """Of every network of integers, over the first mixtures that were scored."""
    from lava_sparse_rnn.audio.evaluation.costs import COUNTED_MIXES, count_costs

    without = {one.index for one in left_out}
    scored = [i for i in range(len(folder)) if i not in without]
    waves = [folder[i].noisy for i in scored[:COUNTED_MIXES]]
    return {
        one.name: count_costs(one.denoiser, waves, one.path)
        for one in ours
        if one.denoiser is not None
    }


def _tell_left_out(left_out: list[LeftOut], mixes: int) -> None:
    """The command has failed in part: its exit status says so too."""
    if not left_out:
        return
    screen = console(stderr=True)
    for one in left_out[:SHOWN]:
        screen.print(f"left out: {one.reason}")
    if len(left_out) > SHOWN:
        screen.print(f"left out: {len(left_out) - SHOWN} more")
    lost = sum(one.index is not None for one in left_out)
    single = len(left_out) - lost
    beside = f", and {single} files that belong to none" if single else ""
    raise ValueError(
        f"{lost} of {mixes} mixtures could not be scored{beside}; the scores are of "
        "the others"
    )


def _check_peers(names: list[str]) -> None:
    """Refuse what is no other denoiser."""
    from lava_sparse_rnn.audio.peers import PEERS
    from lava_sparse_rnn.fixed_point import choose

    for name in names:
        choose("--peer", name, PEERS)


def _peers(names: list[str]):
    """Denoisers of other packages, by name."""
    from lava_sparse_rnn.audio.peers import PEERS

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
    show(screen, Table(title, columns, rows, last=last))


def _row(name: str, s) -> list[str]:
    return [
        name,
        "all" if s.snr_db is None else f"{s.snr_db:g}",
        str(s.mixes),
        f"{s.noisy:.2f}",
        f"{s.denoised:.2f}",
        _improvement(s),
        f"{s.worst:+.2f}",
        *_mos(s.denoised_mos),
    ]


def _noisy_row(s) -> list[str]:
    label = "all" if s.snr_db is None else f"{s.snr_db:g}"
    empty = ["", "", ""]
    return ["noisy", label, str(s.mixes), f"{s.noisy:.2f}", *empty, *_mos(s.noisy_mos)]


def _mos(mos) -> list[str]:
    return [] if mos is None else [f"{v:.2f}" for v in (mos.ovrl, mos.sig, mos.bak)]


def _show_costs(
    screen: Console, ours: list[Scored], costs: dict[str, Costs], names: list[str]
) -> None:
    from lava_sparse_rnn.audio.peers import PEERS

    rows = []
    for one in ours:
        found, size = costs.get(one.name), one.path.stat().st_size
        numbers = [UNKNOWN] * 3
        if found is not None:
            numbers = [
                f"{found.parameters:,}",
                f"{found.synops_per_second / 1e6:.2f}",
                f"{1e3 * found.latency_s:.1f}",
            ]
        rows.append((one.name, *numbers, f"{size / 1000:,.0f}"))
    for name in names:
        p = PEERS[name]
        macs = UNKNOWN if p.macs_per_second is None else p.macs_per_second / 1e6
        rows.append(
            (
                name,
                UNKNOWN if p.parameters is None else f"{p.parameters:,}",
                macs if isinstance(macs, str) else f"{macs:,.1f}",
                f"{p.lookahead_ms:g}",
                "",
            )
        )
    columns = ("system", "parameters", "M-MAC/s", "latency ms", "KB")
    title = "cost; ours: weights kept and synaptic operations of these mixtures"
    show(screen, Table(title, columns, rows))
    for name, found in costs.items():
        screen.print(
            f"{name}: N-DNS proxies: power {found.power_proxy / 1e6:.3f} M-Ops/s, "
            f"power-delay product {found.pdp_proxy / 1e6:.4f} M-Ops; latency: "
            f"{found.buffer_s * 1e3:g} ms window + {found.compute_s * 1e3:.3f} ms per "
            f"token for all of it on this machine (counted over {found.tokens:,} "
            "tokens)"
        )
