# SPDX-License-Identifier: BSD-3-Clause
"""How busy a recording keeps a network, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from lava_sparse_rnn.cli._tables import show
from lava_sparse_rnn.markup import Table

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
    layers = statistics.activity(network, tokens, trace)
    sizes = statistics.matrix_sizes(network)
    rows = []
    for found in layers:
        own = [m for m in sizes if m.layer == found.layer]
        total, nnz = sum(m.total for m in own), sum(m.nnz for m in own)
        rows.append(
            (
                str(found.layer),
                found.type,
                f"{total:,}",
                f"{1 - nnz / total:.1%}",
                "\n".join(
                    f"{name} {share:.0%}" for name, share in found.silent.items()
                ),
                f"{found.synops:,.0f}",
                f"{found.dense_synops:,}",
            )
        )
    rows.append(
        (
            *("all", "", f"{sum(m.total for m in sizes):,}"),
            *(f"{statistics.sparsity(network):.1%}", ""),
            f"{sum(found.synops for found in layers):,.0f}",
            f"{sum(found.dense_synops for found in layers):,}",
        )
    )
    columns = ("layer", "type", "weights", "zero", "silent", "synops/token", "of")
    title = f"activity over {len(tokens)} tokens"
    show(screen, Table(title, columns, rows, last=1, text={"type", "silent"}))


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
