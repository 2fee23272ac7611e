# SPDX-License-Identifier: BSD-3-Clause
"""The stages of a run in their order, and what it hands out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lava_sparse_rnn import spec
from lava_sparse_rnn.files import named
from lava_sparse_rnn.fixed_point import Brief
from lava_sparse_rnn.nn import loops
from lava_sparse_rnn.nn.folded import check_expressible
from lava_sparse_rnn.nn.quantize import calibrate, centred, quantize, with_silence
from lava_sparse_rnn.spec import statistics
from lava_sparse_rnn.train import checkpoint, lock
from lava_sparse_rnn.train.config import TrainConfig
from lava_sparse_rnn.train.distributed import Group
from lava_sparse_rnn.train.loop import Stage
from lava_sparse_rnn.train.process import check_device, has_spare_core, prepare_process
from lava_sparse_rnn.train.report import quantisation_report, write_report
from lava_sparse_rnn.train.resume import check_unchanged, fingerprint
from lava_sparse_rnn.train.stages import (
    FloatStage,
    IntegerStage,
    build_recipe,
)
from lava_sparse_rnn.train.start import like_start, read_start
from lava_sparse_rnn.train.tasks import Task, find_task
from lava_sparse_rnn.train.typical import QUANTIZE_SEED, typical_features

CONFIG = "config.json"

_FINE = 4  # steps in a deviation of an input, below which much of it is lost


@dataclass(frozen=True)
class Result(Brief):
    """What a run has made.

    Parameters
    ----------
    network : spec.Network
        The integers.
    path : Path
        ``<runs>/<name>/<name>.net``. Next to it, ``<name>-ptq.net`` is what
        post-training quantisation gave, and a report of what quantisation costs is
        written beside each network.
    task : Task
        As the network sees it.
    scores : dict
        Figures of the task by stage: ``float``, ``post-training quantisation`` (not of
        a run that was resumed after it) and ``integers``, which are the network's.
    """

    network: spec.Network
    path: Path
    task: Task
    scores: dict[str, dict[str, float]] = field(default_factory=dict)

    def table(self) -> str:
        """The scores as a Markdown table, and how large the network is."""
        names = self.task.figures
        rows = [f"| | {' | '.join(names)} |", "|---|" + "---:|" * len(names)]
        for stage, figures in self.scores.items():
            values = " | ".join(f"{figures[n]:.2f}" for n in names if n in figures)
            rows.append(f"| {stage} | {values} |")
        sizes = statistics.matrix_sizes(self.network)
        kept = sum(size.nnz for size in sizes)
        total = sum(math.prod(size.shape) for size in sizes)
        rows.append(f"\n{kept:,} of {total:,} weights are not zero.")
        return "\n".join(rows)


def _open_task(config: TrainConfig, task: Task | None) -> Task:
    """The task with the constants of the checkpoint or the start, if there is one.

    What a run goes on with has to be what it began with; what it starts from may have
    been anything.
    """
    saved, state = _float_checkpoint(config), None
    if saved.exists():
        state = checkpoint.read(saved)[1]
    elif config.start is not None and task is None:
        state = read_start(config, find_task(config.task)).state
    task = task or find_task(config.task).open(config.data, config.seed, state)
    if state is not None and saved.exists():
        task.check(state)
    return task


def _float_checkpoint(config: TrainConfig) -> Path:
    return config.directory / f"{FloatStage.name}.safetensors"


def open_float(config: TrainConfig, task: Task | None = None) -> FloatStage:
    """The float stage of a run, from its checkpoint if there is one.

    Also writes the configuration into the folder of the run, which no other process
    may train in until this one ends or `run` is done.

    Parameters
    ----------
    config : TrainConfig
        Sizes of the model that are not given are those of its start, if it has one.
    task : Task, optional
        In place of the configuration's.

    Raises
    ------
    ValueError
        If there is no such start, the run is resumed with settings that it must keep,
        or another process is at it.
    OSError
        If its folder cannot be made; it names the folder.
    """
    check_device(config.device)
    kind = find_task(config.task) if task is None else type(task)
    config = like_start(config, kind, _float_checkpoint(config))
    with named(config.directory):
        new = not config.directory.exists()
        config.directory.mkdir(parents=True, exist_ok=True)
    check_unchanged(config, config.directory / CONFIG, _float_checkpoint(config))
    group = Group.start()
    if group.leads:
        lock.claim(config.directory)
    prepare_process(config.threads)
    spare = group.size > 1 or config.device != "cpu" or has_spare_core()
    group = replace(group, ahead=spare)
    torch.manual_seed(config.seed)
    try:
        stage = FloatStage(config, _open_task(config, task), group)
    except BaseException:
        if new and group.leads:
            lock.abandon(config.directory)
        raise
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
        See `Result`.
    """
    result = complete(config, note)
    return result.network, result.path


def complete(
    config: TrainConfig,
    note: Callable[[str], None] = print,
    task: Task | None = None,
    kept: bool = True,
) -> Result:
    """`run` with all that it has found out.

    Parameters
    ----------
    config, note
        As in `run`.
    task : Task, optional
        In place of the configuration's.
    kept : bool
        Whether the folder of the run stays. If not, what cannot end in integers is
        refused before it begins.
    """
    try:
        return _complete(open_float(config, task), note, kept)
    finally:
        lock.release(config.directory)


