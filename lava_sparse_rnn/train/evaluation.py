# SPDX-License-Identifier: BSD-3-Clause
"""What a task says of a network of integers, whatever runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError
from torch import Tensor

from lava_sparse_rnn import messages, spec
from lava_sparse_rnn.spec.stream import Progress
from lava_sparse_rnn.train.tasks import Evaluation, Model, Task, find_task


def task_of(
    network: spec.Network,
    path: Path,
    name: str | None = None,
    settings: Mapping[str, Any] | None = None,
    split: str = "test",
) -> Task:
    """The task that a network was trained for, with material of this machine.

    Parameters
    ----------
    network : Network
        Its ``meta`` names the task and the settings that tokens depend on.
    path : Path
        What the task reads, its setting ``path``.
    name : str, optional
        Of the task, or ``module:object``; that of the network if not given.
    settings : mapping, optional
        Other settings of the task; they go before those of the network.
    split : {"test", "validation"}
        The `part` of what comes back is "validation" where there is no test.

    Raises
    ------
    ValueError
        If the task is unknown, or settings or material do not fit it or the network.
    """
    known = network.meta.get("task")
    if name is None and known is None:
        raise ValueError(
            "the network does not say what it was trained for; name its task"
        )
    if name is None and ":" in str(known):  # a file does not decide what is imported
        raise ValueError(
            f"the network was trained for {known}; name it as its task to have it "
            "imported"
        )
    kind = find_task(str(name or known))
    kept = network.meta.get("settings") if name in (None, known) else None
    values = {**(kept or {}), **(settings or {}), "path": path}
    try:
        chosen = kind.Settings.model_validate(values)
    except ValidationError as error:
        known = partial(messages.names_at, kind.Settings)
        text = messages.fields(error.errors(), "settings", known=known)
        raise ValueError(text) from None
    task = kind.open_to_score(chosen, split, network.d_out, network.meta).deployed()
    for what, wanted, there in (
        ("inputs", task.d_in, network.d_in),
        ("outputs", task.d_out, network.d_out),
    ):
        if wanted != there:
            raise ValueError(
                f"the task has {wanted} {what}, the network {there}; they must be as "
                "many"
            )
    if split != "test":
        return task
    tested = task.test()
    if tested is not task:  # a task without a test gives itself
        tested.part = "test"
    return tested


def evaluate(
    network: spec.Network,
    task: Task,
    stream: spec.Stream,
    progress: Progress | None = None,
) -> Evaluation:
    """Scores of the integers.

    Parameters
    ----------
    network : Network
    task : Task
        As the network sees it, see `task_of` and `Task.deployed`.
    stream : Stream
        What runs the network.
    progress : callable, optional
        Called with the sequences that were run so far, and with all.
    """
    total = len(task.validation_sequences()) if progress else 0
    report = progress and (lambda done: progress(done, total))
    return task.evaluate(integers(network, stream, report))


def integers(
    network: spec.Network,
    stream: spec.Stream,
    report: Callable[[int], object] | None = None,
) -> Model:
    """A network of integers as the model that a task asks.

    Every sequence starts from a zero state. ``report`` is told how many were run.
    """
    done = 0

    def run(tokens: Tensor) -> Tensor:
        nonlocal done
        found = []
        for sequence in tokens.transpose(0, 1).numpy():
            stream.reset()
            answers = stream.run(network.to_wire(sequence))
            found.append(network.from_wire(answers))
            done += 1
            if report is not None:
                report(done)
        return torch.from_numpy(np.stack(found, axis=1))

    return run
