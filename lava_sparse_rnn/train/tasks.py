# SPDX-License-Identifier: BSD-3-Clause
"""What a training asks of its problem: the `Task`, and how one is found by name."""

from __future__ import annotations

import importlib
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel
from torch import Tensor

from lava_sparse_rnn.fixed_point import Brief
from lava_sparse_rnn.nn.quantize import FoldedNetwork
from lava_sparse_rnn.train.distributed import Group

ENTRY_POINTS = "lava_sparse_rnn.tasks"
"""Group of the entry points by which packages offer tasks."""

TASKS: dict[str, type[Task]] = {}
"""Tasks that were registered by hand, by name; they go before entry points."""

RawBatch = tuple[np.ndarray, ...]
"""A batch as `Task.batches` makes it."""

Batches = Generator[RawBatch, None, None]

Batch = tuple[Tensor, ...]
"""The same batch in torch, as all else is given it."""

Model = Callable[[Tensor], Tensor]
"""A network, time-major: tokens (T, batch, d_in) to answers (T, batch, d_out).

A float network answers in real units, one of integers in real units that its integers
stand for. Every token has its answer; a task that needs one answer a sequence takes
their mean, or the last one, itself.
"""


@dataclass(frozen=True, eq=False)
class Evaluation(Brief):
    """Scores of a network.

    Parameters
    ----------
    figures : dict of str to float
        By name, as `Task.validate` finds them.
    sequences : int
        How many were looked at; 0 where the task does not tell.
    confusion : array of int, shape (classes, classes), optional
        How often a label (row) was answered with a class (column).
    classes : tuple of str
        Their names; numbers where they have none.
    """

    figures: dict[str, float]
    sequences: int = 0
    confusion: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()

    def _about(self) -> str:
        figures = ", ".join(f"{name} {v:.2f}" for name, v in self.figures.items())
        return f"{figures} of {self.sequences} sequences"

    def as_dict(self) -> dict[str, Any]:
        """Everything as JSON has it."""
        table = None if self.confusion is None else self.confusion.tolist()
        return {
            "figures": {k: v if isfinite(v) else None for k, v in self.figures.items()},
            "sequences": self.sequences,
            "classes": list(self.classes),
            "confusion": table,
        }


class Task(Brief, ABC):
    """A problem to train for: material, loss, figures, what goes into the file.

    A subclass is made by `open`, once for a run. Everything that it draws has to follow
    from seeds and step numbers, so that a run that was stopped goes on bit for bit.
    """

    Settings: ClassVar[type[BaseModel]]
    """The section ``data`` of a configuration."""

    settings: Any
    """Those of this run."""

    d_in: int
    d_out: int

    figures: tuple[str, ...]
    """Names of what `validate` finds; the larger their mean, the better a network."""

    part: str = "validation"
    """Where `validate` looks; "test" for what `test` gives."""

    token_s: float | None = None
    """Seconds from one token to the next, where tokens come in time."""

    metric: ClassVar[str]
    """What `score` finds, in words; of that the report of a quantisation speaks."""

    def _about(self) -> str:
        return f"{self.d_in} -> {self.d_out}"

    @classmethod
    @abstractmethod
    def open(
        cls, settings: Any, seed: int, state: dict[str, Any] | None = None
    ) -> Task:
        """The task of a run.

        Parameters
        ----------
        settings : Settings
        seed : int
            Of the run.
        state : dict, optional
            Of the checkpoint that the run goes on or starts from: what `state` gave.
        """

    @classmethod
    def open_to_score(
        cls, settings: Any, split: str, d_out: int, meta: Mapping[str, Any]
    ) -> Task:
        """The task of a network of so many outputs, to score it on a split."""
        return cls.open(settings, 0)

    def check(self, state: dict[str, Any]) -> None:
        """Refuse to go on with a run of this state, if that had other material.

        Parameters
        ----------
        state : dict
            Of the run's checkpoint: what `state` gave.

        Raises
        ------
        ValueError
            If it had. By default nothing is looked at.
        """
        return

    @abstractmethod
    def batches(self, seed: int, start: int, group: Group) -> Batches:
        """Training batches from step `start` on, endless.

        A thread draws a few ahead, except where several processes train together.

        Parameters
        ----------
        seed : int
            Of the stage; each has material of its own.
        start : int
        group : Group
            The processes that train together; this one takes its rows, see
            `Group.rows`.
        """

    @abstractmethod
    def loss(self, model: Model, batch: Batch) -> Tensor:
        """What a step makes smaller, a scalar."""

    @abstractmethod
    def validate(self, model: Model) -> dict[str, float]:
        """The `figures` of a network in evaluation mode."""

    @abstractmethod
    def features(self, batch: Batch) -> Tensor:
        """Tokens of a batch, (batch, T, d_in): calibration measures their ranges."""

    @abstractmethod
    def probes(self) -> list[Batch]:
        """A few small batches on which a report shows what quantisation costs."""

    @abstractmethod
    def score(self, answers: Tensor, batch: Batch) -> float:
        """Of a network's answers (batch, T, d_out) to one of the `probes`."""

    def evaluate(self, model: Model) -> Evaluation:
        """More than `validate`, where a task has more to say."""
        return Evaluation(self.validate(model))

    def validation_sequences(self) -> list[np.ndarray]:
        """Tokens (T_i, d_in) of what it validates on, a few of them at least."""
        return [t.numpy() for batch in self.probes() for t in self.sequences(batch)]

    def probe_features(self, batch: Batch) -> Tensor:
        """Tokens (batch, T, d_in) of one of the `probes`."""
        return self.features(batch)

    def sequences(self, batch: Batch) -> list[Tensor]:
        """Tokens (T, d_in) of each of a batch of `probes`, without what pads them."""
        x, ends = self.probe_features(batch), self.lengths(batch)
        if ends is None:
            return list(x)
        return [tokens[:n] for tokens, n in zip(x, ends.tolist(), strict=True)]

    def lengths(self, batch: Batch) -> Tensor | None:
        """Tokens of each sequence of a batch (batch,), where what is behind is padding.

        By default there is none: all tokens are real.
        """
        return None

    @classmethod
    def lift(cls, values: dict[str, Any]) -> dict[str, Any]:
        """A configuration of an older version, its settings where they are now."""
        return values

    def calibration_batches(self, seed: int) -> Batches:
        """Material that ranges are measured on; by default that of the training."""
        return self.batches(seed, 0, Group())

    def state(self) -> dict[str, Any]:
        """What checkpoints keep, as JSON has it: the constants of this task."""
        return {}

    @classmethod
    def state_of(cls, meta: Mapping[str, Any]) -> dict[str, Any]:
        """`state`, out of what a network's file keeps, to train on from that network.

        Raises
        ------
        ValueError
            If no training can: so it is by default.
        """
        raise ValueError(
            "is a network of integers, from which trainings of this task cannot "
            "start; they start from float.safetensors in the folder of another"
        )

    def meta(self) -> dict[str, Any]:
        """What the network's file keeps: how its input is made, what answers mean."""
        return {}

    def test(self) -> Task:
        """This task with what no training watches in place of what it validates on.

        A task without such material is itself.
        """
        return self

    def silence(self) -> Tensor | None:
        """A token (d_in,) of nothing, if the task knows one."""
        return None

    def stretch(self, state: dict[str, Any]) -> float:
        """How much longer a token lasts than in the training of another state."""
        return 1.0

    def translation(self, state: dict[str, Any]) -> tuple[Tensor, Tensor] | None:
        """How another state's tokens and answers are made of this one's, about.

        A training that starts from weights of that state begins with the same function.

        Returns
        -------
        tuple of Tensor, optional
            Old tokens of new ones, (old d_in, d_in); new answers of old ones,
            (d_out, old d_out). None if they are the same.
        """
        return None

    def finish(
        self,
        folded: FoldedNetwork,
        model: Model,
        seed: int,
        count: int,
        note: Callable[[str], None],
    ) -> FoldedNetwork:
        """The network that is quantised, from the one that was trained.

        Parameters
        ----------
        folded : FoldedNetwork
        model : Model
            The same network in evaluation mode.
        seed : int
            Of training material to look at,
        count : int
            and how many batches of it.
        note : callable
            Told what was done.
        """
        return folded

    def deployed(self) -> Task:
        """This task as the network of `finish` sees it."""
        return self


