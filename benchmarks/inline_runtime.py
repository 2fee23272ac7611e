# SPDX-License-Identifier: BSD-3-Clause
"""Lava networks in one process beside Lava's own runtime, in one run.

    python benchmarks/inline_runtime.py [--seconds 2] [-o table.md]

Chains of stock LIF and Dense, 64 wide, and the shipped denoiser, layered and fused.
Each figure is the best of three pieces; both runtimes take turns on one machine.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.proc.dense.process import Dense
from lava.proc.lif.process import LIF

from lava_sparse_rnn import inline, proc, spec

ROOT = Path(__file__).parents[1]
CHAINS = (4, 10, 26)
WIDTH = 64
FIXED = Loihi2SimCfg(select_tag="fixed_pt")

Run = Callable[[int], object]


@contextlib.contextmanager
def chain(n_processes: int) -> Iterator[Run]:
    """LIF, Dense, LIF, Dense and so on."""
    rng = np.random.default_rng(0)
    neurons = {"du": 100, "dv": 100, "vth": 20}
    first = LIF(shape=(WIDTH,), bias_mant=rng.integers(1, 9, WIDTH), **neurons)
    out = first.s_out
    for i in range(1, n_processes):
        if i % 2:
            dense = Dense(weights=rng.integers(-60, 90, (WIDTH, WIDTH)))
            out.connect(dense.s_in)
            out = dense.a_out
        else:
            lif = LIF(shape=(WIDTH,), **neurons)
            out.connect(lif.a_in)
            out = lif.s_out
    try:
        yield lambda steps: first.run(RunSteps(steps), FIXED)
    finally:
        first.stop()


@contextlib.contextmanager
def denoiser(layered: bool) -> Iterator[Run]:
    """Tokens of the shipped denoiser."""
    network = spec.load(ROOT / "data" / "denoiser.net")
    rng = np.random.default_rng(0)
    with proc.Session(network, layered=layered, capacity=4096) as session:
        tokens = rng.integers(-100, 100, (4096, network.d_in))
        yield lambda steps: session.run(tokens[:steps])


CASES = {f"chain of {n}": (lambda n=n: chain(n)) for n in CHAINS}
CASES |= {
    "denoiser, layered": lambda: denoiser(True),
    "denoiser, fused": lambda: denoiser(False),
}


def measure(make: Callable, name: str, seconds: float) -> tuple[float, float]:
    """Seconds to start, and steps in a second, of one case under one runtime."""
    with inline.runtime(name):
        start = time.perf_counter()
        with make() as run:
            run(1)
            started = time.perf_counter() - start
            steps, took = 8, 0.0
            while took < seconds / 4 and steps < 4096:
                steps *= 2
                took = _timed(run, steps)
            return started, steps / min(_timed(run, steps) for _ in range(3))


def _timed(run: Run, steps: int) -> float:
    start = time.perf_counter()
    run(steps)
    return time.perf_counter() - start


def leaks(cycles: int) -> str:
    """What so many networks that start, run and stop leave behind."""

    def held() -> np.ndarray:
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        megabytes = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
        files, shm = len(os.listdir("/proc/self/fd")), len(os.listdir("/dev/shm"))
        return np.array([threading.active_count(), files, shm, megabytes])

    def cycle() -> None:
        with inline.runtime(), chain(4) as run:
            run(2)

    for _ in range(20):
        cycle()
    before = held()
    for _ in range(cycles):
        cycle()
    threads, files, segments, megabytes = held() - before
    return (
        f"{cycles} networks started and stopped: {threads:+.0f} threads, "
        f"{files:+.0f} descriptors, {segments:+.0f} segments, {megabytes:+.2f} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="per figure")
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("-o", "--output", type=Path, help="a Markdown table")
    args = parser.parse_args()
    lines = [
        "| network | start, s | Lava's | steps/s | Lava's | faster |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for case, make in CASES.items():
        (start, ours), (their_start, theirs) = (
            measure(make, name, args.seconds) for name in inline.RUNTIMES
        )
        lines.append(
            f"| {case} | {start:.2f} | {their_start:.2f} | {ours:,.0f} | "
            f"{theirs:,.0f} | {ours / theirs:.1f}x |"
        )
        print(lines[-1], flush=True)
    lines += ["", leaks(args.cycles)]
    print(lines[-1])
    if args.output:
        args.output.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
