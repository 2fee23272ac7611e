# SPDX-License-Identifier: BSD-3-Clause
"""A whole training step of the denoiser: ``python benchmarks/training_step.py``.

Plain and fused form (``fused=false`` and ``true``) take turns, on synthetic material of
16 sequences of 192 tokens, with the optimiser Muon and products in bfloat16, or
float32 where the processor does not multiply in bfloat16. What is
compiled besides (Muon's passes, the front end, SI-SNR) is switched off for the row
`all plain`. Every figure is the fastest of the rounds, because a busy machine only ever
makes a round slower; CPU time is that of all threads. Mixing is another process' work
and not in it.

With ``--zeros 0.9`` so many weights are masked; the fused form then takes turns with
itself, without and with products of the entries that are left alone.

With settings of a training (``data.root=corpus data.speech=DIR ...``) a last line says
what a step takes whose material is mixed besides: wall time of many steps together.
Threads wait as those of every command do (`lava_sparse_rnn.openmp`), unless the
environment says otherwise: ``OMP_WAIT_POLICY=passive``, say, or ``active``.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch

from lava_sparse_rnn import openmp
from lava_sparse_rnn.nn import _sparse, loops
from lava_sparse_rnn.tasks.denoise import objective
from lava_sparse_rnn.train import open_float
from lava_sparse_rnn.train.config import read_config
from lava_sparse_rnn.train.loop import Stage

FORMS = {  # fused, compiled passes elsewhere, products of single entries
    "all plain": (False, False, False),
    "plain block": (False, True, False),
    "fused": (True, True, False),
}
SPARSE = {"fused, entries that are left": (True, True, True)}
BANDS = {"data.front_end.linear_bins": 65, "data.front_end.erb_bands": 64}
MOST = _sparse.MOST
PARTS = ("network, forward", "analysis", "SI-SNR, forward", "backward", "optimiser")


class Clock:
    """Seconds of CPU by part of a step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    def watch(self, owner: object, name: str, part: str) -> None:
        """Count what a function takes."""
        function = getattr(owner, name)

        def counted(*arguments, **named):
            start = time.process_time()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds[part] += time.process_time() - start

        setattr(owner, name, counted)


def open_stage(options: argparse.Namespace, runs: str) -> Stage:
    """A training that has begun."""
    settings = {
        "runs": runs,
        "data.validation_seconds": 1,
        "threads": options.threads,
        "precision": options.precision,
        "optim.algorithm": "muon",
        "optim.lr": 0.003,
        "pruning.sparsity": options.zeros,
        "pruning.schedule": "one_shot",
        "pruning.start": 0,
        "pruning.end": 0,
        "model.d_model": options.width,
        "model.d_state": 2 * options.states,
        "model.n_layers": options.blocks,
        "data.source": "synthetic",
        "data.front_end.hop_length": 256,
        "data.seconds": 192 * 256 / 16000,
        "data.validation_mixes": 1,
        **({} if options.bins else BANDS),
    }
    given = [f"{k}={v}" for k, v in settings.items()]
    if options.settings:
        given += ["data.source=corpus", *options.settings]
    stage = open_float(read_config(None, given))
    stage.model.train()
    return stage


def set_form(stage: Stage, name: str, built: Callable[[], bool]) -> None:
    """Let the next steps take a form."""
    fused, compiled, sparse = {**FORMS, **SPARSE}[name]
    _sparse.MOST = MOST if sparse else 0.0
    stage.model.set_fused(fused)  # type: ignore[operator]
    loops.built = built if compiled else lambda: False


def measure(
    stage: Stage, rounds: int, forms: Iterable[str]
) -> dict[str, dict[str, float]]:
    """Milliseconds of a step by form and part."""
    rng = np.random.default_rng(0)
    clean = 0.1 * rng.standard_normal((16, 192 * 256), np.float32)
    batch = clean + 0.1 * rng.standard_normal(clean.shape, np.float32), clean
    clock, built = Clock(), loops.built
    clock.watch(stage.model, "forward_time_major", PARTS[0])
    clock.watch(objective, "analyse_features", PARTS[1])
    clock.watch(objective, "si_snr", PARTS[2])
    clock.watch(torch.Tensor, "backward", PARTS[3])
    clock.watch(stage.optimizer, "step", PARTS[4])
    found: dict[str, dict[str, float]] = {name: {} for name in forms}
    for turn in range(rounds + 2):
        for name, best in found.items():
            set_form(stage, name, built)
            clock.seconds.clear()
            wall, cpu = time.perf_counter(), time.process_time()
            stage.train_step(batch)
            row = {
                "wall": time.perf_counter() - wall,
                "CPU": time.process_time() - cpu,
                **clock.seconds,
            }
            if turn >= 2:
                for part, seconds in row.items():
                    best[part] = min(best.get(part, np.inf), 1e3 * seconds)
    return found


def measure_whole(stage: Stage, steps: int) -> float:
    """Milliseconds of a step of a training that runs, once its pool is full."""
    settings = stage.task.settings  # type: ignore[attr-defined]
    stage.step = 0
    data = stage.batches()
    try:
        for _ in range(settings.pool * settings.fresh_every):
            stage.train_step(next(data))
        start = time.perf_counter()
        for _ in range(steps):
            stage.train_step(next(data))
        return 1e3 * (time.perf_counter() - start) / steps
    finally:
        data.close()


def main() -> None:
    """Measure, print, and write the table where asked to."""
    if openmp.wait_briefly(os.environ):  # which torch has read already: once more
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--states", type=int, default=128, help="complex")
    parser.add_argument("--blocks", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2, help="of torch")
    parser.add_argument(
        "--precision", default="auto", choices=["auto", "bfloat16", "float32"]
    )
    parser.add_argument("--zeros", type=float, default=0.0, help="share of weights")
    parser.add_argument("--bins", action="store_true", help="257 bins, no bands")
    parser.add_argument("--steps", type=int, default=200, help="with mixing")
    parser.add_argument("-o", "--output", type=Path, help="write the table here")
    parser.add_argument(
        "settings", nargs="*", help="of a training: what is mixed, and how"
    )
    options = parser.parse_args()
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as runs:
        stage = open_stage(options, runs)
        forms = [*FORMS, *SPARSE] if options.zeros else [*FORMS]
        found = measure(stage, options.rounds, forms)
        whole = measure_whole(stage, options.steps) if options.settings else None
    columns = ("wall", "CPU", *PARTS)
    lines = [
        f"{options.blocks} blocks of {options.width}, {options.states} complex states, "
        f"{options.zeros:.0%} zeros, {options.threads} threads, "
        f"torch {torch.__version__}; load {before:.1f} before and "
        f"{os.getloadavg()[0]:.1f} after. Milliseconds; CPU from there on.",
        "",
        f"| | {' | '.join(columns)} |",
        "|---|" + "---:|" * len(columns),
    ]
    for name, best in found.items():
        lines.append(f"| {name} | {' | '.join(f'{best[c]:.1f}' for c in columns)} |")
    if whole is not None:
        lines += ["", f"Fused, mixing besides: {whole:.1f} ms a step, wall."]
    text = "\n".join(lines) + "\n"
    print(text, end="")
    if options.output is not None:
        options.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
