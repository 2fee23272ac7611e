# SPDX-License-Identifier: BSD-3-Clause
"""Train the networks of a task, and set them beside what is usual: one table.

    python benchmarks/tasks.py digits /data/fsdd
    python benchmarks/tasks.py digits /data/fsdd --speakers     # each held out in turn
    python benchmarks/tasks.py fashion /data/fashion-mnist
    python benchmarks/tasks.py fashion /data/fashion-mnist --gru 11000  # that alone
    python benchmarks/tasks.py watch /data/watch_dataset.npy

A dense network is trained, then pruned to 90 % zeros and quantised, twice (8-bit
weights with 16-bit and with 8-bit messages); a run that was stopped goes on.  Beside
them, on the same split: a GRU of as many weights, trained on the same batches, and
what needs no network.  All scores are of the test.  Operations are counted on real
sequences, times and energies on the chip are estimates (lower bounds, coefficients of
Loihi 1), times of the engine are measured here.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from contextlib import AbstractContextManager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gru
import numpy as np
import torch
from gru import Gru
from scipy.fft import dct
from torch import nn

from lava_sparse_rnn import backends, c_export, loihi2, spec
from lava_sparse_rnn.spec import statistics
from lava_sparse_rnn.tasks.arrays import Arrays
from lava_sparse_rnn.tasks.digits.task import recordings
from lava_sparse_rnn.train import (
    TrainConfig,
    complete,
    evaluate,
    find_task,
    open_float,
    task_of,
)
from lava_sparse_rnn.train.distributed import Group


@dataclass(frozen=True)
class Plan:
    """How the networks of a task are trained."""

    width: int
    dense: int  # steps
    sparse: int
    tune: int  # of the integers with 8-bit messages
    gru: int
    every: int  # steps from one look at what is watched to the next
    rival: str
    data: dict[str, Any]
    model: dict[str, Any]
    tokens: int = 0  # of sequences that are too long for torch's GRU


PLANS = {
    "digits": Plan(128, 1500, 1200, 50, 2700, 250, "cepstra", {}, {}),
    "fashion": Plan(
        *(128, 5000, 7000, 0, 5600, 500, "pixels"),
        {"watched": 500, "batch": 50},
        {"d_state": 64, "dt_min": 1e-3},
        tokens=784,
    ),
    "watch": Plan(128, 500, 700, 50, 1200, 50, "forest", {}, {}),
}
COUNTED = 1500  # tokens
COLUMNS = (
    "", "accuracy %", "parameters", "synops a token", "an answer", "bytes", "cores",
    "us to the answer", "uJ an answer", "engine, us a token", "C, bytes",
)  # fmt: skip


@dataclass
class Row:
    """One network, or one of its rivals."""

    name: str
    accuracy: float
    parameters: int
    more: tuple[str, ...] = ("",) * 8

    def line(self) -> str:
        """As Markdown."""
        cells = (self.name, f"{self.accuracy:.1f}", f"{self.parameters:,}", *self.more)
        return f"| {' | '.join(cells)} |"


@dataclass(frozen=True)
class Runs:
    """Trainings of one task on one split."""

    task: str
    folder: Path
    plan: Plan
    data: dict[str, Any]
    scale: float
    suffix: str = ""

    def config(self, kind: str, steps: int, **more: Any) -> TrainConfig:
        """A run of this task."""
        size = self.plan.width
        steps = max(round(self.scale * steps), 2)
        return TrainConfig(
            task=self.task,
            name=f"{self.task}{self.suffix}{kind}",
            runs=self.folder,
            threads=1,
            steps=steps,
            keep="best",
            validate_every=max(round(self.scale * self.plan.every), 1),
            log_every=50,
            data={**self.plan.data, **self.data},  # type: ignore[arg-type]
            model={
                **{"d_model": size, "d_state": size, "n_layers": 2, "hippo_blocks": 4},
                **self.plan.model,
            },  # type: ignore[arg-type]
            **more,
        )

    def gru(self) -> tuple[int, int]:
        """Steps of its training, and from one look at what is watched to the next."""
        steps = max(round(self.scale * self.plan.gru), 2)
        return steps, max(round(self.scale * self.plan.every), 1)

    def dense(self) -> TrainConfig:
        """The float network without zeros."""
        return self.config("-dense", self.plan.dense, pruning={"sparsity": 0.0})

    def sparse(self, recipe: str, tune: int) -> TrainConfig:
        """The one that is pruned from it, and its integers."""
        kind = "" if recipe == "w8a16" else f"-{recipe}"
        return self.config(
            kind,
            self.plan.sparse,
            start=self.dense().directory / "float.safetensors",
            pruning={"sparsity": 0.9, "every": 20, "start": 0.0, "end": 0.5},
            optim={"lr": 2e-3},
            quantize={
                "recipe": recipe,
                "steps": round(self.scale * tune),
                "calibration_batches": 8,
            },
        )

    def with_8_bits(self) -> TrainConfig:
        """The same float network, with messages of 8 bits."""
        config = self.sparse("w8a8", self.plan.tune)
        config.directory.mkdir(parents=True, exist_ok=True)
        for path in self.sparse("w8a16", 0).directory.glob("float*.safetensors"):
            if not (config.directory / path.name).exists():
                shutil.copy(path, config.directory)
        return config


def lines_elsewhere() -> AbstractContextManager:
    """What a training says goes where the table does not."""
    return redirect_stdout(sys.stderr)


def float_row(config: TrainConfig, name: str) -> tuple[Row, Arrays]:
    """Train a float network, if it is not, and score it."""
    with lines_elsewhere():
        stage = open_float(config)
        stage.fit()
        stage.hand_on()
    stage.model.set_compute_dtype(None)
    stage.model.eval()
    with torch.no_grad():
        figures = stage.task.test().validate(stage.forward)
    kept = sum(int(p.count_nonzero()) for p in stage.model.parameters())
    # What a mask takes away is still there: its weights may come back.
    for _, owner, matrix in stage.model.prunable():
        kept -= int((getattr(owner, f"{matrix}_mask") == 0).sum())
    return Row(f"{name}, float", figures["accuracy"], kept), stage.task


def integer_row(config: TrainConfig, name: str, data: Path) -> Row:
    """Make integers, if they are not, score them, and count what they cost."""
    path = config.directory / f"{config.name}.net"
    if path.exists():
        net = spec.load(path)
    else:
        with lines_elsewhere():
            net = complete(config, lambda text: None).network
    task = task_of(net, data)
    with backends.create(backends.default(), net) as stream:
        accuracy = evaluate(net, task, stream).figures["accuracy"]
    sequences = [net.to_wire(tokens) for tokens in task.validation_sequences()]
    return Row(name, accuracy, statistics.parameters(net), costs(net, path, sequences))


def costs(
    net: spec.Network, path: Path, sequences: list[np.ndarray]
) -> tuple[str, ...]:
    """Cells of a row from `synops a token` on."""
    ends = np.cumsum([len(s) for s in sequences])
    counted = sequences[: int(np.searchsorted(ends, COUNTED)) + 1]
    estimate = loihi2.estimate(net, counted, loihi2.map_network(net))
    synops, mode = estimate.counts.synops.mean(), estimate.pipelined
    us, uj = estimate.sequence_s(mode), estimate.sequence_j(mode)
    sizes = c_export.measure(c_export.export(net, "net"))
    return (
        f"{synops:,.0f}",
        f"{synops * ends[-1] / len(ends):,.0f}",
        f"{path.stat().st_size:,}",
        f"{len(estimate.counts.mapping)}",
        "" if us is None else f">= {1e6 * us:,.0f}",
        "" if uj is None else f">= {1e6 * uj:,.2f}",
        f"{engine_us(net, sequences):.2f}",
        "" if sizes is None else f"{sizes.code + sizes.constants:,}",
    )


def engine_us(net: spec.Network, sequences: list[np.ndarray]) -> float:
    """Microseconds of a token: the least of five runs."""
    tokens = np.concatenate(sequences[:200])[:4000]
    best = np.inf
    with backends.create(backends.default(), net) as stream:
        for _ in range(5):
            start = time.perf_counter()
            stream.run(tokens)
            best = min(best, time.perf_counter() - start)
    return 1e6 * best / len(tokens)


def gru_row(task: Arrays, weights: int, runs: Runs) -> Row:
    """A GRU trained on the same batches; the weights of its best validation."""
    steps, every = runs.gru()
    torch.manual_seed(0)
    model = Gru.of_size(task, weights)
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 8e-3, steps)
    best, kept = -1.0, {}
    batches = task.batches(0, 0, Group())
    for step in range(1, steps + 1):
        loss = task.loss(model, tuple(map(torch.from_numpy, next(batches))))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % every == 0 or step == steps:
            with torch.no_grad():
                found = task.validate(model)["accuracy"]
            if found > best:
                kept = {k: v.clone() for k, v in model.state_dict().items()}
                best = found
    model.load_state_dict(kept)
    with torch.no_grad():
        accuracy = task.test().validate(model)["accuracy"]
    return Row(f"GRU of {model.gru.hidden_size}, float", accuracy, model.size)


def gru_of(runs: Runs, task: Arrays, weights: int) -> Row:
    """A GRU trained as a task's plan says."""
    train = long_gru_row if runs.plan.tokens else gru_row
    return train(task, weights, runs)


