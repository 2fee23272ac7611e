# SPDX-License-Identifier: BSD-3-Clause
"""What stays behind after many runs: ``python benchmarks/soak.py [-o table.md]``.

One small network is made, run and stopped again and again in one operating-system
process, and a new one for every way to run it:

- `proc.run`, fused (one Lava process) and layered (one per group and connection);
- `proc.Session`, with two pieces and a reset;
- the same layered network between a `Source` and a `Sink`, with ``run`` and ``stop`` of
  its Process;
- *Lava*: nothing but Lava's own processes, a source, a connection, neurons and a sink,
  with Lava's ``run`` and ``stop``, for comparison.

Networks run in this process, the last ones too, or with ``--runtime processes`` in
Lava's own runtime.

Counted are children (without Python's tracker of shared memory, which every program
that uses Lava starts once), segments of shared memory that were made here and still
have a name, open file descriptors, threads, and resident memory after a garbage
collection (pages of its own, not those of files). *before* is after the imports, with
nothing run yet.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from lava.magma.core.run_conditions import RunSteps
from lava.magma.core.run_configs import Loihi2SimCfg
from lava.magma.runtime.message_infrastructure.shared_memory_manager import (
    SharedMemoryManager,
)
from lava.proc.dense.process import Dense
from lava.proc.io.sink import RingBuffer as Receiver
from lava.proc.io.source import RingBuffer
from lava.proc.lif.process import LIF

from lava_sparse_rnn import inline, proc, spec

N_TOKENS = 6
COLUMNS = ("children", "segments", "files", "threads", "rss_mb")
HEADINGS = ("children", "shared memory", "file descriptors", "threads", "MB resident")
# Not pages of files (libraries): these come and go with the machine's memory.
OWN_MEMORY = ("RssAnon", "RssShmem")
SEGMENTS: set[str] = set()


def record_segments() -> None:
    """Note the name of every segment of shared memory that Lava makes from now on."""
    create = SharedMemoryManager.create_shared_memory

    def recorded(self, size):
        memory = create(self, size)
        SEGMENTS.add(memory.name.lstrip("/"))
        return memory

    SharedMemoryManager.create_shared_memory = recorded


def children() -> list[str]:
    """Process ids of this process's children, without Python's resource tracker."""
    pids = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [p for p in pids if b"resource_tracker" not in command_line(p)]


def command_line(pid: str) -> bytes:
    """Of a process that may have ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b"resource_tracker"


def snapshot() -> dict[str, float]:
    """What this process holds now."""
    gc.collect()
    status = Path("/proc/self/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in status)
    return {
        "children": len(children()),
        "segments": sum(Path("/dev/shm", name).exists() for name in SEGMENTS),
        "files": len(os.listdir("/proc/self/fd")) - 1,  # listing opens one
        "threads": int(fields["Threads"]),
        "rss_mb": sum(int(fields[name].split()[0]) for name in OWN_MEMORY) / 1024,
    }


def tokens(network: spec.Network) -> np.ndarray:
    """A short sequence over the range of the input wire."""
    fmt = network.layers[0].inp.format
    shape = (N_TOKENS, network.d_in)
    return np.random.default_rng(0).integers(fmt.lowest, fmt.highest + 1, shape)


def fused(network: spec.Network) -> np.ndarray:
    """`proc.run`, one Lava process for the network."""
    return proc.run(network, tokens(network))


def layered(network: spec.Network) -> np.ndarray:
    """`proc.run`, one Lava process per group and connection."""
    return proc.run(network, tokens(network), layered=True)


def session(network: spec.Network) -> np.ndarray:
    """`proc.Session` with two pieces, and a reset at the end."""
    with proc.Session(network, capacity=N_TOKENS) as alive:
        pieces = [alive.run(piece) for piece in np.split(tokens(network), [2])]
        alive.reset()
    return np.concatenate(pieces)


def by_hand(network: spec.Network) -> np.ndarray:
    """The layered network with ``run`` and ``stop`` of its Process."""
    process = proc.SparseRNN(network)
    source = proc.Source(data=tokens(network))
    sink = proc.Sink(shape=process.out.shape, num_steps=N_TOKENS, skip=network.latency)
    source.s_out.connect(process.inp)
    process.out.connect(sink.a_in)
    process.run(RunSteps(N_TOKENS + network.latency), proc.RunCfg(layered=True))
    answers = sink.data
    process.stop()
    return answers


def lava(network: spec.Network) -> np.ndarray:
    """Lava's own processes only; what they compute is not looked at."""
    source = RingBuffer(data=tokens(network).T)
    synapses = Dense(weights=np.eye(network.d_in), num_message_bits=16)
    neurons = LIF(shape=(network.d_in,))
    sink = Receiver(shape=neurons.s_out.shape, buffer=N_TOKENS)
    source.s_out.connect(synapses.s_in)
    synapses.a_out.connect(neurons.a_in)
    neurons.s_out.connect(sink.a_in)
    neurons.run(RunSteps(N_TOKENS), Loihi2SimCfg(select_tag="fixed_pt"))
    neurons.stop()
    return spec.reference.run(network, tokens(network))


WAYS: dict[str, Callable[[spec.Network], np.ndarray]] = {
    "proc.run, fused": fused,
    "proc.run, layered": layered,
    "proc.Session": session,
    "run and stop, layered": by_hand,
    "Lava's own processes": lava,
}


def soak(
    way: str, stops: list[int], runtime: str = inline.INLINE
) -> Iterator[tuple[int, dict[str, float]]]:
    """Run cycles of one way, and look after as many as ``stops`` say.

    Raises
    ------
    RuntimeError
        When a cycle gives other answers than the reference.
    """
    record_segments()
    network = spec.random_network(np.random.default_rng(0))
    expected = spec.reference.run(network, tokens(network))
    yield 0, snapshot()
    for cycle in range(1, max(stops) + 1):
        with inline.runtime(runtime):
            answers = WAYS[way](network)
        if not np.array_equal(answers, expected):
            raise RuntimeError(f"{way}, cycle {cycle}: answers differ")
        if cycle in stops:
            yield cycle, snapshot()


def rows(way: str, stops: list[int], runtime: str) -> Iterator[list[str]]:
    """The table's rows of one way, measured in a new process."""
    command = [sys.executable, __file__, "--only", way, "--runtime", runtime]
    command += ["--cycles", *map(str, stops)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    for line in output.stdout.splitlines():
        cycle, found = json.loads(line)
        name = way if cycle == 0 else ""
        after = f"after {cycle}" if cycle else "before"
        counts = [f"{found[column]:.0f}" for column in COLUMNS[:-1]]
        yield [name, after, *counts, f"{found['rss_mb']:.1f}"]


def main() -> None:
    """Measure, print, and write the table where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cycles", type=int, nargs="+", default=[1, 20, 200])
    parser.add_argument("--only", choices=WAYS, help="this way, as lines of JSON")
    parser.add_argument("--runtime", choices=inline.RUNTIMES, default=inline.INLINE)
    parser.add_argument("-o", "--output", type=Path, help="write the table here")
    options = parser.parse_args()
    if options.only is not None:
        for found in soak(options.only, options.cycles, options.runtime):
            print(json.dumps(found), flush=True)
        return
    table = [["way", "cycles", *HEADINGS], ["---"] * (2 + len(HEADINGS))]
    stops, runtime = options.cycles, options.runtime
    found = (row for way in WAYS for row in rows(way, stops, runtime))
    lines = []
    for row in itertools.chain(table, found):
        lines.append("| " + " | ".join(row) + " |\n")
        print(lines[-1], end="", flush=True)
    if options.output is not None:
        options.output.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