def _complete(stage: FloatStage, note: Callable[[str], None], kept: bool) -> Result:
    config, group = stage.config, stage.group
    if not group.leads:
        note = _say_nothing
    if config.fused and config.device == "cpu" and not loops.built():
        note("slow: the compiled loops are not built, the plain form of a step runs")
    _tell_inexpressible(stage, note, kept)
    _goes_on(stage, note)
    stage.fit()
    stage.hand_on()
    scores = {"float": stage.figures}
    stage.model.cpu()  # as the integers will be
    note(f"float: {_outcome(stage)}")
    fine, network = _open_integer(stage, note)
    path = config.directory / f"{config.name}.net"
    if fine.step == 0 and group.leads:
        fine.see(fine.validate())
        scores["post-training quantisation"] = fine.figures
        note(f"post-training quantisation: {_figures(fine.figures)}")
        _write(network, fine, path.with_name(f"{config.name}-ptq.net"))
    group.wait()
    _goes_on(fine, note)
    fine.fit()
    tuned = fine.hand_on()
    if fine.step:
        note(f"fine-tuned: {_outcome(fine)}")
    if tuned:
        network = fine.model.network()
    scores["integers"] = fine.figures
    if group.leads:
        report = _write(network, fine, path)
        note(f"written: {path}, and what quantisation costs: {report}")
    group.wait()
    return Result(network, path, fine.task, scores)


def calibration_features(
    config: TrainConfig, task: Task
) -> tuple[list[Tensor], list[Tensor | None]]:
    """Features of training material, each (batch, T, d_in), and their lengths."""
    features, lengths = typical_features(
        config, task, config.quantize.calibration_batches
    )
    token, steps = task.silence(), config.quantize.silence
    if not steps or token is None:
        return features, lengths
    return list(with_silence(features, token, steps, lengths)), [*lengths, None, None]


def _open_integer(
    stage: FloatStage, note: Callable[[str], None]
) -> tuple[IntegerStage, spec.Network]:
    """The integer stage after a float stage, and where it starts from."""
    config, trained = stage.config, stage.task
    stage.model.eval()
    folded = trained.finish(
        stage.model.fold(),
        stage.forward,
        config.seed + QUANTIZE_SEED,
        config.quantize.calibration_batches,
        note,
    )
    stage.model.train()
    task = trained.deployed()
    features, lengths = calibration_features(config, task)
    ranges = calibrate(folded, features, config.quantize.percentile, lengths=lengths)
    recipe, meta = build_recipe(config), task.meta()
    network = quantize(folded, ranges, recipe, meta)
    _tell_coarse(network, features, lengths, note)
    folded = centred(folded, network, features, lengths)
    network = quantize(folded, ranges, recipe, meta)
    mark = fingerprint(config, stage.model, network)
    fine = IntegerStage(config, task, folded, network, stage.group, mark)
    if fine.stale:
        note(
            f"stale: {fine.checkpoint_path} is of another float network or recipe; "
            "the fine-tune starts anew"
        )
    return fine, network


def _write(network: spec.Network, fine: IntegerStage, path: Path) -> Path:
    """Write a network and its report; returns the path of the latter."""
    network.save(path, packed=True)
    report = quantisation_report(fine.folded, network, fine.task)
    return write_report(report, path, fine.task.metric)


def _tell_inexpressible(
    stage: FloatStage, note: Callable[[str], None], kept: bool
) -> None:
    """Tell before the training, not after it, that there will be no integers.

    It is no error where weights are kept: another training may start from them.
    """
    try:
        check_expressible(stage.model.options)
    except ValueError as error:
        if not kept:
            raise ValueError(
                f"{error}; with a name the run keeps its float weights, from which "
                "another training may start"
            ) from None
        note(
            f"no integers: {error}; the run ends with an error after the float "
            f"training, whose weights stay in {stage.checkpoint_path}"
        )


def _tell_coarse(
    network: spec.Network,
    features: list[Tensor],
    lengths: list[Tensor | None],
    note: Callable[[str], None],
) -> None:
    """Tell of inputs that move by little beside what they are: integers lose that."""
    tokens = torch.cat(
        [x[:n] for f, ends in zip(features, lengths, strict=True) for x, n in
         zip(f, [f.shape[1]] * len(f) if ends is None else ends.tolist(), strict=True)]
    ).double()  # fmt: skip
    # Of a single token there is none.
    deviation, wire = tokens.std(0, correction=0).numpy(), network.layers[0].inp
    unit = np.ldexp(1.0, -wire.frac)
    coarse = np.flatnonzero((deviation > 0) & (unit > deviation / _FINE))
    if len(coarse):
        i = coarse[0]
        more = f" (and {len(coarse) - 1} others)" if len(coarse) > 1 else ""
        note(
            f"coarse: input {i}{more} moves by {deviation[i]:.3g} around "
            f"{tokens[:, i].mean():.6g}, in steps of {unit[i]:.3g}: {wire.bits} bits "
            "hold both; take a constant off it before it comes here"
        )


def _goes_on(stage: Stage, note: Callable[[str], None]) -> None:
    """Tell that a stage was begun by an earlier call, which a stranger may not know."""
    if 0 < stage.step < stage.steps and not stage.stopped:
        note(f"{stage.name}: goes on from step {stage.step} of {stage.steps}")


def _say_nothing(text: str) -> None:
    pass


def _outcome(stage: Stage) -> str:
    """Figures of what a stage hands on, and where they are from if not its end."""
    text = _figures(stage.figures)
    if stage.stopped:
        text += f", stopped early at step {stage.step} of {stage.steps}"
    if stage.keeps_best and stage.best.step is not None:
        text += f", weights of step {stage.best.step}"
    return text


def _figures(values: dict[str, Any]) -> str:
    return "  ".join(f"{k} {v:.2f}" for k, v in values.items()) or "no figures"