def long_gru_row(task: Arrays, weights: int, runs: Runs) -> Row:
    """A GRU for long sequences; its training goes on where it was stopped."""
    torch.manual_seed(0)
    model = Gru.of_size(task, weights)
    model.long = True
    model.remember(runs.plan.tokens)
    name = f"{runs.task}{runs.suffix}-gru{model.gru.hidden_size}"
    path = runs.folder / f"{name}.safetensors"
    with lines_elsewhere():
        every = max(round(200 * runs.scale), 1)
        gru.fit(model, task, runs.gru()[0], every, path)
    with torch.no_grad():
        accuracy = task.test().validate(model)["accuracy"]
    return Row(f"GRU of {model.gru.hidden_size}, float", accuracy, model.size)


def cepstra(x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Means over time of 13 cepstral coefficients of mel tokens."""
    ends = zip(x, lengths, strict=True)
    return np.array(
        [dct(row[:n], norm="ortho")[:, :13].mean(axis=0) for row, n in ends]
    )


def pixels(x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """All tokens of a sequence in a row."""
    return x.reshape(len(x), -1)


def windows(x: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Of each sensor: mean, deviation, extremes, quartiles, mean change."""
    change = np.abs(np.diff(x, axis=1)).mean(1)
    quartiles = np.percentile(x, (25, 50, 75), axis=1)
    parts = [x.mean(1), x.std(1), x.min(1), x.max(1), change, *quartiles]
    return np.concatenate(parts, axis=1)


def linear() -> Any:
    """Logistic regression on features of mean 0 and deviation 1."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))


def forest() -> Any:
    """200 trees."""
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(200, random_state=0)


def linear_size(model: Any) -> int:
    """Weights and biases."""
    return model[-1].coef_.size + model[-1].intercept_.size


def forest_size(model: Any) -> int:
    """Nodes."""
    return sum(tree.tree_.node_count for tree in model.estimators_)


RIVALS = {
    "cepstra": ("logistic regression on mean MFCCs", cepstra, linear, linear_size),
    "pixels": ("logistic regression on pixels", pixels, linear, linear_size),
    "forest": ("random forest on windows' statistics", windows, forest, forest_size),
}


def rival_row(task: Arrays, kind: str) -> Row:
    """What needs no network, on features of whole sequences."""
    name, features, make, size = RIVALS[kind]
    train, test = task._train, task.test()._validation
    model = make()
    model.fit(features(train.x, train.lengths), train.y)
    right = model.predict(features(test.x, test.lengths)) == test.y
    return Row(name, 100 * right.mean(), int(size(model)))


def table(runs: Runs, data: Path) -> None:
    """Train all, and print a row for each as soon as it is known."""
    plan = runs.plan

    def show(row: Row) -> Row:
        print(row.line(), flush=True)
        return row

    print(f"| {' | '.join(COLUMNS)} |\n|---|{'---:|' * (len(COLUMNS) - 1)}", flush=True)
    show(float_row(runs.dense(), "dense")[0])
    row, task = float_row(runs.sparse("w8a16", 0), "90 % sparse")
    show(row)
    made = show(integer_row(runs.sparse("w8a16", 0), "90 % sparse, W8A16", data))
    show(integer_row(runs.with_8_bits(), "90 % sparse, W8A8", data))
    show(gru_of(runs, task, made.parameters))
    show(rival_row(task, plan.rival))


def speakers(runs: Runs, data: Path) -> None:
    """A row per speaker who is held out: networks, a GRU, and none."""
    print("| held out | dense | 90 % sparse | integers | GRU | logistic |")
    print(f"|---|{'---:|' * 5}", flush=True)
    found = []
    for speaker in sorted({one.speaker for one in recordings(data)}):
        own = {**runs.data, "held_out": speaker}
        one = Runs(runs.task, runs.folder, runs.plan, own, runs.scale, f"-{speaker}")
        dense, _ = float_row(one.dense(), "")
        sparse, task = float_row(one.sparse("w8a16", 0), "")
        made = integer_row(one.sparse("w8a16", 0), "", data)
        rows = (dense, sparse, made, gru_of(one, task, made.parameters))
        rows += (rival_row(task, runs.plan.rival),)
        found.append([row.accuracy for row in rows])
        cells = " | ".join(f"{value:.1f}" for value in found[-1])
        print(f"| {speaker} | {cells} |", flush=True)
    means = " | ".join(f"{value:.1f}" for value in np.mean(found, axis=0))
    print(f"| mean | {means} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=PLANS)
    parser.add_argument("data", type=Path, help="the task's data.path")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--scale", type=float, default=1.0, help="of all steps")
    parser.add_argument("--speakers", action="store_true", help="of digits")
    parser.add_argument(
        "--gru", type=int, help="train nothing but a GRU of so many weights at most"
    )
    given = parser.parse_args()
    torch.set_num_threads(1)
    runs = Runs(
        given.task, given.runs, PLANS[given.task], {"path": given.data}, given.scale
    )
    if given.gru is not None:
        task = find_task(given.task)
        config = runs.dense()
        print(gru_of(runs, task.open(config.data, config.seed), given.gru).line())
        return
    (speakers if given.speakers else table)(runs, given.data)


if __name__ == "__main__":
    main()
