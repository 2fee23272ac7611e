# SPDX-License-Identifier: BSD-3-Clause
"""The two stages of a run: float training with pruning, and the integer fine-tune."""

from __future__ import annotations

from dataclasses import fields

import torch
from torch import Tensor

from lava_sparse_rnn import spec
from lava_sparse_rnn.nn import SparseRNN
from lava_sparse_rnn.nn.precision import short_type
from lava_sparse_rnn.nn.quantize import FoldedNetwork, QuantizedRNN, sigmoid_table
from lava_sparse_rnn.nn.sparsify import (
    SCHEDULES,
    ActivityPenalty,
    Constant,
    Cubic,
    OneShot,
    Pruner,
    prune_corrected,
    sparsity,
)
from lava_sparse_rnn.train import checkpoint
from lava_sparse_rnn.train.config import TrainConfig
from lava_sparse_rnn.train.distributed import Group
from lava_sparse_rnn.train.loop import Stage
from lava_sparse_rnn.train.optim import build_optimizer
from lava_sparse_rnn.train.sections import OptimConfig, PruningConfig
from lava_sparse_rnn.train.start import start_from
from lava_sparse_rnn.train.tasks import Batch, Task
from lava_sparse_rnn.train.typical import QUANTIZE_SEED, typical_features

_DTYPES = {"bfloat16": torch.bfloat16, "float32": torch.float32}


def build_model(config: TrainConfig, d_in: int, d_out: int) -> SparseRNN:
    """The float network that a configuration describes."""
    return SparseRNN(
        d_in=d_in,
        d_out=d_out,
        seed=config.seed,
        straight_through=config.pruning.straight_through,
        **config.model.model_dump(),
    )


def build_schedule(pruning: PruningConfig, steps: int) -> Cubic | Constant | OneShot:
    """When the masks of a training of so many steps are computed anew."""
    p = pruning
    # The last step is the last that an update can precede.
    start, end = (min(round(x * steps), steps - 1) for x in (p.start, p.end))
    return SCHEDULES[p.schedule](p.sparsity, start, end, p.every)


def build_pruner(config: TrainConfig) -> Pruner | None:
    """The pruner of a configuration; None if nothing is to be pruned."""
    p = config.pruning
    if p.sparsity == 0:
        return None
    schedule = build_schedule(p, config.steps)
    return Pruner(schedule, p.distribution, p.score, p.pattern, p.block)


def build_recipe(config: TrainConfig) -> spec.Recipe:
    """The recipe of the network description."""
    names = {field.name for field in fields(spec.Recipe)}
    chosen = config.quantize.model_dump(include=names)
    if config.quantize.sigmoid_segments is not None:
        chosen["sigmoid"] = sigmoid_table(config.quantize.sigmoid_segments)
    return spec.Recipe(state_nonlinearity=config.model.state_nonlinearity, **chosen)


