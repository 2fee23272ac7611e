# SPDX-License-Identifier: BSD-3-Clause
"""What a denoiser is worth in the middle of a stream, after other sound or silence.

    uv run --extra peers python benchmarks/midstream.py SET data/denoiser.net gtcrn \
        --count 40 -o midstream.md

A set is what ``data mix`` makes: clips that begin where a denoiser begins. Here each is
heard after nothing, as in every other table, after silence, and after other noisy clips
of the set, which are drawn alike for all systems: then a network remembers sound that
is over. The table has the mean improvement of SI-SNR of the clip alone, in dB, and its
standard error; in brackets how far it is from that after nothing, clip by clip, and the
error of this. What a system can be says ``systems.py``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from systems import Denoise, parser, system, title

from lava_sparse_rnn.audio import NdnsFolder
from lava_sparse_rnn.audio.evaluation.metrics import si_snr
from lava_sparse_rnn.audio.ndns.folder import NdnsItem
from lava_sparse_rnn.files import replacing
from lava_sparse_rnn.markup import Table

RATE = 16_000
Before = Callable[[np.random.Generator, list[NdnsItem]], np.ndarray]


def silence(seconds: int) -> Before:
    """So much digital silence."""
    return lambda rng, items: np.zeros(seconds * RATE, np.float32)


def others(count: int) -> Before:
    """So many noisy clips."""

    def draw(rng: np.random.Generator, items: list[NdnsItem]) -> np.ndarray:
        drawn = rng.integers(len(items), size=count)
        return np.concatenate([items[i].noisy for i in drawn])

    return draw


BEFORE: dict[str, Before] = {
    "nothing": silence(0),
    "1 s of silence": silence(1),
    "4 s of silence": silence(4),
    "another clip": others(1),
    "8 other clips": others(8),
}


def improvements(
    denoise: Denoise, items: list[NdnsItem], chosen: list[NdnsItem], before: Before
) -> np.ndarray:
    """Of every chosen clip, in dB."""
    rng, found = np.random.default_rng(0), []
    for item in chosen:
        first = before(rng, items)
        cleaned = denoise(np.concatenate([first, item.noisy]))[len(first) :]
        better = si_snr(cleaned, item.clean) - si_snr(item.noisy, item.clean)
        found.append(better)
    return np.array(found)


def main() -> None:
    given = parser(__doc__, "midstream.md").parse_args()
    folder = NdnsFolder(given.set)
    items = [folder[i] for i in range(len(folder))]
    places = np.linspace(0, len(items) - 1, given.count or len(items)).astype(int)
    chosen, rows = [items[i] for i in places], []
    for name in given.systems:
        denoise, row, alone = system(name), [], None
        for before in BEFORE.values():
            found = improvements(denoise, items, chosen, before)
            error = found.std() / np.sqrt(len(found))
            row.append(f"{found.mean():+.2f} ± {error:.2f}")
            if alone is None:
                alone = found
            else:
                apart = found - alone
                error = apart.std() / np.sqrt(len(apart))
                row[-1] += f" ({apart.mean():+.2f} ± {error:.2f})"
        rows.append([title(name), *row])
        print(rows[-1], flush=True)
    table = Table("Improvement of SI-SNR in dB after", ("system", *BEFORE), rows)
    text = f"{len(chosen)} clips of {len(items)}\n\n{table.markdown()}"
    with replacing(given.output) as path:
        path.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
