# SPDX-License-Identifier: BSD-3-Clause
"""Tokens per second of the microcode interpreter, and instructions per group.

Usage: ``python benchmarks/microcode.py [OUT.md] [--net FILE] [--tokens N]``. Without
``--net`` it takes ``data/denoiser.net``; ``--rounds 0`` counts and measures no speed.

Each way to run is measured in every round, the rounds one after another, and its best
round counts; *share* compares it with the numpy integers in the same surroundings.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lava_sparse_rnn import engine, microcode, proc, spec
from lava_sparse_rnn.proc._fused.executors import VARIABLE as FUSED

Run = Callable[[np.ndarray], object]
SHIPPED = Path(__file__).parent.parent / "data" / "denoiser.net"


@dataclass(frozen=True)
class Way:
    """A way to run a network.

    Parameters
    ----------
    place, name : str
        Ways in one place are compared with its first.
    prepare : context manager function
        Gives a function that runs tokens.
    """

    place: str
    name: str
    prepare: Callable[[], contextlib.AbstractContextManager[Run]]


def token_by_token(network: spec.Network) -> Run:
    """The reference without the advantage of seeing all tokens at once."""
    executor = spec.reference.Reference(network)
    return lambda x: [executor.step(u) for u in x]


@contextlib.contextmanager
def in_lava(
    network: spec.Network, tag: str, layered: bool, fused: str = "reference"
) -> Iterator[Run]:
    """A session, started and warm; ``fused`` is what computes in one process."""
    before = os.environ.get(FUSED)
    os.environ[FUSED] = fused
    try:
        with proc.Session(network, tag, layered) as session:
            session.run(np.zeros((1, network.d_in), dtype=int))
            yield session.run
    finally:
        del os.environ[FUSED]
        if before is not None:
            os.environ[FUSED] = before


def ways(network: spec.Network) -> list[Way]:
    """Every way to run, the numpy integers first in each place."""
    here = contextlib.nullcontext
    alone, one, many = "no Lava", "Lava, one process", "Lava, layered"
    executor = microcode.Stream(network)
    found = [
        Way(alone, "reference, token by token", lambda: here(token_by_token(network))),
        Way(alone, "microcode", lambda: here(executor.run)),
        Way(one, "fixed_pt, numpy", lambda: in_lava(network, "fixed_pt", False)),
        Way(one, "microcode", lambda: in_lava(network, "microcode", False)),
        Way(many, "fixed_pt", lambda: in_lava(network, "fixed_pt", True)),
        Way(many, "microcode", lambda: in_lava(network, "microcode", True)),
    ]
    if engine.EXTENSION is not None:
        fast = Way(
            one,
            "fixed_pt, engine",
            lambda: in_lava(network, "fixed_pt", False, "engine"),
        )
        found.insert(4, fast)
    return found


def speed_table(network: spec.Network, x: np.ndarray, rounds: int) -> Iterator[str]:
    """Markdown lines: tokens per second of each way to run."""
    seconds: dict[tuple[str, str], list[float]] = {}
    for _ in range(rounds):
        for way in ways(network):
            with way.prepare() as run:
                start = time.perf_counter()
                run(x)
                spent = time.perf_counter() - start
            seconds.setdefault((way.place, way.name), []).append(spent)
    yield "| where | models | tokens/s | share |"
    yield "|---|---|---:|---:|"
    first: dict[str, float] = {}
    for (place, name), spent in seconds.items():
        rate = len(x) / min(spent)
        share = rate / first.setdefault(place, rate)
        yield f"| {place} | {name} | {rate:,.0f} | {share:.2f} |"


def count_table(network: spec.Network, x: np.ndarray) -> Iterator[str]:
    """Markdown lines: instructions of each group."""
    counts: dict[str, microcode.InstructionCount] = {}
    y = microcode.run(network, x, counts=counts)
    if not np.array_equal(y, spec.reference.run(network, x)):
        raise SystemExit("the microcode's answers are not the reference's")
    groups = microcode.Stream(network).groups
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


def report(path: Path, n_tokens: int, rounds: int) -> Iterator[str]:
    """The whole text."""
    network = spec.load(path)
    fmt = network.layers[0].inp.format
    rng = np.random.default_rng(1)
    # A quarter of the input's range: what a recording uses, more or less.
    quarter = fmt.highest // 4
    x = rng.integers(-quarter, quarter + 1, (n_tokens, network.d_in))
    load = ", ".join(f"{v:.1f}" for v in os.getloadavg())
    yield f"Network: {path.name}; {n_tokens} random tokens, best of {rounds} rounds."
    yield f"Machine: {platform.machine()}, {os.cpu_count()} cores, load {load}."
    yield ""
    if rounds:
        yield from speed_table(network, x, rounds)
        yield ""
    yield from count_table(network, x)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", nargs="?", type=Path, help="where to write the table")
    parser.add_argument("--net", type=Path, default=SHIPPED, help="a .net file")
    parser.add_argument("--tokens", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    text = "\n".join(report(arguments.net, arguments.tokens, arguments.rounds)) + "\n"
    print(text, end="")
    if arguments.out is not None:
        arguments.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
