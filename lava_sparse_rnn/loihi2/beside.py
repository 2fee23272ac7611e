# SPDX-License-Identifier: BSD-3-Clause
"""An estimate beside other ways to run the same network: is a chip worth it?

Dynamic energy is the smaller half of a chip's: while it waits for tokens, an idle chip
takes its static power. No public figure for that of a Loihi 2 could be checked here, so
it is what the user states, or left out and named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lava_sparse_rnn.fixed_point import shown
from lava_sparse_rnn.loihi2.activity import traced
from lava_sparse_rnn.loihi2.bounds import Estimate
from lava_sparse_rnn.loihi2.counts import active_on
from lava_sparse_rnn.loihi2.errors import Loihi2Error
from lava_sparse_rnn.loihi2.groups import INPUT
from lava_sparse_rnn.markup import Table
from lava_sparse_rnn.spec import Network
from lava_sparse_rnn.spec.sequences import SequencesLike


@dataclass(frozen=True)
class Row:
    """One way to run a network.

    Parameters
    ----------
    what : str
    known : str
        Whether it was measured, counted or estimated, and with what.
    work : str
        Of a token.
    token_s : float, optional
        Seconds of a token, where one follows another at once.
    busy_j : float, optional
        Energy of a token then, joules.
    paced_j : float, optional
        Energy of a token at the pace at which tokens come, joules.
    is_bound : bool
        Whether time and energy are lower bounds.
    """

    what: str
    known: str
    work: str
    token_s: float | None = None
    busy_j: float | None = None
    paced_j: float | None = None
    is_bound: bool = False


def dense_synops(network: Network) -> int:
    """Synaptic operations of a token, were no weight and no payload zero."""
    edges = (edge for graph in network.graphs for edge in graph.edges)
    return sum(edge.dense_size for edge in edges if not edge.copies)


def chip_rows(
    estimate: Estimate, network: Network, static_mw: Sequence[float] = ()
) -> list[Row]:
    """A chip's rows: its events, the same with static power, and a dense network.

    Parameters
    ----------
    estimate : Estimate
        Its `token_s` is the pace at which tokens come.
    network : Network
    static_mw : sequence of float
        Power of an idle chip in milliwatts: what is known of it, perhaps a range. The
        preset's, if that has one and none is given.

    Returns
    -------
    list of Row
        With static power: a copy that has its chips to itself, and one of as many as
        they hold.

    Raises
    ------
    Loihi2Error
        When a power is negative or not finite.
    """
    for value in static_mw:
        if not (np.isfinite(value) and value >= 0):
            raise Loihi2Error(f"static_mw is {shown(value)}, must be 0 or more")
    preset, mapping, mode = estimate.preset, estimate.counts.mapping, estimate.pipelined
    static = [*static_mw] or [v for v in (preset.static_mw,) if v is not None]
    known = f"estimate, preset {preset.name}"
    synops = f"{estimate.counts.synops.mean():,.0f} synops"
    dynamic = mode.events_j
    rows = [
        Row(
            f"chip, {len(mapping)} cores, events alone",
            *(known, synops, mode.step_s, dynamic, dynamic),
            is_bound=True,
        )
    ]
    for power in static:
        rows += _with_static(estimate, power, known, dynamic)
    if not static:
        rows.append(Row("chip, static power", "not known: give --static-mw", ""))
    return [*rows, _dense(estimate, network, known)]


def _with_static(
    estimate: Estimate, power_mw: float, known: str, dynamic: float | None
) -> Iterator[Row]:
    mapping, mode = estimate.counts.mapping, estimate.pipelined
    known = f"{known}; {power_mw:g} mW a chip: stated"
    sharing = {1: "alone on it", mapping.copies_per_chip: "one of {} copies"}
    for copies, name in sorted(sharing.items()):
        if not copies:  # a network of several chips
            continue
        watts = power_mw * 1e-3 * mapping.chips / copies
        busy = None if mode.step_s is None else watts * mode.step_s
        yield Row(
            f"chip with static power, {name.format(copies)}",
            *(known, "", mode.step_s),
            None if dynamic is None or busy is None else dynamic + busy,
            None if dynamic is None else dynamic + watts * estimate.token_s,
            is_bound=True,
        )


def _dense(estimate: Estimate, network: Network, known: str) -> Row:
    """Synapses alone, spread evenly: no dense network of these sizes takes less."""
    preset, total = estimate.preset, dense_synops(network)
    ns, pj = preset.dense_synop_ns, preset.dense_synop_pj
    energy = None if pj is None else total * pj * 1e-12
    cores = len(estimate.counts.mapping)
    return Row(
        "chip, dense network, synapses alone",
        *(known, f"{total:,} synops"),
        None if ns is None else total / cores * ns * 1e-9,
        *(energy, energy),
        is_bound=True,
    )


def io_line(estimate: Estimate, network: Network, x: SequencesLike) -> str:
    """What crosses the chip's boundary for a token; no figure says what that costs.

    Parameters
    ----------
    estimate : Estimate
    network : Network
    x : array of int, or list of such
        The tokens that were counted.
    """
    # The group that answers may stand before others of its layer, and may send more
    # than the answer: its wire is counted.
    wires, last = traced(network, x), len(network.layers) - 1
    inputs, outputs = (
        float(active_on(wires, name, size).sum(axis=1).mean())
        for name, size in (
            (INPUT, network.d_in),
            (f"layer{last}_{network.graphs[last].out}", network.d_out),
        )
    )
    bits = network.layers[0].inp.bits, network.layers[-1].out.bits
    rate = (inputs * bits[0] + outputs * bits[1]) / 8 / estimate.token_s
    return (
        f"across the chip's boundary for a token: {inputs:,.0f} messages of {bits[0]} "
        f"bits in, {outputs:,.0f} of {bits[1]} bits out, {rate / 1e3:,.1f} kB/s "
        "without addresses; time and energy of that are not known and in no row"
    )


def break_even_mw(estimate: Estimate, other: Row) -> float | None:
    """Static power of a chip at which its copies take as much energy as ``other``.

    Parameters
    ----------
    estimate : Estimate
    other : Row
        With `paced_j`; both answer tokens at the pace at which they come.

    Returns
    -------
    float or None
        Milliwatts of a chip whose copies all run; None where an energy is not known.
        As the events' energy is a lower bound, this is an upper bound.
    """
    dynamic, mapping = estimate.pipelined.events_j, estimate.counts.mapping
    if dynamic is None or other.paced_j is None:
        return None
    copies = max(mapping.copies_per_chip, 1) / mapping.chips
    return (other.paced_j - dynamic) / estimate.token_s * copies * 1e3


def beside_table(rows: Sequence[Row], token_s: float) -> Table:
    """The rows as a table: time, and energy at once and at the pace of tokens."""
    columns = ("way", "known by", "work of a token", "us/token", "uJ/token")
    lines = [
        (
            *(r.what, r.known, r.work),
            *(_number(v, r.is_bound) for v in (r.token_s, r.busy_j, r.paced_j)),
        )
        for r in rows
    ]
    title = "is it worth it? Front and back end are in no row"
    pace = f"uJ/token,\none in {token_s * 1e3:g} ms"
    return Table(title, (*columns, pace), lines, text=("known by", "work of a token"))


def _number(value: float | None, is_bound: bool) -> str:
    if value is None:
        return "not known"
    return f"{'>= ' if is_bound else ''}{value * 1e6:,.2f}"