class FloatStage(Stage):
    """Training of the float network, pruned on the way.

    Parameters
    ----------
    config : TrainConfig
    task : Task
    group : Group
    """

    name = "float"
    model: SparseRNN

    def __init__(self, config: TrainConfig, task: Task, group: Group) -> None:
        super().__init__(config, task, config.steps, group)
        self.model = build_model(config, task.d_in, task.d_out)
        group.share_batch_norms(self.model)
        self.model.to(config.device)
        self.optimizer = build_optimizer(self.model, config.optim)
        self.pruner = build_pruner(config)
        self.penalty = ActivityPenalty(config.pruning.activity_penalty)
        if config.start is not None and not self.checkpoint_path.exists():
            start_from(config, self.model, task)
        if self.pruner is not None:
            self.pruner.prepare(self.model)
        self.resume()
        self._owed = self._skipped()
        self._shorten()
        self.model.set_fused(config.fused)

    def forward(self, x: Tensor) -> Tensor:
        """See `Stage`; the task's own computations stay where its batches are."""
        inside = x.to(self.model.encoder.device)
        return self.model.forward_time_major(inside).to(x.device)

    def _shorten(self) -> None:
        asked = _DTYPES.get(self.config.precision)
        short = asked or short_type(self.config.device)
        self.model.set_compute_dtype(None if short == torch.float32 else short)

    @property
    def settled(self) -> bool:
        """See `Stage`: a mask that is still to lose weights makes scores better."""
        return self.pruner is None or self.pruner.schedule.is_final(self.step - 1)

    def _skipped(self) -> int | None:
        """The last update of masks, if settings that changed have put it behind.

        It comes with the next step then, which has to be there.
        """
        if self.pruner is None or self.step == 0:
            return None
        before = checkpoint.read(self.checkpoint_path)[1].get("config", {})
        then, steps = before.get("pruning", {}), before.get("steps", self.steps)
        old = build_schedule(PruningConfig.model_validate(then), steps)
        new, last = build_schedule(self.config.pruning, self.steps), self.step - 1
        if old.is_final(last) or not new.is_final(last):
            return None
        if self.step >= self.steps:
            zeros, wanted = sparsity(self.model)["total"], self.config.pruning.sparsity
            raise ValueError(
                f"steps is {self.steps}, and step {self.step} was the last; it has "
                f"{zeros:.1%} zeros of {wanted:.1%}, which need at least one step more"
            )
        return new.end

    def before_step(self) -> None:
        """See `Stage`."""
        if self.pruner is None:
            return
        step = self.step if self._owed is None else self._owed
        self._owed = None
        if not self.config.pruning.correction:
            self.pruner.update(self.model, step)
        elif self.pruner.schedule.is_update(step):
            self._prune_corrected()

    def _prune_corrected(self) -> None:
        """All at once, on material that the calibration sees, too."""
        config = self.config.pruning
        features, lengths = typical_features(self.config, self.task, config.correction)
        how = config.sparsity, config.distribution
        prune_corrected(self.model, features, *how, lengths=lengths)

    def objective(self, batch: Batch) -> Tensor:
        """See `Stage`; with the penalty on activations, if there is one."""
        weight = self.config.pruning.activity
        if not weight:
            return super().objective(batch)
        with self.penalty.listen(self.model):
            value = super().objective(batch)
        return value + weight * self.penalty.value()

    def after_gradients(self) -> None:
        """See `Stage`."""
        if self.pruner is not None:
            self.pruner.observe(self.model)

    def columns(self) -> dict[str, float]:
        """See `Stage`."""
        return {"sparsity": sparsity(self.model)["total"]}

    def validate(self) -> dict[str, float]:
        """Validation figures with all products in float32."""
        self.model.set_compute_dtype(None)
        try:
            return super().validate()
        finally:
            self._shorten()


class IntegerStage(Stage):
    """Fine-tune of the integer network, from a folded and pruned float network.

    Parameters
    ----------
    config : TrainConfig
    task : Task
        As the deployed network sees it.
    folded : FoldedNetwork
    network : spec.Network
        Post-training quantisation of `folded`; its formats stay.
    group : Group
    fingerprint : str
        Of what all this was made from, see `resume.fingerprint`.
    """

    name = "integer"
    model: QuantizedRNN

    def __init__(
        self,
        config: TrainConfig,
        task: Task,
        folded: FoldedNetwork,
        network: spec.Network,
        group: Group,
        fingerprint: str,
    ) -> None:
        super().__init__(config, task, config.quantize.steps, group)
        self.folded, self.model = folded, QuantizedRNN(folded, network)
        self.optimizer = build_optimizer(self.model, _fine_tune_rates(config))
        self.fingerprint = fingerprint
        existed = self.steps > 0 and self.checkpoint_path.exists()
        self.stale = existed and not self.resume()
        """Whether there was a checkpoint of another float network or recipe."""

    @property
    def data_seed(self) -> int:
        """See `Stage`."""
        return self.config.seed + QUANTIZE_SEED

    @property
    def keeps_best(self) -> bool:
        """See `Stage`: quantisation alone may score better than any fine-tune of it."""
        return self.config.keep != "last"

    def forward(self, x: Tensor) -> Tensor:
        """See `Stage`."""
        return self.model.forward_time_major(x)


def _fine_tune_rates(config: TrainConfig) -> OptimConfig:
    factor = config.quantize.lr_factor
    rates = {"lr": config.optim.lr * factor, "ssm_lr": config.optim.ssm_lr * factor}
    # Muon moves all directions alike, where a fine-tune has to move few.
    rest = {"algorithm": "adamw", "weight_decay": 0.0}
    return config.optim.model_copy(update={**rates, **rest})
