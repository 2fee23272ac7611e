# SPDX-License-Identifier: BSD-3-Clause
"""Denoising as a `Task`: noisy and clean waveforms, magnitudes in, gains out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from itertools import islice
from typing import Any, ClassVar

import torch
from torch import Tensor

from lava_sparse_rnn.audio.errors import AudioError
from lava_sparse_rnn.audio.frontend import FrontEnd
from lava_sparse_rnn.nn.quantize import FoldedNetwork
from lava_sparse_rnn.tasks.denoise import objective
from lava_sparse_rnn.tasks.denoise.config import DataConfig, lift
from lava_sparse_rnn.tasks.denoise.data import (
    SOURCES,
    SharedSource,
    Source,
    training_batches,
)
from lava_sparse_rnn.tasks.denoise.frontend import (
    analyse,
    analyse_features,
    features,
    front_of,
    measure,
)
from lava_sparse_rnn.tasks.denoise.losses import si_snr
from lava_sparse_rnn.tasks.denoise.translation import translation
from lava_sparse_rnn.train.distributed import Group
from lava_sparse_rnn.train.tasks import Batch, Batches, Model, Task

# Fresh batches on which mean and scale of the features are measured.
_MEASURED = 8

# Fresh batches that are made in one go, by as many processes.
_AT_ONCE = 8

# A report runs six variants in float64; a few mixtures show what costs what.
_PROBES = 8


class Denoise(Task):
    """Speech out of noise, one short-time spectrum a token.

    Parameters
    ----------
    settings : DataConfig
    source : Source
    front : FrontEnd
    """

    Settings = DataConfig
    metric: ClassVar[str] = (
        "improvement of SI-SNR in dB on a few validation mixtures (mean)"
    )

    def __init__(self, settings: DataConfig, source: Source, front: FrontEnd) -> None:
        self.settings, self.source, self.front = settings, source, front
        self.d_in, self.d_out = front.d_in, front.d_out
        self.token_s = front.hop_length / front.sample_rate
        self._validation = objective.Validation(source, front, settings.validation_snrs)
        self.figures = self._validation.names

    @classmethod
    def open(
        cls, settings: DataConfig, seed: int, state: dict[str, Any] | None = None
    ) -> Denoise:
        """See `Task`; without a state the front end's constants are measured."""
        given = settings.front_end
        before = None if state is None else front_of(state)
        try:
            front = given.build() if before is None else given.after(before)
        except AudioError as error:
            raise ValueError(f"data.front_end: {error}") from None
        settings.check_seconds(front)
        source = SOURCES[settings.source](settings, seed)
        if before is not None:
            return cls(settings, source, front)
        each = settings.model_copy(update={"fresh_every": 1, "long_share": 0.0})
        mixes = training_batches(source, each, seed)
        waves = [torch.from_numpy(next(mixes)[0]) for _ in range(_MEASURED)]
        mixes.close()
        return cls(settings, source, measure(front, waves))

    @classmethod
    def lift(cls, values: dict[str, Any]) -> dict[str, Any]:
        """See `Task`."""
        return lift(values)

    def batches(self, seed: int, start: int, group: Group) -> Batches:
        """See `Task`: noisy and clean waveforms (batch, samples)."""
        source = SOURCES[self.settings.source](self.settings, seed)
        if group.size > 1:
            source = SharedSource(source, self.settings, group)
        at_once = 0 if group.ahead else min(torch.get_num_threads(), _AT_ONCE)
        made = training_batches(source, self.settings, seed, start, at_once)
        try:
            yield from map(group.rows, made)
        finally:
            made.close()

    def calibration_batches(self, seed: int) -> Batches:
        """See `Task`; long sequences show how far slow states go."""
        settings = self.settings.model_copy(update={"long_share": 0.5})
        yield from training_batches(self.source, settings, seed)

    def loss(self, model: Model, batch: Batch) -> Tensor:
        """See `Task` and `objective.loss`."""
        given = self.settings
        weights = given.magnitude_loss, given.compressed_loss, given.gain_loss
        noisy, clean = batch
        return objective.loss(model, self.front, noisy, clean, *weights)

    def validate(self, model: Model) -> dict[str, float]:
        """See `Task`: improvements of SI-SNR, in dB."""
        return self._validation(model)

    def features(self, batch: Batch) -> Tensor:
        """See `Task`."""
        magnitude = analyse(self.front, batch[0]).abs()
        return features(self.front, magnitude).transpose(0, 1)

    def probes(self) -> list[Batch]:
        """See `Task`: the first few validation mixtures of every ratio."""
        mixes = (self.source.validation(r) for r in self.settings.validation_snrs)
        return [tuple(torch.from_numpy(x[:_PROBES]) for x in mix) for mix in mixes]

    def probe_features(self, batch: Batch) -> Tensor:
        """See `Task`; sequence by sequence, as validation does."""
        return analyse_features(self.front, batch[0])[1].transpose(0, 1)

    def score(self, answers: Tensor, batch: Batch) -> float:
        """See `Task`."""
        noisy, clean = batch

        def answered(_: Tensor) -> Tensor:
            return answers.transpose(0, 1)

        wave, clean = objective.estimate(answered, self.front, noisy, clean)
        noisy = noisy[:, : wave.shape[1]]
        return float((si_snr(wave, clean) - si_snr(noisy, clean)).mean())

    def state(self) -> dict[str, Any]:
        """See `Task`."""
        return {"front_end": asdict(self.front)}

    @classmethod
    def state_of(cls, meta: Mapping[str, Any]) -> dict[str, Any]:
        """See `Task`."""
        return {"front_end": asdict(FrontEnd.from_metadata(meta))}

    def meta(self) -> dict[str, Any]:
        """See `Task`."""
        return self.front.metadata()

    def silence(self) -> Tensor:
        """See `Task`: the features of digital silence."""
        return features(self.front, torch.zeros(1, 1, self.front.bins))[0, 0]

    def stretch(self, state: dict[str, Any]) -> float:
        """See `Task`: the ratio of the hops."""
        return self.front.hop_length / front_of(state).hop_length

    def translation(self, state: dict[str, Any]) -> tuple[Tensor, Tensor] | None:
        """See `Task`: from bins to bands, or back; contrasts come and go."""
        return translation(self.front, front_of(state))

    def finish(
        self,
        folded: FoldedNetwork,
        model: Model,
        seed: int,
        count: int,
        note: Callable[[str], None],
    ) -> FoldedNetwork:
        """See `Task`: SI-SNR has left the level open, which is set here."""
        more = self.settings.oversubtraction
        batches = training_batches(self.source, self.settings, seed)
        batch = islice(batches, count)
        level = objective.output_level(model, self.front, batch, more)
        batches.close()
        if more != 1:
            note(f"what is taken away is multiplied by {more:.4g}")
        note(f"level: gains are multiplied by {level:.4g}")
        return objective.at_level(folded, level, more)
