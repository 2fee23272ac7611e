# SPDX-License-Identifier: BSD-3-Clause
"""The training loop: restartable, deterministic for a given number of threads."""

from __future__ import annotations

import contextlib
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lava_sparse_rnn.fixed_point import Brief, brief
from lava_sparse_rnn.train import checkpoint
from lava_sparse_rnn.train.ahead import Ahead
from lava_sparse_rnn.train.best import Best
from lava_sparse_rnn.train.config import TrainConfig
from lava_sparse_rnn.train.distributed import Group
from lava_sparse_rnn.train.metrics import MetricLog
from lava_sparse_rnn.train.optim import rate_factor, set_rate
from lava_sparse_rnn.train.stops import one_step
from lava_sparse_rnn.train.tasks import Batch, Batches, RawBatch, Task

# Steps in a row without a finite gradient after which a run is hopeless.
_MAX_BAD = 20


class TrainingError(ValueError):
    """A training that cannot go on, for want of finite gradients."""


class Stage(Brief, ABC):
    """A model trained for a number of steps, in checkpoints that resume.

    A subclass makes `model` and `optimizer`, then calls `resume`.

    Parameters
    ----------
    config : TrainConfig
    task : Task
    steps : int
    group : Group
        The processes that train together.
    """

    name: str
    """Of the stage, and of its files."""

    fingerprint: str | None = None
    """Of what the stage starts from, kept in its checkpoints; None if of nothing."""

    model: nn.Module
    optimizer: torch.optim.Optimizer

    def __init__(
        self, config: TrainConfig, task: Task, steps: int, group: Group
    ) -> None:
        self.config, self.task, self.group = config, task, group
        self.steps, self.step = steps, 0
        self.figures: dict[str, float] = {}
        self.best, self.stopped = Best(), False
        self._between = True  # two steps: all that has been learnt can be saved

    def _about(self) -> str:
        return f"{brief(self.config.name)}, step {self.step} of {self.steps}"

    @property
    def checkpoint_path(self) -> Path:
        """File of the last checkpoint."""
        return self.config.directory / f"{self.name}.safetensors"

    @property
    def best_path(self) -> Path:
        """File of the weights with the best validation."""
        return self.checkpoint_path.with_stem(f"{self.name}-best")

    @property
    def keeps_best(self) -> bool:
        """Whether the weights of the best validation are handed on, not the last."""
        return self.config.keeps_best

    @property
    def settled(self) -> bool:
        """Whether validations can be compared with those at the end."""
        return True

    @property
    def data_seed(self) -> int:
        """Seed of the training material."""
        return self.config.seed

    @abstractmethod
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The model while training, time-major."""

    def before_step(self) -> None:
        """Called before the gradient of each step is computed."""

    def after_gradients(self) -> None:
        """Called when the gradient of a step is there, before it is clipped."""

    def objective(self, batch: Batch) -> torch.Tensor:
        """What a step makes smaller."""
        return self.task.loss(self.forward, batch)

    def columns(self) -> dict[str, float]:
        """Figures that belong into every logged row."""
        return {}

    def validate(self) -> dict[str, float]:
        """Validation figures of the model in evaluation mode."""
        self.model.eval()
        try:
            with torch.no_grad():
                return self.task.validate(self.forward)
        finally:
            self.model.train()

    def resume(self) -> bool:
        """Take everything from the last checkpoint; tells whether there was one.

        A checkpoint with another fingerprint, or without one, is left alone.
        """
        if not self.checkpoint_path.exists():
            return False
        tensors, state = checkpoint.read(self.checkpoint_path)
        # Process 0 decides: all have to start at the same step.
        if not self.group.agree(state.get("fingerprint") == self.fingerprint):
            return False
        checkpoint.restore(tensors, self.model, self.optimizer)
        self.step, self.figures = state["step"], state.get("figures", {})
        self.best = Best(**state.get("best", {}))
        self.stopped = self.best.is_over(self.config.patience)
        return True

    def save(self) -> None:
        """Write the checkpoint of this moment; one process of a group does."""
        if self.group.leads:
            self._save(self.checkpoint_path, self.optimizer)

    def _save(self, path: Path, optimizer: torch.optim.Optimizer | None) -> None:
        state = {
            "step": self.step,
            "figures": self.figures,
            "best": asdict(self.best),
            "fingerprint": self.fingerprint,
            "config": self.config.model_dump(mode="json"),
            **self.task.state(),
        }
        checkpoint.save(path, self.model, optimizer, state)

    def see(self, figures: dict[str, float]) -> None:
        """Take note of a validation; keeps the weights if it is the best so far."""
        self.figures = figures
        if self.settled and self.best.see(figures, self.step):
            self._save(self.best_path, None)

    def hand_on(self) -> int:
        """Put the weights that the run goes on with into the model.

        Those of the best validation if the stage keeps them, else the last ones. The
        stage is over then.

        Returns
        -------
        int
            The step that they are of.
        """
        found = self.best.step
        wanted = self.keeps_best and found not in (None, self.step)
        if not self.group.agree(wanted):  # process 0 has written what all read here
            return self.step
        tensors, state = checkpoint.read(self.best_path)
        checkpoint.restore(tensors, self.model)
        self.figures = state["figures"]
        return state["step"]

    def train_step(self, batch: RawBatch) -> dict[str, Any]:
        """One optimiser step on a batch of the task."""
        config = self.config
        factor = rate_factor(self.step, self.steps, config.optim)
        set_rate(self.optimizer, factor)
        self.before_step()
        self.optimizer.zero_grad(set_to_none=True)
        value = self.objective(tuple(torch.from_numpy(x) for x in batch))
        value.backward()
        self.group.average_gradients(self.model)
        self.after_gradients()
        clip = config.optim.grad_clip
        norm = float(nn.utils.clip_grad_norm_(self.model.parameters(), clip))
        if math.isfinite(norm):
            self.optimizer.step()
        self.step += 1
        loss = self.group.mean(float(value.detach()))
        return {"loss": loss, "grad_norm": norm, "lr": factor * config.optim.lr}

    def batches(self) -> Batches | Ahead:
        """Material of the steps from here on, to be closed."""
        group = self.group
        data = self.task.batches(self.data_seed, self.step, group)
        # Several draw together, in the order of their steps.
        return Ahead(data) if group.ahead and group.size == 1 else data

    def fit(self, until: int | None = None) -> None:
        """Train to the last step (or to step `until`, or to an early stop), then save.

        Ctrl-C, or a signal with a handler, ends a training in one process after the
        step in which it comes, and that step is saved; a second one ends it at once.

        Raises
        ------
        TrainingError
            After many steps in a row without a finite gradient.
        """
        end = self.steps if until is None else min(until, self.steps)
        if self.step >= end or self.stopped:
            return
        config = self.config
        directory = config.directory
        path = directory / f"{self.name}.csv"
        names = (*self.columns(), *self.task.figures)
        data = self.batches()
        self.model.train()
        begun, self._between = self.step, True
        try:
            if self.group.leads:
                with MetricLog(path, directory, self.steps, names, self.step) as log:
                    self._run(end, data, log)
            else:
                self._run(end, data, None)
            self.save()
        except BaseException:
            if self._between and self.step > begun:
                self.save()
            raise
        finally:
            data.close()

    def _run(self, end: int, data: Iterator[RawBatch], log: MetricLog | None) -> None:
        config = self.config
        window: list[float] = []
        bad, saved_at = 0, time.monotonic()
        mark = time.monotonic()
        while self.step < end and not self.stopped:
            batch = next(data)
            # Several processes get their signals at different steps.
            with one_step() if self.group.size == 1 else contextlib.nullcontext():
                self._between = False
                row = self.train_step(batch)
                window.append(row["loss"])
                bad = 0 if math.isfinite(row["grad_norm"]) else bad + 1
                if bad >= _MAX_BAD:
                    raise TrainingError(
                        f"{bad} steps in a row without a finite gradient, up to step "
                        f"{self.step}; a smaller optim.lr may help"
                    )
                last = self.step == self.steps
                validates = last or self.step % config.validate_every == 0
                logs = validates or self.step % config.log_every == 0
                if log is not None:
                    log.advance(self.step)
                if log is not None and logs:
                    row["loss"] = sum(window) / len(window)
                    row["seconds_per_step"] = (time.monotonic() - mark) / len(window)
                    row |= self.columns()
                    if validates:
                        self.see(self.validate())
                        row |= self.figures
                    log.row(self.step, row)
                    window.clear()
                    mark = time.monotonic()
                if validates:  # process 0 has looked, and all have to stop together
                    over = self.best.is_over(config.patience)
                    self.stopped = self.group.agree(over)
                if time.monotonic() - saved_at > 60 * config.checkpoint_minutes:
                    self.save()
                    saved_at = time.monotonic()
                self._between = self.group.size == 1
