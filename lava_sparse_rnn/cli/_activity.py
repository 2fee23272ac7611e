# SPDX-License-Identifier: BSD-3-Clause
"""How busy a recording keeps a network, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    import numpy as np

    from lava_sparse_rnn.audio.denoiser import Denoiser
    from lava_sparse_rnn.audio.sound.wav import Reader

MOST_TOKENS = 1000  # seconds are enough for averages, and every wire is kept


def show_activity(screen: Console, denoiser: Denoiser, sound: Reader) -> None:
    """Run the beginning of a recording once more, and show what its tokens moved."""
    from lava_sparse_rnn import engine
    from lava_sparse_rnn.spec import reference, statistics

    network = denoiser.network
    tokens = _first_tokens(denoiser, sound)
    trace: dict[str, np.ndarray] = {}
    if engine.EXTENSION is None:
        reference.run(network, tokens, trace)
    else:
        engine.Engine(network).run(tokens, trace)
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


def _first_tokens(denoiser: Denoiser, sound: Reader) -> np.ndarray:
    import numpy as np

    pieces, heard = [], 0
    most = MOST_TOKENS * denoiser.front_end.hop_length
    for piece in sound:
        pieces.append(piece)
        heard += len(piece)
        if heard >= most:
            break
    return denoiser.tokens(np.concatenate(pieces)[:most])[:MOST_TOKENS]
