# SPDX-License-Identifier: BSD-3-Clause
"""The stages of a run: float training with pruning, integer fine-tune, export."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from lava_sparse_rnn import spec
from lava_sparse_rnn.audio.frontend import FrontEnd
from lava_sparse_rnn.nn import SparseRNN
from lava_sparse_rnn.nn.quantize import (
    FoldedNetwork,
    QuantizedRNN,
    calibrate,
    fold,
    quantize,
    sigmoid_table,
    with_silence,
)
from lava_sparse_rnn.nn.sparsify import (
    SCHEDULES,
    ActivityPenalty,
    Pruner,
    sparsity,
)
from lava_sparse_rnn.tasks.denoise import task
from lava_sparse_rnn.tasks.denoise.data import SOURCES, Source, training_batches
from lava_sparse_rnn.tasks.denoise.frontend import analyse, features, measure
from lava_sparse_rnn.train import checkpoint
from lava_sparse_rnn.train.config import OptimConfig, TrainConfig
from lava_sparse_rnn.train.distributed import Group
from lava_sparse_rnn.train.loop import Stage
from lava_sparse_rnn.train.optim import build_optimizer
from lava_sparse_rnn.train.process import check_device, prepare_process
from lava_sparse_rnn.train.report import quantisation_report, write_report
from lava_sparse_rnn.train.resume import check_unchanged, fingerprint

CONFIG = "config.json"
_DTYPES = {"bfloat16": torch.bfloat16, "float32": None}
_NOT_OF_THE_RECIPE = {
    "recipe",
    "steps",
    "lr_factor",
    "calibration_batches",
    "percentile",
    "silence",
    "sigmoid_segments",
}
# Material of the fine-tune and of calibration, apart from that of the float stage.
_QUANTIZE_SEED = 1000


def build_model(config: TrainConfig, front: FrontEnd) -> SparseRNN:
    """The float network that a configuration describes."""
    return SparseRNN(
        d_in=front.bins,
        d_out=front.bins,
        seed=config.seed,
        straight_through=config.pruning.straight_through,
        **config.model.model_dump(),
    )


def build_pruner(config: TrainConfig) -> Pruner | None:
    """The pruner of a configuration; None if nothing is to be pruned."""
    p = config.pruning
    if p.sparsity == 0:
        return None
    # The last step is the last that an update can precede.
    last = config.steps - 1
    start, end = (min(round(x * config.steps), last) for x in (p.start, p.end))
    schedule = SCHEDULES[p.schedule](p.sparsity, start, end, p.every)
    return Pruner(schedule, p.distribution, p.score, p.pattern, p.block)


def build_recipe(config: TrainConfig) -> spec.Recipe:
    """The recipe of the network description."""
    fields = config.quantize.model_dump(exclude=_NOT_OF_THE_RECIPE)
    if config.quantize.sigmoid_segments is not None:
        fields["sigmoid"] = sigmoid_table(config.quantize.sigmoid_segments)
    return spec.Recipe(state_nonlinearity=config.model.state_nonlinearity, **fields)


class FloatStage(Stage):
    """Training of the float network, pruned on the way.

    Parameters
    ----------
    config : TrainConfig
    source : Source
    front : FrontEnd
    group : Group
    """

    name = "float"
    model: SparseRNN

    def __init__(
        self, config: TrainConfig, source: Source, front: FrontEnd, group: Group
    ) -> None:
        super().__init__(config, source, front, config.steps, group)
        self.model = build_model(config, front)
        group.share_batch_norms(self.model)
        self.model.to(config.device)
        self.optimizer = build_optimizer(self.model, config.optim)
        self.pruner = build_pruner(config)
        self.penalty = ActivityPenalty(config.pruning.activity_penalty)
        if config.start is not None and not self.checkpoint_path.exists():
            _start_from(config.start, self.model, front)
        if self.pruner is not None:
            self.pruner.prepare(self.model)
        self.resume()
        self.model.set_compute_dtype(_DTYPES[config.precision])

    def forward(self, x: Tensor) -> Tensor:
        """See `Stage`; the front end and the loss stay where the waveforms are."""
        inside = x.to(self.model.encoder.device)
        return self.model.forward_time_major(inside).to(x.device)

    @property
    def settled(self) -> bool:
        """See `Stage`: a mask that is still to lose weights makes scores better."""
        return self.pruner is None or self.pruner.schedule.is_final(self.step - 1)

    def before_step(self) -> None:
        """See `Stage`."""
        if self.pruner is not None:
            self.pruner.update(self.model, self.step)

    def objective(self, noisy: Tensor, clean: Tensor) -> Tensor:
        """See `Stage`; with the penalty on activations, if there is one."""
        weight = self.config.pruning.activity
        if not weight:
            return super().objective(noisy, clean)
        with self.penalty.listen(self.model):
            value = super().objective(noisy, clean)
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
            self.model.set_compute_dtype(_DTYPES[self.config.precision])


class IntegerStage(Stage):
    """Fine-tune of the integer network, from a folded and pruned float network.

    Parameters
    ----------
    config : TrainConfig
    source : Source
    front : FrontEnd
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
        source: Source,
        front: FrontEnd,
        folded: FoldedNetwork,
        network: spec.Network,
        group: Group,
        fingerprint: str,
    ) -> None:
        super().__init__(config, source, front, config.quantize.steps, group)
        self.folded, self.model = folded, QuantizedRNN(folded, network)
        self.optimizer = build_optimizer(self.model, _fine_tune_rates(config))
        self.fingerprint = fingerprint
        existed = self.steps > 0 and self.checkpoint_path.exists()
        self.stale = existed and not self.resume()
        """Whether there was a checkpoint of another float network or recipe."""

    @property
    def data_seed(self) -> int:
        """See `Stage`."""
        return self.config.seed + _QUANTIZE_SEED

    def forward(self, x: Tensor) -> Tensor:
        """See `Stage`."""
        return self.model.forward_time_major(x)


