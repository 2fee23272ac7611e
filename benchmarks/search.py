# SPDX-License-Identifier: BSD-3-Clause
"""What searching a mapping brings: the busiest core, and the estimated step.

    uv run python benchmarks/search.py [NET ...] [--data NET=PATH ...] [-o PICTURE]

Maps each network by measured work: without a search, and with one in which two and
three groups may share a core. Denoisers are measured on the first half of each
recording of ``data/samples`` and counted on the second; networks of a task on one half
and the other of the first of its test sequences, which it reads from what ``--data``
names (or from tokens, as .npz). Every search ends by itself: its mapping is the same
everywhere.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from mapping import halves

from lava_sparse_rnn import loihi2, pictures, spec
from lava_sparse_rnn.cli._tokens import first_tokens, input_tokens

CORES = (16, 20, 24, 32, 48, 64)
SHARES = (1, 2, 3)
NAMES = ("one group a core", "two groups, searched", "three groups, searched")
LIMIT = 2000  # tokens of a task's sequences
SECONDS = 600.0  # more than any search here takes
Row = tuple[int, list[loihi2.Choice]]


def inputs(network: spec.Network, data: str | None) -> tuple[list, list]:
    """Sequences to measure, and others to count."""
    if data is None:
        return halves(network)
    # A task's own file may be a .npy.
    paths = (Path(data), None) if data.endswith(".npz") else (None, Path(data))
    x = input_tokens(network, None, *paths)
    found = list(spec.Sequences.of(network, first_tokens(x, LIMIT)))
    return found[::2], found[1::2]


def mapped(name: str, data: str | None) -> list[Row]:
    """For each number of cores: without a search, and with two and three groups."""
    network = spec.load(name)
    first, second = inputs(network, data)
    busy, trace = loihi2.measure(network, first), {}
    spec.reference.run(network, second, trace)
    fewest, rows = len(loihi2.map_network(network)), []
    for cores in CORES:
        if cores < fewest:
            continue
        choices = []
        for share in SHARES:
            search = None if share == 1 else SECONDS
            looked = {"search": search, "share": share}
            m = loihi2.map_network(network, cores=cores, activity=busy, **looked)
            counts = loihi2.count(network, second, m, trace)
            e = loihi2.weigh(counts, loihi2.PRESETS["loihi1"])
            choices.append(loihi2.Choice(m, e))
        rows.append((cores, choices))
    return rows


def lines(name: str, rows: list[Row]) -> list[str]:
    """A table's rows."""
    shown = []
    for cores, choices in rows:
        cells = [
            cell
            for c in choices
            for cell in (
                f"{c.busiest:,.0f}",
                f"{c.imbalance:.2f}",
                f"{(c.estimate.pipelined.step_s or 0) * 1e6:.1f}",
                f"{(c.energy_j or 0) * 1e6:.2f}",
            )
        ]
        shown.append(f"| `{name}` | {cores} | {' | '.join(cells)} |")
    return shown


def draw(found: dict[str, list[Row]], path: Path) -> None:
    """Busiest core over the mean, and the estimated step, of each network."""
    figure = pictures.figure(3 * len(found) + 1, 5.6)
    axes = figure.subplots(2, len(found), sharex=True, squeeze=False)
    for column, (name, rows) in zip(axes.T, found.items(), strict=True):
        cores = [n for n, _ in rows]
        for i, label in enumerate(NAMES):
            chosen = [choices[i] for _, choices in rows]
            steps = [(c.estimate.pipelined.step_s or np.nan) * 1e6 for c in chosen]
            drawn = {"color": pictures.COLORS[i], "lw": 1.5, "ms": 4, "label": label}
            marker = "osD"[i] + "-"
            column[0].plot(cores, [c.imbalance for c in chosen], marker, **drawn)
            column[1].plot(cores, steps, marker, **drawn)
        column[0].axhline(1.15, color="0.4", ls="--", lw=1, label="1.15")
        column[0].set_title(name, loc="left", fontsize=10)
        column[0].set_ylim(0.95, None)
        column[1].set_ylim(0, None)
        column[1].set_xticks(CORES, [str(n) for n in CORES], fontsize=8)
        for axis in column:
            axis.grid(color="0.9")
    axes[0, 0].set_ylabel("busiest core / mean")
    axes[1, 0].set_ylabel("step, us (estimate, loihi1)")
    figure.legend(
        *axes[0, 0].get_legend_handles_labels(),
        loc="outside upper center",
        ncols=4,
        fontsize=9,
        frameon=False,
    )
    figure.supxlabel("neurocores", fontsize=10)
    pictures.save(figure, path)


def main() -> None:
    """Print the table, draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("nets", nargs="*", default=["denoiser", "denoiser_small"])
    parser.add_argument("--data", nargs="*", default=[], metavar="NET=PATH")
    parser.add_argument("-o", "--output", type=Path, help="picture")
    arguments = parser.parse_args()
    data = dict(given.split("=", 1) for given in arguments.data)
    cells = "busiest | of the mean | step us | uJ/token"
    head = " | ".join(f"{name}: {cells}" for name in NAMES)
    print(f"| network | cores | {head} |\n|---|---:{'|---:' * 4 * len(NAMES)}|")
    found = {}
    for name in arguments.nets:
        found[name] = mapped(name, data.get(name))
        print("\n".join(lines(name, found[name])), flush=True)
    if arguments.output is not None:
        draw(found, arguments.output)
        print(arguments.output)


if __name__ == "__main__":
    main()
