# SPDX-License-Identifier: BSD-3-Clause
"""Tables of docs/loihi2.md from "Figures" on: networks on cores, and estimates.

    uv run python benchmarks/mapping.py [NET ...] [-o FOLDER]

Prints, in the order of that page: the first network and one of the paper's size on some
numbers of cores; of each network the busiest core of the mapping by stored synapses and
of the one by measured work (measured on the first half of each recording of
``data/samples``, counted on the second); the least that any cut has, and the numbers of
cores on which the busiest has next to that (measured and counted on ``noisy_01``). With
``-o`` it draws ``sweep_shipped.png`` and its like there: busiest core, step, latency,
energy and copies; and ``mapping_shipped.png``, the first network on 64 cores.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from lava_sparse_rnn import loihi2, pictures, spec
from lava_sparse_rnn.audio import Denoiser
from lava_sparse_rnn.audio.sound import wav
from lava_sparse_rnn.cli._tokens import token_times
from lava_sparse_rnn.loihi2 import plots, report

SAMPLES = Path(__file__).parents[1] / "data" / "samples"
CORES = (14, 20, 32, 64, 128)
PLACED = 64  # cores of the map that is drawn
EVEN = 1.15  # of the mean: what the busiest core of a good number of cores has
LOOKED = range(15, 61)
COLUMNS = (
    *("network", "cores", "copies per chip", "fullest core", "synapses, most"),
    *("instructions, most", "memory reads", "messages", "hops", "step us"),
    *("latency us, pipelined", "fall-through", "uJ/token, pipelined", "fall-through"),
)


def head(*columns: str, words: int = 1) -> str:
    """First two lines of a table whose first columns are words."""
    rules = ["---"] * words + ["---:"] * (len(columns) - words)
    return f"\n| {' | '.join(columns)} |\n|{'|'.join(rules)}|"


def row(*cells: object) -> str:
    """A line of a table."""
    return f"| {' | '.join(map(str, cells))} |"


def spoken(network: spec.Network, i: int = 1) -> np.ndarray:
    """Tokens of one of the recordings."""
    return Denoiser(network).tokens(wav.read(SAMPLES / f"noisy_{i:02d}.wav")[0])


def halves(network: spec.Network) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """First and second half of every recording's tokens."""
    heard = [spoken(network, i) for i in (1, 2, 3)]
    return [x[: len(x) // 2] for x in heard], [x[len(x) // 2 :] for x in heard]


def papers_size() -> tuple[spec.Network, np.ndarray]:
    """A random network of the paper's size, and random tokens."""
    made = spec.random_network(np.random.default_rng(0), 257, 384, 256, 257, 3, 0.1)
    return made, np.random.default_rng(1).integers(-20000, 20000, (200, 257))


def figures(
    label: str, network: spec.Network, x: np.ndarray, sizes: tuple[int, ...]
) -> tuple[list[str], str]:
    """A row for each number of cores, and what does not depend on it."""
    trace, lines, found = {}, [], []
    spec.reference.run(network, x, trace)
    for cores in sizes:
        m = loihi2.map_network(network, cores=cores)
        counts = loihi2.count(network, x, m, trace)
        e = loihi2.weigh(counts, loihi2.PRESETS["loihi1"], *token_times(network))
        every = report.count_table(counts)["all"]
        hops = every["hops_east_west"] + every["hops_north_south"]
        full = m.on_cores(m.total_bytes).max() / m.board.chip.core_bytes
        a, b = e.pipelined, e.fall_through
        found.append(e)
        lines.append(
            row(
                *(label, len(m), m.copies_per_chip, f"{full:.1%}"),
                *(f"{m.synapses.max():,}", f"{m.instructions.max():,}"),
                *(f"{every['memory_reads']:,.0f}", f"{every['messages_in']:,.0f}"),
                *(f"{hops:,.0f}", f"{1e6 * (a.step_s or 0):.1f}"),
                *(f"{1e6 * (one.latency_s or 0):.0f}" for one in (a, b)),
                f"{1e6 * (a.energy_per_token_j or 0):.2f}",
                f"{1e6 * (b.energy_per_token_j or 0):.1f}",
            )
        )
    return lines, f"{label}: {_whatever(found)}"


def _whatever(found: list[loihi2.Estimate]) -> str:
    """What a token takes on any number of cores; the last product is a range."""
    e, products = found[0], [f"{one.pdp_proxy / 1e6:.2f}" for one in found]
    m, synops = e.counts.mapping, e.counts.synops.mean()
    every = report.count_table(e.counts)["all"]
    copies = every["sparse_synops"] + every["dense_synops"]
    return (
        f"{synops:,.0f} synops ({copies:,.0f} with copies; {m.synapses.sum():,} stored "
        f"synapses), {every['neuron_updates']:,.0f} neuron updates, "
        f"{every['instructions']:,.0f} instructions, N-DNS power proxy "
        f"{e.power_proxy / 1e6:.2f} M-Ops/s, power-delay product "
        f"{'-'.join(sorted({min(products), max(products)}))} M-Ops"
    )


def balance(name: str) -> list[str]:
    """Rows of a network: by stored synapses, and by measured work."""
    network = spec.load(name)
    first, second = halves(network)
    busy, trace = loihi2.measure(network, first), {}
    spec.reference.run(network, second, trace)
    lines = []
    for cores in CORES[1:]:  # on the fewest there is nothing to balance
        cells: list[str] = []
        for activity in (None, busy):
            m = loihi2.map_network(network, cores=cores, activity=activity)
            counts = loihi2.count(network, second, m, trace)
            e = loihi2.weigh(counts, loihi2.PRESETS["loihi1"])
            step = (e.pipelined.step_s or 0.0) * 1e6
            cells += [f"{loihi2.Choice(m, e).imbalance:.2f}", f"{step:.1f}"]
        lines.append(row(f"`{name}`", cores, *cells))
    return lines


def bounds(name: str) -> tuple[list[str], str]:
    """Rows of a network: the busiest core and the least; and even numbers of cores."""
    network = spec.load(name)
    x = spoken(network)
    busy, trace, lines, even = loihi2.measure(network, x), {}, [], {}
    spec.reference.run(network, x, trace)
    for cores in sorted({*CORES, *LOOKED}):
        m = loihi2.map_network(network, cores=cores, activity=busy)
        counts = loihi2.count(network, x, m, trace)
        c = loihi2.Choice(m, loihi2.weigh(counts, loihi2.PRESETS["loihi1"]))
        if cores in CORES:
            cells = f"{c.busiest:,.0f}", f"{c.imbalance:.2f}", f"{c.least:,.0f}"
            over = f"{100 * (c.busiest / c.least - 1):.1f} %"
            asked = "" if cores == len(m) else f" ({cores} asked for)"
            lines.append(row(f"`{name}`", f"{len(m)}{asked}", *cells, over))
        if cores in LOOKED and c.imbalance <= EVEN:
            even[len(m)] = f"{len(m)} ({c.imbalance:.2f})"
    return lines, row(f"`{name}`", ", ".join(even.values()))


def draw(name: str, folder: Path) -> None:
    """What more cores bring and cost."""
    network = spec.load(name)
    first, second = halves(network)
    busy = loihi2.measure(network, first)
    stem = {"denoiser": "shipped"}.get(name, Path(name).stem)
    path = folder / f"sweep_{stem}.png"
    choices = loihi2.sweep(network, second, activity=busy)
    pictures.save(plots.sweep(choices), path)
    print(path)


def draw_map(name: str, path: Path) -> None:
    """Where the groups lie on the chip, and what their cores do."""
    network = spec.load(name)
    mapping = loihi2.map_network(network, cores=PLACED)
    times = token_times(network)
    e = loihi2.estimate(network, spoken(network), mapping, "loihi1", *times)
    pictures.save(plots.cores(mapping, e), path)
    print(path)


def main() -> None:
    """Print the tables, draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nets", nargs="*", default=["denoiser", "denoiser_small"])
    parser.add_argument("-o", "--output", type=Path, help="folder of the pictures")
    arguments = parser.parse_args()
    if arguments.output is not None and not arguments.output.is_dir():
        parser.error(f"-o {arguments.output}: is no folder")
    first = spec.load(arguments.nets[0])
    print(head(*COLUMNS))
    ours, about = figures("shipped", first, spoken(first), (14, 28, 64, 128))
    papers, size = figures("paper's size", *papers_size(), (11, 32, 64, 128))
    print(*ours, *papers, f"\n{about}\n{size}", sep="\n")
    ways = [
        (f"{w}: busiest / mean", "step us") for w in ("by stored synapses", "measured")
    ]
    print(head("network", "cores", *ways[0], *ways[1]))
    for name in arguments.nets:
        print(*balance(name), sep="\n")
    found = [bounds(name) for name in arguments.nets]
    print(
        head("network", "cores", "busiest core", "of the mean", "at least", "over that")
    )
    for lines, _ in found:
        print(*lines, sep="\n")
    print(
        head(
            "network",
            f"cores of {LOOKED[0]} to {LOOKED[-1]} with at most {EVEN} of the mean",
            words=2,
        )
    )
    print(*(even for _, even in found), sep="\n")
    if arguments.output is not None:
        for name in arguments.nets:
            draw(name, arguments.output)
        draw_map(arguments.nets[0], arguments.output / "mapping_shipped.png")


if __name__ == "__main__":
    main()
