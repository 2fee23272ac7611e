# SPDX-License-Identifier: BSD-3-Clause
"""``lava-sparse-rnn evaluate`` of any other task than denoising."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from lava_sparse_rnn import messages
from lava_sparse_rnn.cli._backend import fastest, lava_runtime
from lava_sparse_rnn.cli._console import console
from lava_sparse_rnn.cli._notices import overflows
from lava_sparse_rnn.cli._tables import show
from lava_sparse_rnn.cli._tokens import first_tokens
from lava_sparse_rnn.files import replacing
from lava_sparse_rnn.markup import Table
from lava_sparse_rnn.progress import bar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lava_sparse_rnn.spec import Network
    from lava_sparse_rnn.train import Evaluation, Task

SPLITS = ("test", "validation")

COUNTED_TOKENS = 2000
"""So many are enough for averages."""


@dataclass(frozen=True)
class TaskOptions:
    """What the task of a network is, and its material."""

    data: Path
    name: str | None
    split: str
    settings: list[str]

    @property
    def given(self) -> bool:
        """Whether any of it is for another task than denoising only."""
        return bool(self.settings) or self.split != SPLITS[0]

    def open(self, net: Network) -> Task:
        """The task as the network sees it."""
        from lava_sparse_rnn.fixed_point import choose

        messages.require("train", "train", "torch", "safetensors", "tensorboard")
        from lava_sparse_rnn.train.evaluation import task_of
        from lava_sparse_rnn.train.values import override

        choose("split", self.split, SPLITS)
        values: dict[str, Any] = {}
        override(values, self.settings)
        if other := sorted(set(values) - {"data"}):
            raise ValueError(f"settings of a task are data.key=value, not {other[0]}")
        return task_of(net, self.data, self.name, values.get("data"), self.split)


def evaluate_task(
    path: Path,
    options: TaskOptions,
    backend: str | None,
    runtime: str | None,
    output: Path | None,
) -> None:
    """Score the integers of a network: what its task calls good, and what they cost."""
    from lava_sparse_rnn import backends, spec

    net = spec.load(path)
    task = options.open(net)
    from lava_sparse_rnn.train.evaluation import evaluate

    name = fastest(backend)
    with (
        lava_runtime(runtime),
        backends.create(name, net) as stream,
        bar("sequences") as progress,
    ):
        start = time.perf_counter()
        found = evaluate(net, task, stream, progress)
        seconds = time.perf_counter() - start
        counters = stream.counters
    costs = _costs(net, task, path)
    if output is not None:
        values = {"split": task.part, **found.as_dict()}
        values |= {"costs": costs, "seconds": seconds}
        with replacing(output) as temporary:
            temporary.write_text(json.dumps(values, indent=2) + "\n", "utf-8")
    screen = console()
    instead = "" if task.part == options.split else f", there is no {options.split}"
    _show(screen, found, costs, f"{options.data} ({task.part}{instead})")
    screen.print(
        f"{found.sequences:,} sequences in {seconds:.1f} s with backend {name}"
    )
    overflows(screen, counters)


def _costs(net: Network, task: Task, path: Path) -> dict[str, Any]:
    """Of a token and of a sequence, over the first ones."""
    from lava_sparse_rnn import spec
    from lava_sparse_rnn.spec import reference, statistics

    x = [net.to_wire(tokens) for tokens in task.validation_sequences()]
    counted = first_tokens(x, COUNTED_TOKENS)
    trace: dict[str, Any] = {}
    reference.run(net, counted, trace)
    synops = statistics.useful_synops(net, counted, trace).sum(axis=0).mean()
    tokens = sum(map(len, x)) / len(x)
    return {
        "parameters": statistics.parameters(net),
        "bytes": path.stat().st_size,
        "head": spec.head_of(net),
        "tokens_per_sequence": tokens,
        "synops_per_token": float(synops),
        "synops_per_sequence": float(synops) * tokens,
        "counted_tokens": sum(map(len, counted)),
        "token_s": task.token_s,
        "synops_per_second": task.token_s and float(synops) / task.token_s,
    }


def _show(screen: Console, found: Evaluation, costs: dict[str, Any], of: str) -> None:
    rows = [(name, f"{value:.2f}") for name, value in found.figures.items()]
    show(screen, Table(f"{of}: {found.sequences:,} sequences", ("figure", ""), rows))
    if found.confusion is not None:
        _show_confusion(screen, found.confusion, found.classes)
    cells = (
        f"{costs['parameters']:,}",
        f"{costs['bytes'] / 1000:,.0f}",
        f"{costs['synops_per_token']:,.0f}",
        f"{costs['tokens_per_sequence']:,.1f}",
        f"{costs['synops_per_sequence']:,.0f}",
    )
    columns = ("head", "parameters", "KB", "synops a\ntoken", "tokens")
    columns += ("synops a\nsequence",)
    if costs["token_s"] is not None:
        cells += (f"{costs['synops_per_second']:,.0f}",)
        columns += ("synops a\nsecond",)
    title = (
        "cost of a token and of a sequence, counted over "
        f"{costs['counted_tokens']:,} tokens"
    )
    show(screen, Table(title, columns, [(costs["head"], *cells)]))


def _show_confusion(
    screen: Console, table: NDArray[np.int64], classes: tuple[str, ...]
) -> None:
    """A row per label, a column per answer, and how many of a row are right."""
    names = [classes[k] if classes else str(k) for k in range(len(table))]
    rows = []
    for k, row in enumerate(table.tolist()):
        right = f"{100 * row[k] / sum(row):.1f} %" if sum(row) else ""
        rows.append((names[k], *(str(n) if n else "." for n in row), right))
    title = "labels (rows) and answers (columns)"
    show(screen, Table(title, ("label", *names, "right"), rows))