def _fine_tune_rates(config: TrainConfig) -> OptimConfig:
    factor = config.quantize.lr_factor
    rates = {"lr": config.optim.lr * factor, "ssm_lr": config.optim.ssm_lr * factor}
    # Muon moves all directions alike, where a fine-tune has to move few.
    rest = {"algorithm": "adamw", "weight_decay": 0.0}
    return config.optim.model_copy(update={**rates, **rest})


def _start_from(path: Path, model: SparseRNN, front: FrontEnd) -> None:
    """Take the weights of another training.

    Its hop may be another one: the states live in continuous time, so that the
    length of their steps follows (Smith et al., arXiv 2208.04933, section 4.4).
    """
    tensors, state = checkpoint.read(path)
    try:
        checkpoint.restore(tensors, model)
    except RuntimeError as error:
        raise ValueError(f"start: {path} is of another model: {error}") from None
    model.stretch_time(front.hop_length / FrontEnd(**state["front_end"]).hop_length)


def _float_checkpoint(config: TrainConfig) -> Path:
    return config.directory / f"{FloatStage.name}.safetensors"


def _front_end(config: TrainConfig, source: Source) -> FrontEnd:
    """Of the run's checkpoint or its start, or measured on the first batches."""
    saved = _float_checkpoint(config)
    if config.start is not None and not saved.exists():
        saved = config.start
        if not saved.exists():
            raise ValueError(f"start: {saved} does not exist")
    if saved.exists():
        found = FrontEnd(**checkpoint.read(saved)[1]["front_end"])
        return replace(found, **config.front_end.model_dump(exclude_none=True))
    fresh = source.fresh(0)
    waves = [torch.from_numpy(next(fresh)[0]) for _ in range(8)]
    fresh.close()
    return measure(config.front_end.build(), waves)


def calibration_features(
    config: TrainConfig, source: Source, front: FrontEnd
) -> list[Tensor]:
    """Features of training material, each (batch, T, bins), half of it long."""
    # Long sequences show how far slow states go.
    data = config.data.model_copy(update={"long_share": 0.5})
    batches = training_batches(source, data, config.seed + _QUANTIZE_SEED)
    result = []
    for _ in range(config.quantize.calibration_batches):
        noisy = torch.from_numpy(next(batches)[0])
        magnitude = analyse(front, noisy).abs()
        result.append(features(front, magnitude).transpose(0, 1))
    batches.close()
    if not config.quantize.silence:
        return result
    token = features(front, torch.zeros(1, 1, front.bins))[0, 0]
    return list(with_silence(result, token, config.quantize.silence))


