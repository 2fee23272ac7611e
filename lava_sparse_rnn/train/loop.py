# SPDX-License-Identifier: BSD-3-Clause
"""The training loop: restartable, deterministic for a given number of threads."""

from __future__ import annotations

import ctypes
import math
import time
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import nn

from lava_sparse_rnn.nn import SparseRNN
from lava_sparse_rnn.nn.sparsify import SCHEDULES, Pruner, sparsity

from . import checkpoint, task
from .config import TrainConfig
from .data import SOURCES, Source, training_batches
from .frontend import FrontEnd, calibrate
from .metrics import MetricLog
from .optim import build_optimizer, rate_factor, set_rate

CHECKPOINT = "checkpoint.safetensors"
CONFIG = "config.json"
_DTYPES = {"bfloat16": torch.bfloat16, "float32": None}
# Steps in a row without a finite gradient after which a run is hopeless.
_MAX_BAD = 20


def prepare_process(threads: int | None) -> None:
    """Process-wide settings that make small tensors on a processor fast."""
    if threads is not None:
        torch.set_num_threads(threads)
    # numpy looks for denormals once; after the next line it would warn of none.
    np.finfo(np.float32), np.finfo(np.float64)
    # Decaying states reach denormal numbers, which cost a hundred times more.
    torch.set_flush_denormal(True)
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:
        return
    # Keep freed tensors instead of returning them to the kernel: page faults of
    # fresh memory cost more than the arithmetic on it.
    m_trim_threshold, m_top_pad, m_mmap_max = -1, -2, -4
    libc.mallopt(m_mmap_max, 0)
    libc.mallopt(m_trim_threshold, 2**31 - 1)
    libc.mallopt(m_top_pad, 2**26)


def build_model(config: TrainConfig, front: FrontEnd) -> SparseRNN:
    """The network a configuration describes."""
    m = config.model
    return SparseRNN(
        d_in=front.bins,
        d_out=front.bins,
        seed=config.seed,
        **m.model_dump(),
    )


def build_pruner(config: TrainConfig) -> Pruner | None:
    """The pruner of a configuration; None if nothing is to be pruned."""
    p = config.pruning
    if p.sparsity == 0:
        return None
    start, end = round(p.start * config.steps), round(p.end * config.steps)
    schedule = SCHEDULES[p.schedule](p.sparsity, start, end, p.every)
    return Pruner(schedule, p.distribution)


def _measure_front(source: Source) -> FrontEnd:
    fresh = source.fresh(0)
    waves = [torch.from_numpy(next(fresh)[0]) for _ in range(8)]
    if hasattr(fresh, "close"):
        fresh.close()
    return calibrate(FrontEnd(), waves)


class Trainer:
    """One run: builds everything or takes it from the last checkpoint.

    Parameters
    ----------
    config : TrainConfig
    """

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        prepare_process(config.threads)
        torch.manual_seed(config.seed)
        self.directory = config.directory
        self.directory.mkdir(parents=True, exist_ok=True)
        self.source = SOURCES[config.data.source](config.data, config.seed)
        saved = self.directory / CHECKPOINT
        tensors, state = checkpoint.read(saved) if saved.exists() else ({}, {})
        self.step = state.get("step", 0)
        front = state.get("front_end")
        self.front = FrontEnd(**front) if front else _measure_front(self.source)
        self.model = build_model(config, self.front)
        self.optimizer = build_optimizer(self.model, config.optim)
        if tensors:
            checkpoint.restore(tensors, self.model, self.optimizer)
        self.model.set_compute_dtype(_DTYPES[config.precision])
        self.pruner = build_pruner(config)
        self.validation = task.Validation(
            self.source, self.front, config.data.validation_snrs
        )
        text = config.model_dump_json(indent=2) + "\n"
        checkpoint.write_atomically(
            self.directory / CONFIG, lambda p: p.write_text(text, encoding="utf-8")
        )

    def save(self) -> None:
        """Write the checkpoint of this moment."""
        state = {
            "step": self.step,
            "front_end": asdict(self.front),
            "config": self.config.model_dump(mode="json"),
        }
        checkpoint.save(self.directory / CHECKPOINT, self.model, self.optimizer, state)

    def validate(self) -> dict[str, float]:
        """Validation figures of the float32 model."""
        self.model.eval()
        self.model.set_compute_dtype(None)
        try:
            return self.validation(self.model.forward_time_major)
        finally:
            self.model.set_compute_dtype(_DTYPES[self.config.precision])
            self.model.train()

    def train_step(self, noisy, clean) -> dict[str, Any]:
        """One optimiser step on numpy arrays (batch, samples)."""
        config = self.config
        factor = rate_factor(self.step, config.steps, config.optim)
        set_rate(self.optimizer, factor)
        if self.pruner is not None:
            self.pruner.update(self.model, self.step)
        self.optimizer.zero_grad(set_to_none=True)
        value = task.loss(
            self.model.forward_time_major,
            self.front,
            torch.from_numpy(noisy),
            torch.from_numpy(clean),
            config.magnitude_loss,
        )
        value.backward()
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), config.optim.grad_clip)
        norm = float(norm)
        if math.isfinite(norm):
            self.optimizer.step()
        self.step += 1
        return {"loss": float(value.detach()), "grad_norm": norm, "lr": factor}

    def fit(self, until: int | None = None) -> None:
        """Train to the end of the configuration (or to step `until`), then save.

        Raises
        ------
        FloatingPointError
            After many steps in a row without a finite gradient.
        """
        config = self.config
        end = config.steps if until is None else min(until, config.steps)
        log = MetricLog(
            self.directory, config.steps, self.validation.names, self.step
        )
        data = training_batches(self.source, config.data, config.seed, self.step)
        self.model.train()
        try:
            self._run(end, data, log)
            self.save()
        finally:
            data.close()
            log.close()

    def _run(self, end: int, data, log: MetricLog) -> None:
        config = self.config
        window: list[float] = []
        bad, saved_at = 0, time.monotonic()
        mark = time.monotonic()
        while self.step < end:
            figures = self.train_step(*next(data))
            window.append(figures["loss"])
            bad = 0 if math.isfinite(figures["grad_norm"]) else bad + 1
            if bad >= _MAX_BAD:
                raise FloatingPointError(
                    f"{bad} steps in a row without a finite gradient, up to step "
                    f"{self.step}; a smaller optim.lr may help"
                )
            log.advance(self.step)
            if self.step % config.log_every == 0 or self.step == end:
                now = time.monotonic()
                figures["loss"] = sum(window) / len(window)
                figures["seconds_per_step"] = (now - mark) / len(window)
                figures["sparsity"] = sparsity(self.model)["total"]
                if self.step % config.validate_every == 0 or self.step == end:
                    figures |= self.validate()
                log.row(self.step, figures)
                window.clear()
                mark = time.monotonic()
            if time.monotonic() - saved_at > 60 * config.checkpoint_minutes:
                self.save()
                saved_at = time.monotonic()


def run(config: TrainConfig) -> Trainer:
    """Train, or resume the run of that name, to its end."""
    trainer = Trainer(config)
    trainer.fit()
    return trainer
