# SPDX-License-Identifier: BSD-3-Clause
"""Tokens per second of the microcode interpreter, and instructions per group.

Usage: ``python benchmarks/microcode.py [OUT.md] [--net FILE] [--tokens N]``. Without
``--net`` it takes ``data/denoiser.net`` if that is there, else a random network of
its size (257 inputs and outputs, d_model 192, d_state 128, 3 blocks, 10 % dense).
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from lava_sparse_rnn import microcode, spec

SHIPPED = Path(__file__).parent.parent / "data" / "denoiser.net"


def network_of(path: Path | None) -> tuple[str, spec.Network]:
    """A network and what to call it."""
    if path is None and SHIPPED.is_file():
        path = SHIPPED
    if path is not None:
        return path.name, spec.load(path)
    rng = np.random.default_rng(0)
    return "random, 10 % dense", spec.random_network(rng, 257, 192, 128, 257, 3, 0.1)


def cost(run: Callable[[], object], repeats: int = 3) -> tuple[float, float]:
    """Seconds of wall clock and of processor time, the best of some repeats."""
    walls, cpus = [], []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        run()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return min(walls), min(cpus)


def token_by_token(network: spec.Network, x: np.ndarray) -> None:
    """The reference without the advantage of seeing all tokens at once."""
    executor = spec.reference.Reference(network)
    for u in x:
        executor.step(u)


def speed_table(network: spec.Network, x: np.ndarray) -> Iterator[str]:
    """Markdown lines: tokens per second of each way to run."""
    reference = spec.reference.run
    executor = microcode.Executor(network)
    ways: dict[str, Callable[[], object]] = {
        "microcode, token by token": lambda: executor.run(x),
        "reference, token by token": lambda: token_by_token(network, x),
        "reference, whole sequence": lambda: reference(network, x),
    }
    yield "| way to run | tokens/s | tokens per second of processor time |"
    yield "|---|---:|---:|"
    for name, run in ways.items():
        wall, cpu = cost(run)
        yield f"| {name} | {len(x) / wall:,.0f} | {len(x) / cpu:,.0f} |"


def count_table(network: spec.Network, x: np.ndarray) -> Iterator[str]:
    """Markdown lines: instructions of each group."""
    counts: dict[str, microcode.InstructionCount] = {}
    y = microcode.run(network, x, counts=counts)
    if not np.array_equal(y, spec.reference.run(network, x)):
        raise SystemExit("the microcode's answers are not the reference's")
    groups = microcode.Executor(network).groups
    yield (
        "| group | neurons | instructions per neuron and token, mean | longest seen "
        "| shortest path | longest path | program | per token, whole group "
        "| messages per token | state, constants (bytes per neuron) |"
    )
    yield "|---|" + "---:|" * 9
    for name, c in counts.items():
        report = groups[name].report
        yield (
            f"| {name} | {c.neurons} | {c.per_neuron:.2f} | {c.longest} "
            f"| {c.shortest_path} | {c.longest_path} | {report.length} "
            f"| {c.per_token:,.0f} | {c.messages / c.tokens:,.0f} "
            f"| {report.state_bytes}, {report.constant_bytes} |"
        )
    total = sum(c.per_token for c in counts.values())
    messages = sum(c.messages / c.tokens for c in counts.values())
    yield f"| all |{' |' * 6} {total:,.0f} | {messages:,.0f} | |"


def report(path: Path | None, n_tokens: int) -> Iterator[str]:
    """The whole text."""
    name, network = network_of(path)
    fmt = network.layers[0].inp.format
    rng = np.random.default_rng(1)
    # A quarter of the input's range: what a recording uses, more or less.
    quarter = fmt.highest // 4
    x = rng.integers(-quarter, quarter + 1, (n_tokens, network.d_in))
    load = ", ".join(f"{v:.1f}" for v in os.getloadavg())
    yield f"Network: {name}; {n_tokens} random tokens, best of 3 runs."
    yield f"Machine: {platform.machine()}, {os.cpu_count()} cores, load {load}."
    yield ""
    yield from speed_table(network, x)
    yield ""
    yield from count_table(network, x)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?", type=Path, help="where to write the table")
    parser.add_argument("--net", type=Path, help="a .net file")
    parser.add_argument("--tokens", type=int, default=500)
    arguments = parser.parse_args()
    text = "\n".join(report(arguments.net, arguments.tokens)) + "\n"
    print(text, end="")
    if arguments.out is not None:
        arguments.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
