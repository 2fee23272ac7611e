# SPDX-License-Identifier: BSD-3-Clause
"""Time the engine beside other runtimes, in one process, taking turns.

    python benchmarks/engine.py table.md [--net FILE] [--rounds 15] [--only step,bulk]

Every contender runs once per round, so that what else the machine does hits all of
them alike; what counts are the medians, and the ratios more than the times. Peers
that are not installed are left out and named.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from engine_peers import PEERS, NotInstalledError

from lava_sparse_rnn import engine, spec
from lava_sparse_rnn.spec.statistics import sparsity

D_MODEL, D_STATE, D_IN, BLOCKS, SPARSITY = 192, 128, 257, 3, 0.9
TURN = 4e-3  # seconds of one turn of a contender
Run = Callable[[], object]


def network_of(width: float = 1.0, sparse: float = SPARSITY) -> spec.Network:
    """A random network of the standard size, or a multiple of it."""
    return spec.random_network(
        np.random.default_rng(0),
        D_IN,
        round(D_MODEL * width),
        round(D_STATE * width),
        D_IN,
        BLOCKS,
        1.0 - sparse,
    )


def tokens_of(network: spec.Network, n: int) -> np.ndarray:
    """Tokens of a tenth of the input's range, int64."""
    fmt = network.layers[0].inp.format
    size = fmt.highest // 10
    return np.random.default_rng(1).integers(-size, size + 1, (n, network.d_in))


class Times(dict[str, float]):
    """Median microseconds per token by contender, and the best ones beside them."""

    best: dict[str, float]


def take_turns(contenders: dict[str, tuple[Run, int]], rounds: int) -> Times:
    """Time functions that answer so many tokens."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for run, _ in contenders.values():
        run()
    for _ in range(rounds):
        for name, (run, tokens) in contenders.items():
            start = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - start) / tokens * 1e6)
    medians = Times({name: median(values) for name, values in times.items()})
    medians.best = {name: min(values) for name, values in times.items()}
    return medians


def one_by_one(step: Callable, tokens: list[np.ndarray]) -> tuple[Run, int]:
    """A contender that answers token after token from Python, for a few ms."""
    for u in tokens[:3]:
        step(u)
    start = time.perf_counter()
    for u in tokens[:5]:
        step(u)
    # All contenders' turns last alike, or a busy machine would hit long ones more.
    n = round(TURN / (time.perf_counter() - start) * 5)
    tokens = (tokens * (n // len(tokens) + 1))[: max(n, 5)]

    def run() -> None:
        for u in tokens:
            step(u)

    return run, len(tokens)


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in markdown."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def versus(times: Times) -> str:
    """Times, and how many times the fastest engine's they are."""
    fastest = min(t for name, t in times.items() if name.startswith("engine"))
    rows = [
        [name, f"{t:.2f}", f"{times.best[name]:.2f}", f"{t / fastest:.1f}"]
        for name, t in times.items()
    ]
    head = ["", "us per token, median", "best", "median over the fastest engine's"]
    return table(head, rows)


def bench_step(network: spec.Network, rounds: int) -> str:
    """One stream, token by token, from Python."""
    tokens = list(tokens_of(network, 400))
    contenders, missing = {}, []
    for name, make in PEERS.items():
        try:
            contenders[name] = one_by_one(make(network), tokens)
        except NotInstalledError as error:
            missing.append(f"{name} ({error} is not installed)")
    for kernel in engine.available():
        layouts = ("dense", None) if kernel != "scalar" else (None,)
        for layout in layouts:
            step = engine.Stream(network, kernel, layout=layout).step
            label = f"engine, {kernel}" + (", dense int8" if layout else "")
            contenders[label] = one_by_one(step, tokens)
    text = versus(take_turns(contenders, rounds))
    return text + ("\n\nLeft out: " + "; ".join(missing) if missing else "")