@contextmanager
def _here() -> Iterator[None]:
    """Within, modules in the current folder can be imported, as those of a script."""
    folder = str(Path.cwd())
    sys.path.append(folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def register(name: str, task: type[Task]) -> type[Task]:
    """Give a task a name that configurations can use."""
    TASKS[name] = task
    return task


def find_task(name: str) -> type[Task]:
    """The task of a name, of an entry point, or of ``module:object``.

    Raises
    ------
    ValueError
        If there is none, it cannot be loaded, several packages offer one of this name,
        or it is no `Task`.
    """
    if name in TASKS:
        return TASKS[name]
    offered = _offered()
    if name in offered:
        found = _load(name, offered[name])
    elif ":" in name:
        module, _, attribute = name.partition(":")
        try:
            with _here():
                found = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise ValueError(
                f"task is {name!r}, which cannot be found: {error}"
            ) from error
    else:
        known = ", ".join(sorted({*TASKS, *offered}))
        raise ValueError(f"task is {name!r}; known: {known}, or module:object")
    if not (isinstance(found, type) and issubclass(found, Task)):
        raise ValueError(f"task is {name!r}, which is {found!r} and not a Task")
    return found


def task_name(task: type[Task]) -> str:
    """The name by which `find_task` finds a class, ``module:object`` if it has none."""
    for name, known in TASKS.items():
        if known is task:
            return name
    package = task.__module__.partition(".")[0]
    for name, points in _offered().items():
        point, *others = points
        # No package is imported to see whether it offers this class.
        own = point.module.partition(".")[0] == package
        if name in TASKS or others or not own:  # what `find_task` finds is another one
            continue
        with suppress(Exception):  # and so is one that is broken
            if point.load() is task:
                return name
    return f"{task.__module__}:{task.__name__}"


def _offered() -> dict[str, list[metadata.EntryPoint]]:
    """Entry points of installed packages by name."""
    found: dict[str, list[metadata.EntryPoint]] = {}
    for point in metadata.entry_points(group=ENTRY_POINTS):
        found.setdefault(point.name, []).append(point)
    return found


def _load(name: str, points: list[metadata.EntryPoint]) -> Any:
    """What an entry point names, if one package alone offers it."""
    if len(points) > 1:
        offers = sorted(f"{_package(p)} ({p.value})" for p in points)
        raise ValueError(
            f"task is {name!r}, which {' and '.join(offers)} offer; uninstall all but "
            "one, or name a task as module:object"
        )
    (point,) = points
    try:
        return point.load()
    # A package of somebody else may fail in any way while it is imported.
    except Exception as error:
        raise ValueError(
            f"task is {name!r}, which {_package(point)} ({point.value}) offers and "
            f"which cannot be loaded: {type(error).__name__}: {error}"
        ) from error


def _package(point: metadata.EntryPoint) -> str:
    return "a package" if point.dist is None else point.dist.name
