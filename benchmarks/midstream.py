# SPDX-License-Identifier: BSD-3-Clause
"""What a denoiser is worth in the middle of a stream, after other sound or silence.

    uv run --extra peers python benchmarks/midstream.py SET data/denoiser.net gtcrn \
        --count 40 -o midstream.md

A set is what ``data mix`` makes: clips that begin where a denoiser begins. Here each is
heard after nothing, as in every other table, after silence, and after other noisy clips
of the set, which are drawn alike for all systems: then a network remembers sound that
is over. The table has the mean improvement of SI-SNR of the clip alone, in dB, and its
standard error; in brackets how far it is from that after nothing, clip by clip, and the
error of this. A system is a peer, or a network's file, with ``@`` and another limit of
attenuation.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lava_sparse_rnn import spec
from lava_sparse_rnn.audio import Denoiser, NdnsFolder
from lava_sparse_rnn.audio.evaluation.metrics import si_snr
from lava_sparse_rnn.audio.ndns.folder import NdnsItem
from lava_sparse_rnn.audio.peers import PEERS
from lava_sparse_rnn.files import replacing
from lava_sparse_rnn.markup import Table

RATE = 16_000
Denoise = Callable[[np.ndarray], np.ndarray]
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


def system(name: str) -> Denoise:
    """A peer, or a network with a limit of attenuation of its own or another one."""
    if name in PEERS:
        return PEERS[name].make()
    path, _, limit = name.partition("@")
    strength = float(limit) if limit else None
    return Denoiser(spec.load(path), "engine", strength).denoise


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
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("set", type=Path)
    parser.add_argument("systems", nargs="+", help="NETWORK.net[@DB], or a peer")
    parser.add_argument("--count", type=int, help="so many clips, spread over the set")
    parser.add_argument("-o", "--output", type=Path, default=Path("midstream.md"))
    given = parser.parse_args()
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
        rows.append([name.replace(".net", "").rpartition("/")[2], *row])
        print(rows[-1], flush=True)
    table = Table("Improvement of SI-SNR in dB after", ("system", *BEFORE), rows)
    text = f"{len(chosen)} clips of {len(items)}\n\n{table.markdown()}"
    with replacing(given.output) as path:
        path.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
