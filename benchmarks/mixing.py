# SPDX-License-Identifier: BSD-3-Clause
"""What a fresh batch of mixtures costs: processor time of one core.

    python benchmarks/mixing.py corpus --beside ../older/checkout

Batches of 16 x 3 s are drawn and filtered as the process that mixes for a training
does, by turns with another checkout of this library, if one is given: both are then
slowed down alike by whatever else the machine does.  Shown are the mean over the
batches of the least time each took in some rounds, and the mean of all times.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

BATCH, SECONDS, FIRST = 16, 3.0, 40
HARD = {"room_share": 0.5, "event_share": 0.15}


def serve(root: str, corpus: str, case: str) -> None:
    """Answer every number read from standard input by the seconds of that batch."""
    import time

    # The checkout's own modules, wherever another version is installed.
    sys.meta_path[:] = [f for f in sys.meta_path if "editable" not in str(type(f))]
    sys.path.insert(0, root)
    from lava_sparse_rnn.audio import Mixer

    mixer = Mixer(corpus, "train", SECONDS, 0, **(HARD if case == "hard" else {}))
    make = getattr(mixer, "parts", mixer.batch)  # what older ones send to a training
    for line in sys.stdin:
        start = time.process_time()
        make(int(line), BATCH)
        print(time.process_time() - start, flush=True)


def ask(worker: subprocess.Popen, number: int) -> float:
    """Seconds of one batch."""
    worker.stdin.write(f"{number}\n")
    worker.stdin.flush()
    return float(worker.stdout.readline())


def main() -> None:
    # Not above: who serves another checkout must not have this one.
    from lava_sparse_rnn.audio.prefetch import ENVIRONMENT

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus")
    parser.add_argument("--beside", help="another checkout")
    parser.add_argument("--batches", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=4)
    given = parser.parse_args()
    here = str(Path(__file__).parents[1])
    cases = {"this, plain": (here, "plain"), "this, rooms and events": (here, "hard")}
    if given.beside:
        cases["beside, plain"] = (str(Path(given.beside).resolve()), "plain")
    one_core = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    workers = {
        name: subprocess.Popen(
            [sys.executable, __file__, "--serve", case[0], given.corpus, case[1]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **(one_core if case[0] != here else ENVIRONMENT)},
        )
        for name, case in cases.items()
    }
    times: dict[str, list[list[float]]] = {name: [] for name in cases}
    numbers = range(FIRST, FIRST + given.batches)
    for worker in workers.values():
        for number in range(FIRST):  # filters and files are read when first used
            ask(worker, number)
    for _ in range(given.rounds):
        for name in cases:
            times[name].append([])
        for number in numbers:
            for name, worker in workers.items():
                times[name][-1].append(ask(worker, number))
    for name, worker in workers.items():
        worker.stdin.close()
        worker.wait()
        rows = times[name]
        least = sum(map(min, zip(*rows, strict=True))) / len(numbers)
        mean = sum(map(sum, rows)) / len(rows) / len(numbers)
        print(f"{name:24} {1e3 * least:6.1f} ms a batch, {1e3 * mean:6.1f} on average")


if __name__ == "__main__":
    if "--serve" in sys.argv:
        serve(*sys.argv[2:])
    else:
        main()
