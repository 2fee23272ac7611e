# SPDX-License-Identifier: BSD-3-Clause
"""Busiest cores of the shipped networks, and what more cores bring and cost.

    uv run python benchmarks/mapping.py [NET ...] [-o FOLDER]

Prints, for each network and number of cores, the busiest core of the mapping by stored
synapses, of the one by measured work, and the least that any cut has. Work is measured
on the first half of each recording of ``data/samples`` and counted on the second. With
``-o`` it draws ``sweep_shipped.png`` and its like there: busiest core, step, latency,
energy and copies.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from lava_sparse_rnn import loihi2, pictures, spec
from lava_sparse_rnn.audio import Denoiser
from lava_sparse_rnn.audio.sound import wav
from lava_sparse_rnn.loihi2 import plots

SAMPLES = Path(__file__).parents[1] / "data" / "samples"
CORES = (14, 20, 32, 64, 128)


def halves(network: spec.Network) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """First and second half of every recording's tokens."""
    first, second = [], []
    for path in sorted(SAMPLES.glob("noisy_*.wav")):
        tokens = Denoiser(network).tokens(wav.read(path)[0])
        first.append(tokens[: len(tokens) // 2])
        second.append(tokens[len(tokens) // 2 :])
    return first, second


def table(name: str) -> list[str]:
    """Rows of a network: stored, measured, bound."""
    network = spec.load(name)
    first, second = halves(network)
    busy, trace = loihi2.measure(network, first), {}
    spec.reference.run(network, second, trace)
    lines = []
    for cores in CORES:
        cells: list[str] = []
        for activity in (None, busy):
            mapping = loihi2.map_network(network, cores=cores, activity=activity)
            counts = loihi2.count(network, second, mapping, trace)
            e = loihi2.weigh(counts, loihi2.PRESETS["loihi1"])
            choice = loihi2.Choice(mapping, e)
            step = (e.pipelined.step_s or 0.0) * 1e6
            cells += [f"{choice.busiest:,.0f}", f"{choice.imbalance:.2f}"]
            cells += [f"{step:.1f}"]
        over = choice.busiest / choice.least
        cells += [f"{choice.least:,.0f}", f"{over:.3f}"]
        lines.append(f"| `{name}` | {len(mapping)} | {' | '.join(cells)} |")
    return lines


def main() -> None:
    """Print the tables, draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nets", nargs="*", default=["denoiser", "denoiser_small"])
    parser.add_argument("-o", "--output", type=Path, help="folder of the pictures")
    arguments = parser.parse_args()
    print(
        "| network | cores | stored: busiest | of the mean | step us "
        "| measured: busiest | of the mean | step us | at least | over that |\n"
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    )
    for name in arguments.nets:
        print("\n".join(table(name)))
    if arguments.output is not None:
        for name in arguments.nets:
            network = spec.load(name)
            first, second = halves(network)
            busy = loihi2.measure(network, first)
            stem = {"denoiser": "shipped"}.get(name, Path(name).stem)
            path = arguments.output / f"sweep_{stem}.png"
            choices = loihi2.sweep(network, second, activity=busy)
            pictures.save(plots.sweep(choices), path)
            print(path)


if __name__ == "__main__":
    main()
