# SPDX-License-Identifier: BSD-3-Clause
"""A training from Python in one call, with a task of one's own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lava_sparse_rnn.fixed_point import brief
from lava_sparse_rnn.train.config import TrainConfig, in_words
from lava_sparse_rnn.train.pipeline import Result, complete
from lava_sparse_rnn.train.tasks import Task, register


def fit(
    task: Task,
    model: Mapping[str, Any] | None = None,
    *,
    note: Callable[[str], None] = print,
    **settings: Any,
) -> Result:
    """Train, prune, quantise, fine-tune: a network of integers, and its scores.

    Parameters
    ----------
    task : Task
        Such as `tasks.arrays.Arrays`.
    model : mapping, optional
        Sizes and options, the fields of `ModelConfig`: ``{"d_model": 64}``.
    note : callable
        Told what happens between the stages.
    **settings
        Fields of `TrainConfig`: ``steps=2000, pruning={"sparsity": 0.9}``. With a
        `name` the run is kept in ``runs/<name>`` (`runs` is the folder of all of
        them), and the same call goes on with it; without one nothing is kept but what
        is returned.

    Returns
    -------
    Result

    Raises
    ------
    ValueError
        For what is no task, a setting that is unknown or out of range, `runs` without
        a `name`, a model that has no integers without one, and a run that is to go on
        with other arrays.
    OSError
        When the folder of the run cannot be made; it names the folder.
    """
    if not isinstance(task, Task):
        raise ValueError(f"task is {brief(task)}; expected a train.Task")
    if not isinstance(model, Mapping | None):
        raise ValueError(f"model is {brief(model)}; expected a mapping of its fields")
    if settings.get("runs") is not None and not settings.get("name"):
        raise ValueError(
            f"runs is {str(settings['runs'])!r}, and name is missing: a run without a "
            "name is not kept"
        )
    if "data" in settings:
        raise ValueError(
            "data: the task has its settings already; give them to it when it is made"
        )
    values = {"data": task.settings, "task": _findable(type(task)), **settings}
    if model is not None:
        values["model"] = dict(model)
    with tempfile.TemporaryDirectory() as folder:
        kept = bool(values.get("name"))
        if not kept:
            values |= {"name": "fit", "runs": Path(folder)}
        try:
            config = TrainConfig.model_validate(values)
        except ValidationError as error:
            raise ValueError(in_words(error, values)) from None
        return complete(config, note, task, kept)


def _findable(kind: type[Task]) -> str:
    """A name by which the class is found, at least while this program runs."""
    name = f"{kind.__module__}:{kind.__qualname__}"
    if "<locals>" in name:  # made inside a function, where nobody can import it from
        register(name, kind)
    return name
