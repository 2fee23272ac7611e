# SPDX-License-Identifier: BSD-3-Clause
"""``lava-sparse-rnn estimate``: a network on Loihi 2, counted and weighed."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from lava_sparse_rnn.cli._beside import rows_of, show_beside
from lava_sparse_rnn.cli._console import console
from lava_sparse_rnn.cli._files import check_outputs, check_picture
from lava_sparse_rnn.cli._options import (
    Audio,
    Chip,
    Cores,
    NetworkFile,
    Search,
    Share,
    TaskName,
    Tokens,
    at_least,
    needs,
    path_option,
    positive,
    refuse_idle,
)
from lava_sparse_rnn.cli._tables import show
from lava_sparse_rnn.cli._tokens import first_sequences, input_tokens, token_times
from lava_sparse_rnn.files import replacing


def estimate(
    context: typer.Context,
    network: NetworkFile,
    audio: Audio = None,
    tokens: Tokens = None,
    data: Annotated[
        Path | None,
        path_option(
            help="What the task of the network reads (its data.path): it is run on the "
            "test sequences."
        ),
    ] = None,
    task: TaskName = None,
    chip: Chip = "oheo_gulch",
    cores: Cores = None,
    measured: Annotated[
        bool,
        typer.Option(
            "--measured",
            help="Balance what this input makes cores do, not what they store.",
        ),
    ] = False,
    search: Search = None,
    share: Share = None,
    seed: Annotated[int, typer.Option(callback=at_least(0), help="Of the search.")] = 0,
    objective: Annotated[
        str | None,
        typer.Option(
            help="Find the number of cores for the shortest latency, the most copies "
            "or the least energy: latency, copies or energy."
        ),
    ] = None,
    sweep: Annotated[
        Path | None,
        path_option(help="Draw busiest core, time, energy and copies by cores."),
    ] = None,
    preset: Annotated[
        str, typer.Option(help="Coefficients: loihi1 or loihi2 (which has none).")
    ] = "loihi1",
    coefficients: Annotated[
        Path | None, path_option(help="Measured coefficients, JSON or TOML.")
    ] = None,
    limit: Annotated[
        int, typer.Option(callback=at_least(1), help="Tokens to count at most.")
    ] = 1000,
    beside: Annotated[
        bool,
        typer.Option(
            "--beside",
            help="Compare with this processor, a dense network, and static power.",
        ),
    ] = False,
    static_mw: Annotated[
        list[float] | None,
        typer.Option(
            help="With --beside: what an idle chip takes, as far as you know; twice "
            "for a range."
        ),
    ] = None,
    watts: Annotated[
        float | None,
        typer.Option(
            callback=positive,
            help="With --beside: what this processor takes while it computes.",
        ),
    ] = None,
    instructions: Annotated[
        int | None,
        typer.Option(
            callback=at_least(1),
            help="With --beside: a token's on a Cortex-M, as benchmarks/cortex_m.py "
            "counts them.",
        ),
    ] = None,
    plot: Annotated[
        Path | None, path_option(help="Draw the mapping into this picture.")
    ] = None,
    json_file: Annotated[
        Path | None, path_option("--json", help="Write every number here.")
    ] = None,
) -> None:
    """Map a network on Loihi 2 and estimate its time and energy per token.

    No hardware is needed or run: counts are from a run of the reference executor,
    times and energies are lower bounds with the coefficients that are named.
    """
    from lava_sparse_rnn import loihi2, spec
    from lava_sparse_rnn.loihi2 import tables

    reads = [network, audio, tokens, data, coefficients, Path(chip)]
    check_picture(plot)
    check_picture(sweep)
    check_outputs(json_file, plot, sweep, reads=reads)
    _check_options(context)
    screen = console()
    net = spec.load(network)
    x, times = _input(net, audio, tokens, data, task), token_times(net)
    sound = len(times) > 1  # there is a delay, as of a denoiser
    heard, weights = first_sequences(x, limit), coefficients or preset
    searched = objective is not None or sweep is not None
    choices = loihi2.sweep(net, heard, chip, weights) if searched else None
    found = None
    if sweep is not None:
        _draw_sweep(screen, choices, sweep)
    looked = None if search is None else (search, seed, share or 1)
    if choices is not None and objective is not None:
        found = loihi2.best(choices, objective)
        measured, cores = True, len(found.mapping)
    if found is not None and looked is None:
        result = _weighed(found.estimate, times)
    else:
        mapping = _mapped(net, chip, cores, heard if measured else None, looked)
        result = loihi2.estimate(net, heard, mapping, weights, *times)
    if plot is not None:
        _draw(result, plot)
    given = static_mw or [], watts, instructions
    rows = rows_of(result, net, heard, *given) if beside else []
    if json_file is not None:
        values = loihi2.estimate_dict(result, ndns=sound, paced=bool(times))
        _write(values, rows, json_file)
    _show(screen, result, spec.Sequences.of(net, x).lengths, sound)
    if times:
        show(screen, tables.pace_table(result))
    if beside:
        show_beside(screen, rows, result, net, heard)
    if plot is not None:
        screen.print(f"mapping: {plot}")
    if json_file is not None:
        screen.print(f"numbers: {json_file}")


def _check_options(context: typer.Context) -> None:
    """Refuse options that would do nothing beside the others, or contradict them."""
    from lava_sparse_rnn import loihi2
    from lava_sparse_rnn.fixed_point import choose

    given = context.params
    if given["search"] is None:
        refuse_idle(context, needs("--search"), "share", "seed")
    if given["data"] is None:
        refuse_idle(context, needs("--data"), "task")
    if given["coefficients"] is not None:
        refuse_idle(context, "--coefficients go before it, give one of them", "preset")
    if given["objective"] is not None:
        choose("objective", given["objective"], loihi2.OBJECTIVES)
        if given["cores"] is not None:
            raise ValueError("give either --cores or --objective, which finds them")
    if not given["beside"]:
        only = ("static_mw", "watts", "instructions")
        refuse_idle(context, needs("--beside"), *only)


def _input(
    net,
    audio: Path | None,
    tokens: Path | None,
    data: Path | None,
    task: str | None,
):
    x = input_tokens(net, audio, tokens, data, task)
    if x is None:
        raise ValueError(
            "estimate counts a run on real input: give one of --audio X.wav, --tokens "
            "X.npy and --data PATH"
        )
    return x


def _write(values, rows, path: Path) -> None:
    if rows:
        values |= {"beside": [asdict(row) for row in rows]}
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(values, indent=1) + "\n", "utf-8")


def _weighed(known, times: tuple[float, ...]):
    """What is mapped and counted already, with the times of a token."""
    from lava_sparse_rnn import loihi2

    return loihi2.weigh(known.counts, known.preset, *times)


def _mapped(net, chip: str, cores: int | None, x, looked):
    """A mapping, balanced by input if some is given, and searched if asked for."""
    from lava_sparse_rnn import loihi2

    busy = None if x is None else loihi2.measure(net, x)
    return loihi2.map_network(net, chip, cores, None, busy, *(looked or ()))


def _draw(result, picture: Path) -> None:
    from lava_sparse_rnn import pictures
    from lava_sparse_rnn.loihi2 import plots

    pictures.save(plots.cores(result.counts.mapping, result), picture)


def _draw_sweep(screen: Console, choices, picture: Path) -> None:
    """One row per number of cores, and the picture of them."""
    from lava_sparse_rnn import pictures
    from lava_sparse_rnn.loihi2 import plots, tables

    pictures.save(plots.sweep(choices), picture)
    show(screen, tables.sweep_table(choices))
    screen.print(f"more cores: {picture}")


def _show(screen: Console, result, lengths: tuple[int, ...], sound: bool) -> None:
    from lava_sparse_rnn import loihi2
    from lava_sparse_rnn.loihi2 import tables

    counts = result.counts
    mapping = counts.mapping
    show(screen, tables.mapping_table(mapping))
    screen.print(
        f"{len(mapping)} cores on {mapping.chips} chip(s); copies: "
        f"{mapping.copies_per_chip} per chip, {mapping.copies} on "
        f"{mapping.board.name}"
    )
    show(screen, tables.counts_table(counts, sum(lengths)))
    tokens = counts.real.tokens
    if len(lengths) > 1 and tokens < lengths[0]:
        screen.print(
            f"the first sequence has {lengths[0]:,} tokens, --limit took {tokens:,} of "
            "them: what a whole sequence takes needs more"
        )
    done = loihi2.work(counts)
    held = "neurons of one group"
    if mapping.share > 1:
        held = f"neurons of {mapping.share} groups at most"
    screen.print(
        f"the busiest core has {done.max():,.0f} to do for a token, "
        f"{done.max() / done.mean():.2f} times the mean (synaptic operations, "
        f"instructions or messages, whichever are most); on {len(mapping)} cores, "
        f"each with {held}, it is at least "
        f"{loihi2.least_work(counts):,.0f}"
    )
    screen.print(result.label, style="bold")
    for table in tables.estimate_tables(result):
        show(screen, table)
    operations = (
        f"{result.ops_per_token:,.0f} operations per token (a neuron update taken for "
        "10 synaptic operations)"
    )
    if sound:
        screen.print(
            f"N-DNS proxies: {operations}; power {result.power_proxy / 1e6:.3f} "
            f"M-Ops/s, power-delay product {result.pdp_proxy / 1e6:.4f} M-Ops (a "
            f"{result.buffer_s * 1e3:g} ms buffer and the fall-through latency, where "
            "known)"
        )
    else:
        screen.print(operations)
    if result.missing:
        screen.print("left out, no coefficient has a value:")
        for line in result.missing:
            screen.print(f"  {line}")