def bench_bulk(network: spec.Network, rounds: int) -> str:
    """A whole sequence in one call."""
    x = tokens_of(network, 2000)
    contenders: dict[str, tuple[Run, int]] = {
        "reference executor": (lambda: spec.reference.run(network, x), len(x))
    }
    for kernel in engine.available():
        run = engine.Engine(network, kernel).run
        contenders[f"engine, {kernel}"] = (lambda run=run: run(x), len(x))
    return versus(take_turns(contenders, rounds))


def bench_threads(network: spec.Network, rounds: int) -> str:
    """16 sequences of 1,000 tokens on one and on two threads."""
    x = np.stack([tokens_of(network, 1000)] * 16)
    contenders = {}
    for threads in (1, 2):
        run = engine.Engine(network, threads=threads).run
        name = f"engine, {threads} thread{'s'[: threads - 1]}"
        contenders[name] = (lambda run=run: run(x), 16000)
    times = take_turns(contenders, rounds)
    one, two = times.values()
    return versus(times) + f"\n\nTwo threads give {one / two:.2f} times one."


def bench_sparsity(network: spec.Network, rounds: int) -> str:
    """Layouts against weight sparsity, per token in bulk."""
    rows = []
    for sparse in (0.0, 0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95):
        made, contenders = network_of(sparse=sparse), {}
        x = tokens_of(made, 500)
        for kernel in engine.available()[1:]:
            for layout in ("dense", "sparse", None):
                run = engine.Engine(made, kernel, layout=layout).run
                label = f"{kernel} {layout or 'chosen'}"
                contenders[label] = (lambda run=run, x=x: run(x), len(x))
        times = take_turns(contenders, rounds)
        rows.append([f"{sparse:.0%}", *(f"{t:.2f}" for t in times.values())])
    return table(["sparsity", *times], rows)


def bench_width(network: spec.Network, rounds: int) -> str:
    """Width of the network at the same sparsity, one stream."""
    rows = []
    for width in (0.5, 1, 2, 4):
        made = network_of(width)
        tokens = list(tokens_of(made, 200))
        contenders = {
            kernel: one_by_one(engine.Stream(made, kernel).step, tokens)
            for kernel in engine.available()
        }
        times = take_turns(contenders, rounds)
        rows.append([f"{width:g}", *(f"{t:.2f}" for t in times.values())])
    return table(["width", *times], rows)


BENCHES = {
    "step": bench_step,
    "bulk": bench_bulk,
    "threads": bench_threads,
    "sparsity": bench_sparsity,
    "width": bench_width,
}


def cpu() -> str:
    """The processor, as far as the system tells."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = {s.split(":")[1].strip() for s in lines if s.startswith("model name")}
    return ", ".join(sorted(names)) or platform.processor() or platform.machine()


def report(network: spec.Network, names: list[str], rounds: int) -> str:
    """The tables that were asked for."""
    sizes = f"{network.d_in} in, {network.d_out} out, {len(network.layers)} layers"
    parts = [
        "# Engine benchmark",
        f"{cpu()}, {os.cpu_count()} processors, load before the run "
        f"{os.getloadavg()[0]:.1f}; {sizes}, {sparsity(network):.0%} of the weights "
        f"are zero. Medians of {rounds} rounds in which the contenders take turns.",
    ]
    for name in names:
        bench = BENCHES[name]
        parts += [f"## {bench.__doc__}", bench(network, rounds)]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Write the report to the path given, and show it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="markdown file to write")
    parser.add_argument("--net", type=Path, help="a .net file; default: a random one")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", default=",".join(BENCHES), help="comma-separated")
    options = parser.parse_args()
    names = options.only.split(",")
    if unknown := [name for name in names if name not in BENCHES]:
        parser.error(f"--only: {unknown[0]!r}, must be of {', '.join(BENCHES)}")
    network = spec.load(options.net) if options.net else network_of()
    text = report(network, names, options.rounds)
    options.out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
