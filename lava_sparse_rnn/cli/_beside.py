# SPDX-License-Identifier: BSD-3-Clause
"""A processor's rows beside an estimate: measured here, with the compiled engine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lava_sparse_rnn.cli._tables import show

if TYPE_CHECKING:
    from rich.console import Console

    from lava_sparse_rnn.loihi2.beside import Row

ROUNDS, SECONDS = 5, 1.0  # at least so many runs, or as many as fit


def rows_of(
    estimate, net, x, static_mw: list[float], watts: float | None, count: int | None
) -> list[Row]:
    """Chip, processor and Cortex-M, the dense network beside the sparse one."""
    from lava_sparse_rnn.loihi2 import beside

    rows = beside.chip_rows(estimate, net, static_mw)
    for layout, name in ((None, "this processor"), ("dense", "the same, dense")):
        rows.append(_measured(net, x, name, layout, watts))
    counted = "not counted: benchmarks/cortex_m.py counts, give --instructions"
    work = ""
    if count is not None:
        counted, work = "stated: counted under qemu", f"{count:,} instructions"
    return [*rows, beside.Row("Cortex-M", counted, work)]


def show_beside(screen: Console, rows: list[Row], estimate, net, x) -> None:
    """The table, what crosses the boundary, and where both cost the same."""
    from lava_sparse_rnn.loihi2 import beside

    show(screen, beside.beside_table(rows, estimate.token_s))
    screen.print(beside.io_line(estimate, net, x))
    screen.print(
        "this processor: one thread, the fastest of several runs, power as stated and "
        "only while it computes"
    )
    for row in rows:
        power = None if row.is_bound else beside.break_even_mw(estimate, row)
        if power is not None:
            screen.print(
                f"a chip full of copies takes as much energy as {row.what!r} where its "
                f"static power is {power:,.3g} mW at most (events: "
                f"preset {estimate.preset.name}, estimate)"
            )


def _measured(net, x, name: str, layout: str | None, watts: float | None) -> Row:
    from lava_sparse_rnn import engine
    from lava_sparse_rnn.loihi2 import beside
    from lava_sparse_rnn.spec import Sequences

    if engine.EXTENSION is None:
        return beside.Row(name, "not measured: the engine is not built here", "")
    made = engine.Engine(net, layout=layout)
    tokens = Sequences.of(net, x).tokens
    took: list[float] = []
    end = time.perf_counter() + SECONDS
    while len(took) < ROUNDS or time.perf_counter() < end:
        start = time.perf_counter()
        made.run(tokens)
        took.append(time.perf_counter() - start)
    seconds = min(took) / len(tokens)
    energy = None if watts is None else watts * seconds
    work = ""
    if layout == "dense":
        work = f"{beside.dense_synops(net):,} synops"
    known = f"measured, engine {made.kernel}"
    known += "" if watts is None else f"; {watts:g} W: stated"
    return beside.Row(name, known, work, seconds, energy, energy)
