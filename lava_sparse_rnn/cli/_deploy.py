# SPDX-License-Identifier: BSD-3-Clause
"""``lava-sparse-rnn deploy``: a network as a bundle for a board."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from lava_sparse_rnn.cli._console import console
from lava_sparse_rnn.cli._files import check_folder
from lava_sparse_rnn.cli._options import (
    Cores,
    Search,
    Share,
    TaskName,
    at_least,
    needs,
    network_file,
    path_option,
    refuse_idle,
)
from lava_sparse_rnn.cli._summary import summary
from lava_sparse_rnn.cli._tables import show
from lava_sparse_rnn.cli._tokens import first_tokens, input_tokens
from lava_sparse_rnn.markup import Table

if TYPE_CHECKING:
    from lava_sparse_rnn.loihi2 import Bundle

# What a backend may have counted, and how a table calls it.
COUNTERS = {
    "instructions": "instruc-\ntions",
    "sparse_synops": "sparse\nsynops",
    "dense_synops": "dense\nsynops",
    "messages_in": "mess.\nin",
    "messages_out": "mess.\nout",
}


Source = Annotated[
    Path | None,
    typer.Argument(
        parser=network_file,
        help="A network description (.net) or a shipped one's name, or a bundle's "
        "folder.",
    ),
]
Output = Annotated[
    Path | None, path_option("-o", "--output", help="The bundle to write.")
]
ChipOption = Annotated[
    str | None,
    typer.Option(
        help="oheo_gulch (default), kapoho_point, hala_point, or a JSON or TOML file."
    ),
]
Audio = Annotated[Path | None, path_option(help="A recording for the golden input.")]
Tokens = Annotated[
    Path | None,
    path_option(
        help="The golden input, (T, d_in), or sequences, (N, T, d_in), as .npy; or a "
        ".npz with these as x, and lengths."
    ),
]
Data = Annotated[
    Path | None,
    path_option(
        help="What the task of the network reads (its data.path): the first of its "
        "test sequences are the golden input."
    ),
]
Limit = Annotated[
    int, typer.Option(callback=at_least(1), help="Tokens of the golden input at most.")
]
Seed = Annotated[
    int,
    typer.Option(
        callback=at_least(0),
        help="Of a random golden input, where none is given, and of a search.",
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace a bundle that is there.")
]
Check = Annotated[
    bool, typer.Option("--check", help="Run it on the CPU; same as --backend cpu.")
]
Backend = Annotated[
    str | None, typer.Option(help="Run the golden input on this backend, compare.")
]
Mode = Annotated[
    str, typer.Option(help="Timing of that run: pipelined or fall_through.")
]
ListBackends = Annotated[
    bool, typer.Option("--list", help="List the installed backends and stop.")
]


@dataclass(frozen=True)
class _Order:
    """What to write: the options that a bundle, once written, has settled."""

    output: Path | None
    chip: str | None
    cores: int | None
    search: float | None
    share: int | None
    audio: Path | None
    tokens: Path | None
    data: Path | None
    task: str | None
    limit: int
    seed: int
    overwrite: bool

    def write(self, network: Path) -> Bundle:
        """Map a network and write it with its golden input.

        What a search balances is the work of a golden input that is given.
        """
        from lava_sparse_rnn import loihi2, spec

        if self.output is None:
            raise ValueError("deploy writes a bundle: name its folder with -o")
        reads = (network, self.audio, self.tokens, self.data)
        check_folder(self.output, (*reads, self.chip))
        net = spec.load(network)
        golden = input_tokens(net, self.audio, self.tokens, self.data, self.task)
        if golden is not None:
            golden = first_tokens(golden, self.limit)
        busy, looked = None, (self.search, self.seed, self.share or 1)
        if golden is not None and self.search is not None:
            busy = loihi2.measure(net, golden)
        chip = self.chip or "oheo_gulch"
        mapping = loihi2.map_network(net, chip, self.cores, None, busy, *looked)
        return loihi2.write_bundle(
            *(net, self.output, mapping, golden),
            seed=self.seed,
            overwrite=self.overwrite,
        )


def deploy(
    context: typer.Context,
    network: Source = None,
    output: Output = None,
    chip: ChipOption = None,
    cores: Cores = None,
    search: Search = None,
    share: Share = None,
    audio: Audio = None,
    tokens: Tokens = None,
    data: Data = None,
    task: TaskName = None,
    limit: Limit = 100,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    check: Check = False,
    backend: Backend = None,
    mode: Mode = "pipelined",
    list_backends: ListBackends = False,
) -> None:
    """Write a network as a bundle for a board, and compare what runs it.

    No board is needed to write one or to check it with the CPU backend; hardware
    needs a backend of its own, which this library does not have.
    """
    from lava_sparse_rnn.fixed_point import choose
    from lava_sparse_rnn.loihi2 import deployment

    screen = console()
    if list_backends:
        _list(screen, deployment)
        return
    if network is None:
        raise ValueError("deploy needs a network (.net) or a bundle's folder")
    choose("mode", mode, deployment.MODES)
    _check_options(context, golden=any((audio, tokens, data)))
    backend = backend or ("cpu" if check else None)
    runner = None if backend is None else deployment.create(backend)
    mapped, golden = (chip, cores, search, share), (audio, tokens, data, task)
    order = _Order(output, *mapped, *golden, limit, seed, overwrite)
    if network.is_dir():
        bundle = deployment.load_bundle(network)
        order = [field.name for field in fields(_Order)]
        refuse_idle(context, f"is for a network, {network} is a bundle already", *order)
    else:
        bundle = order.write(network)
    _describe(screen, bundle)
    if runner is None:
        _core_table(screen, bundle, {}, 0)
        return
    result = deployment.check(bundle, runner, mode)
    _core_table(screen, bundle, result.counters, result.tokens)
    text = f"backend {backend}, {mode}: {result.message}"
    if not result.equal:
        raise ValueError(text)
    screen.print(text)


def _check_options(context: typer.Context, golden: bool) -> None:
    """Refuse options that would do nothing beside the others."""
    given = context.params
    if given["search"] is None:
        refuse_idle(context, needs("--search"), "share")
        if golden and not given["network"].is_dir():
            refuse_idle(context, "is of a random golden input or a search", "seed")
    if given["check"] and given["backend"] not in (None, "cpu"):
        raise ValueError("--check: is --backend cpu, give one of them")
    if not given["check"] and given["backend"] is None:
        refuse_idle(context, "is of a run, give --check or --backend, too", "mode")
    if not golden and not given["network"].is_dir():
        why = "is of a golden input, give --audio, --tokens or --data, too"
        refuse_idle(context, why, "limit")
    if given["data"] is None and not given["network"].is_dir():
        refuse_idle(context, needs("--data"), "task")


def _list(screen: Console, deployment) -> None:
    points = deployment.available()
    for name, point in points.items():
        package = getattr(point.dist, "name", "?")
        screen.print(f"{name}: {point.value} (package {package})")
    if not points:
        screen.print(f"no entry point in the group {deployment.ENTRY_POINTS}")


def _describe(screen: Console, bundle) -> None:
    from lava_sparse_rnn.loihi2.deployment.manifest import FILE

    manifest = bundle.manifest
    own = (bundle.path / FILE).stat().st_size
    sizes = [own, *(entry.bytes for entry in manifest.files.values())]
    chips = len({core.chip for core in manifest.cores})
    golden, several = manifest.golden, len(bundle.lengths)
    of = f" in {several} sequences" if several > 1 else ""
    head = manifest.network.head
    answers = "" if head == "sequence" else f", one answer a sequence, {head}"
    what = (
        f"schema version {manifest.schema_version}, {bundle.cores} cores on {chips} "
        f"chip(s) of {manifest.board.name}, golden input of {golden.tokens} tokens{of} "
        f"({golden.source}){answers}"
    )
    check = f"lava-sparse-rnn deploy {bundle.path} --check"
    screen.print(summary(bundle.path, sizes, what, check))


def _core_table(screen: Console, bundle, counters, tokens: int) -> None:
    from lava_sparse_rnn.loihi2.tables import EXTRA

    manifest = bundle.manifest
    counted = {q: n for q, n in COUNTERS.items() if q in counters and counters[q].any()}
    rows = [
        (
            f"{core.chip}:{core.core}",
            core.group,
            f"{core.first}+{core.neurons}",
            f"{core.synapses:,}",
            f"{sum(core.bytes.values()) / manifest.board.chip.core_bytes:.1%}",
            *(f"{counters[q][k] / tokens:,.0f}" for q in counted),
        )
        for k, core in enumerate(manifest.cores)
    ]
    heads = ("core", "group", "neurons", "syn-\napses", "mem-\nory")
    title = "cores (chip:core)"
    if counted:
        title += (
            f"; counts of all steps of the run / {tokens} tokens, synops with {EXTRA}"
        )
    show(screen, Table(title, (*heads, *counted.values()), rows, text={"group"}))
