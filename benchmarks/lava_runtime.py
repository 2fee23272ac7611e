# SPDX-License-Identifier: BSD-3-Clause
"""How fast networks run in Lava: ``python benchmarks/lava_runtime.py [-o table.md]``.

Everything is measured through `proc.run`, which gets every token in and every answer
out. *call* counts the whole call, with compiling, starting and stopping; *running*
only the time between two answers far apart. *floor* is a network that does nothing:
a source, a connection of weight 1, a sink.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from lava.proc.sparse.process import Sparse
from lava.utils.weightutils import SignMode
from scipy import sparse

from lava_sparse_rnn import proc, spec
from lava_sparse_rnn.spec.reference import Reference

SHIPPED = Path(__file__).parent.parent / "data" / "denoiser.net"
LIKE_SHIPPED = {
    "d_in": 257,
    "d_model": 192,
    "d_state": 128,
    "d_out": 257,
    "n_blocks": 3,
    "density": 0.1,
}


@dataclass
class Watch:
    """A progress callback that notes when answers come, and how large Lava gets."""

    seen: list[tuple[float, int]] = field(default_factory=list)
    n_processes: int = 0
    memory_mb: float = 0.0

    def __call__(self, done: int, total: int) -> None:
        if done:
            self.seen.append((time.perf_counter(), done))
        if done and not self.n_processes:
            pids = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
            self.n_processes = len(pids)
            self.memory_mb = sum(map(proportional_mb, pids))

    @property
    def rate(self) -> float:
        """Answers per second between the first look and the last but one."""
        if len(self.seen) < 3:
            return float("nan")
        (start, first), (end, last) = self.seen[0], self.seen[-2]
        return (last - first) / (end - start) if end > start else float("nan")


def proportional_mb(pid: str) -> float:
    """Memory of a process, its share of what it shares with others, in MB."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1e3


def identity(n: int) -> Sparse:
    """A connection of weight 1; signed weights travel doubled."""
    return Sparse(
        weights=sparse.eye(n, dtype=np.int32, format="csr") * 2,
        weight_exp=-1,
        sign_mode=SignMode.MIXED,
        num_message_bits=16,
    )


def measure(name: str, target, x: np.ndarray, **options) -> list[str]:
    """A row of the table."""
    start = time.perf_counter()
    proc.run(target, x[:1], **options)
    start_up = time.perf_counter() - start
    watch = Watch()
    start = time.perf_counter()
    proc.run(target, x, progress=watch, **options)
    seconds = time.perf_counter() - start
    return [
        name,
        f"{len(x):,}",
        f"{len(x) / seconds:,.0f}",
        f"{watch.rate:,.0f}",
        f"{start_up:.2f}",
        str(watch.n_processes),
        f"{watch.memory_mb:,.0f}",
        f"{os.getloadavg()[0]:.1f}",
    ]


def reference_row(network: spec.Network, x: np.ndarray) -> list[str]:
    """The reference executor, token by token: what the fused model computes."""
    executor = Reference(network)
    start = time.perf_counter()
    for u in x:
        executor.step(u)
    rate = len(x) / (time.perf_counter() - start)
    load = f"{os.getloadavg()[0]:.1f}"
    text = f"{rate:,.0f}"
    return ["reference, no Lava", f"{len(x):,}", text, text, "-", "-", "-", load]


def table(network: spec.Network, n_tokens: int, layered: bool) -> str:
    """All rows as Markdown."""
    fmt = network.layers[0].inp.format
    rng = np.random.default_rng(0)
    x = rng.integers(fmt.lowest, fmt.highest + 1, (n_tokens, network.d_in))
    few = x[: max(n_tokens // 10, 10)]
    rows = [
        "case | tokens | call, tokens/s | running, tokens/s | start and stop, s "
        "| processes | MB | load".split(" | "),
        ["---"] * 8,
        reference_row(network, x),
        measure("floor", identity(network.d_in), x, latency=1),
        measure("fused, fixed_pt", network, x),
        measure("fused, floating_pt", network, x, tag="floating_pt"),
    ]
    if layered:
        rows.append(measure("layered, fixed_pt", network, few, layered=True))
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) + "\n"


def main() -> None:
    """Measure, print, and write the table where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", type=Path, help="a .net file")
    parser.add_argument("--tokens", type=int, default=5000)
    parser.add_argument("--no-layered", dest="layered", action="store_false")
    parser.add_argument("-o", "--output", type=Path, help="write the table here")
    options = parser.parse_args()
    path = options.network or (SHIPPED if SHIPPED.exists() else None)
    if path is None:
        network = spec.random_network(np.random.default_rng(0), **LIKE_SHIPPED)
    else:
        network = spec.load(path)
    text = table(network, options.tokens, options.layered)
    print(text, end="")
    if options.output is not None:
        options.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
