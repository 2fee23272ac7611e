# SPDX-License-Identifier: BSD-3-Clause
"""Mappings and estimates as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lava_sparse_rnn.loihi2 import report
from lava_sparse_rnn.loihi2.bounds import Estimate
from lava_sparse_rnn.loihi2.counts import Counts
from lava_sparse_rnn.loihi2.mapping import Mapping
from lava_sparse_rnn.loihi2.sweep import Choice
from lava_sparse_rnn.markup import Table, as_html, titled

COUNT_COLUMNS = {
    "sparse_synops": "sparse\nsynops",
    "dense_synops": "dense\nsynops",
    "memory_reads": "memory\nreads",
    "neuron_updates": "neurons",
    "instructions": "instructions",
    "messages_out": "messages\nout",
    "messages_in": "messages\nin",
    "hops_east_west": "hops E-W",
    "hops_north_south": "hops N-S",
    "chip_crossings": "to other\nchips",
}
EXTRA = "copies and stored zeros"
"""What a mapping's synops have beyond the network's own."""


def mapping_table(mapping: Mapping) -> Table:
    """One row per group of neurons: what it takes of the chip."""
    shared = mapping.parts > len(mapping)  # a core may be counted in several rows
    columns = ("group", "parts of cores" if shared else "cores", "neurons", "synapses")
    columns += ("format", "memory", "synaptic")
    rows = [
        (
            r.name,
            str(r.cores),
            str(r.neurons),
            f"{r.synapses:,}",
            ", ".join(r.formats),
            f"{r.memory:.1%}",
            f"{r.synaptic_memory:.1%}",
            *(f"{v:.2f}" for v in r.imbalance.values()),
            f"{r.state_bytes}+{r.constant_bytes}",
        )
        for r in report.group_use(mapping)
    ]
    if not shared:
        columns += ("synapse\nbalance", "instruction\nbalance")
    return Table(f"mapping on {mapping.board.name}", (*columns, "state B"), rows)


def counts_table(counts: Counts, total: int | None = None) -> Table:
    """Per group, over all, and on the busiest core: what a token takes.

    Parameters
    ----------
    counts : Counts
    total : int, optional
        Tokens that there were, if not all of them were counted.
    """
    values = report.count_table(counts)
    columns = {q: n for q, n in COUNT_COLUMNS.items() if values["all"][q]}
    done = counts.real.tokens
    of = f" of {total:,}" if total is not None and done < total else ""
    values["busiest core"] = report.busiest(counts)
    rows = [
        (name, *(f"{row[q]:,.0f}" for q in columns)) for name, row in values.items()
    ]
    title = f"counts per token, mean over {done:,}{of} tokens; synops with {EXTRA}"
    return Table(title, ("group", *columns.values()), rows, last=2)


def estimate_tables(estimate: Estimate) -> Iterator[Table]:
    """What bounds a step, time and energy of both modes, and of a sequence."""
    if estimate.terms:
        yield _terms(estimate)
    yield _modes(estimate)
    if len(estimate.counts.lengths) > 1:
        yield _sequence(estimate)


def pace_table(estimate: Estimate) -> Table:
    """What tokens that come in time take: the chip's time to spare, and its power."""
    rows = [
        (
            m.name,
            _number(estimate.real_time(m), 1, "<= ", 0),
            _number(estimate.paced_w(m), 1e6, digits=2),
        )
        for m in (estimate.pipelined, estimate.fall_through)
    ]
    title = (
        f"in real time, a token every {estimate.token_s * 1e3:g} ms: "
        f"{estimate.synops_per_s:,.0f} synops a second without {EXTRA}"
    )
    return Table(title, ("mode", "times real time", "uW"), rows)


def _terms(estimate: Estimate) -> Table:
    rows = [
        (
            t.name,
            f"{t.mean_s * 1e6:.3f}",
            f"{t.worst_s * 1e6:.3f}",
            f"{t.binds:.0%}",
            t.where.replace(" (", "\n("),
        )
        for t in estimate.terms
    ]
    title = f"lower bound of a step, preset {estimate.preset.name}: the largest of"
    columns = ("part", "mean us", "worst us", "binds", "busiest")
    return Table(title, columns, rows, text=("busiest",))


def _modes(estimate: Estimate) -> Table:
    copies = estimate.counts.mapping.copies
    rows = []
    for m in (estimate.pipelined, estimate.fall_through):
        batch = None if m.tokens_per_s is None else m.tokens_per_s * copies
        rows.append(
            (
                m.name,
                _number(m.step_s, 1e6),
                _number(m.latency_s, 1e6),
                _number(m.worst_latency_s, 1e6),
                _number(m.tokens_per_s, 1, "<= ", 0),
                _number(batch, 1, "<= ", 0),
                _number(m.energy_per_token_j, 1e6),
            )
        )
    title = f"time and energy, preset {estimate.preset.name} (estimate)"
    columns = ("mode", "step us", "latency us", "worst us", "tokens/s", "x copies")
    return Table(title, (*columns, "uJ/token"), rows)


def _sequence(estimate: Estimate) -> Table:
    counts = estimate.counts
    rows = [
        (
            m.name,
            _number(estimate.sequence_s(m), 1e6),
            _number(estimate.sequence_j(m), 1e6),
        )
        for m in (estimate.pipelined, estimate.fall_through)
    ]
    title = (
        f"a sequence: {counts.per_sequence:g} tokens on average of "
        f"{len(counts.lengths):,}, "
        f"{counts.synops.mean() * counts.per_sequence:,.0f} synops "
        f"without {EXTRA}"
    )
    return Table(title, ("mode", "us to its answer", "uJ"), rows)


def sweep_table(choices: Sequence[Choice]) -> Table:
    """One row per number of cores."""
    rows = [
        (
            str(len(c.mapping)),
            f"{c.busiest:,.0f}",
            f"{c.least:,.0f}",
            f"{c.imbalance:.2f}",
            _number(c.estimate.pipelined.step_s, 1e6),
            _number(c.latency_s, 1e6),
            _number(c.energy_j, 1e6),
            str(c.mapping.copies),
        )
        for c in choices
    ]
    columns = ("cores", "busiest\ncore", "at\nleast", "of the\nmean", "step us")
    columns += ("latency us", "uJ/token", "copies")
    title = f"more cores, preset {choices[0].estimate.preset.name} (estimate)"
    return Table(title, columns, rows)


def _number(
    value: float | None, scale: float, prefix: str = ">= ", digits: int = 3
) -> str:
    if value is None:
        return "not known"
    return f"{prefix}{value * scale:,.{digits}f}"


@as_html.register
def _(mapping: Mapping) -> str:
    return titled(mapping, mapping_table(mapping))


@as_html.register
def _(estimate: Estimate) -> str:
    return titled(estimate, *estimate_tables(estimate), counts_table(estimate.counts))