def _output_level(config: TrainConfig, stage: FloatStage) -> float:
    """See `task.output_level`, on training material."""
    batches = training_batches(stage.source, config.data, config.seed + _QUANTIZE_SEED)
    stage.model.eval()
    count = config.quantize.calibration_batches
    level = task.output_level(stage.forward, stage.front, islice(batches, count))
    stage.model.train()
    batches.close()
    return level


def open_float(config: TrainConfig) -> FloatStage:
    """The float stage of a run, from its checkpoint if there is one.

    Also writes the configuration into the folder of the run.

    Raises
    ------
    ValueError
        If the run is resumed with settings that it must keep.
    """
    check_unchanged(config, config.directory / CONFIG, _float_checkpoint(config))
    check_device(config.device)
    prepare_process(config.threads)
    group = Group.start()
    torch.manual_seed(config.seed)
    source = SOURCES[config.data.source](config.data, config.seed)
    stage = FloatStage(config, source, _front_end(config, source), group)
    group.wait()  # all have looked for a checkpoint before one is written
    if not group.leads:
        return stage
    text = config.model_dump_json(indent=2) + "\n"
    checkpoint.write_atomically(
        config.directory / CONFIG, lambda p: p.write_text(text, encoding="utf-8")
    )
    return stage


def run(
    config: TrainConfig, note: Callable[[str], None] = print
) -> tuple[spec.Network, Path]:
    """Train, quantise, fine-tune and export; resumes where the run has stopped.

    Parameters
    ----------
    config : TrainConfig
    note : callable
        Told what happens between the stages.

    Returns
    -------
    network : spec.Network
    path : Path
        ``<runs>/<name>/<name>.net``. Next to it, ``<name>-ptq.net`` is what
        post-training quantisation gave, and a report of what quantisation costs is
        written beside each network.
    """
    stage = open_float(config)
    group = stage.group
    if not group.leads:
        note = _say_nothing
    stage.fit()
    stage.hand_on()
    stage.model.cpu()  # as the integers will be
    note(f"float: {_outcome(stage)}")
    fine, network = _open_integer(stage, note)
    path = config.directory / f"{config.name}.net"
    if fine.step == 0 and group.leads:
        fine.see(fine.validate())
        note(f"post-training quantisation: {_figures(fine.figures)}")
        _write(network, fine, path.with_name(f"{config.name}-ptq.net"))
    group.wait()
    fine.fit()
    tuned = fine.hand_on()
    if fine.step:
        note(f"fine-tuned: {_outcome(fine)}")
    if tuned:
        network = fine.model.network()
    if group.leads:
        report = _write(network, fine, path)
        note(f"written: {path}, and what quantisation costs: {report}")
    group.wait()
    return network, path


def _write(network: spec.Network, fine: IntegerStage, path: Path) -> Path:
    """Write a network and its report; returns the path of the latter."""
    network.save(path, packed=True)
    mixes = [fine.source.validation(r) for r in fine.config.data.validation_snrs]
    report = quantisation_report(fine.folded, network, fine.front, mixes)
    return write_report(report, path)


def _open_integer(
    stage: FloatStage, note: Callable[[str], None]
) -> tuple[IntegerStage, spec.Network]:
    """The integer stage after a float stage, and where it starts from."""
    config, source, front = stage.config, stage.source, stage.front
    level = _output_level(config, stage)
    note(f"level: gains are multiplied by {level:.4g}")
    folded = task.at_level(fold(stage.model), level)
    material = calibration_features(config, source, front)
    ranges = calibrate(folded, material, config.quantize.percentile)
    network = quantize(folded, ranges, build_recipe(config), front.metadata())
    mark = fingerprint(config, stage.model, network)
    fine = IntegerStage(config, source, front, folded, network, stage.group, mark)
    if fine.stale:
        note(
            f"stale: {fine.checkpoint_path} is of another float network or recipe; "
            "the fine-tune starts anew"
        )
    return fine, network


def _say_nothing(text: str) -> None:
    pass


def _outcome(stage: Stage) -> str:
    """Figures of what a stage hands on, and where they are from if not its end."""
    text = _figures(stage.figures)
    if stage.stopped:
        text += f", stopped early at step {stage.step} of {stage.steps}"
    if stage.config.keeps_best and stage.best.step is not None:
        text += f", weights of step {stage.best.step}"
    return text


def _figures(values: dict[str, float]) -> str:
    return "  ".join(f"{k} {v:.2f}" for k, v in values.items()) or "no figures"
