# SPDX-License-Identifier: BSD-3-Clause
"""Sequences in arrays with labels or targets: the door for data of one's own."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ValidationError
from torch import Tensor

from lava_sparse_rnn import messages
from lava_sparse_rnn.fixed_point import brief
from lava_sparse_rnn.nn.folded import FoldedAffine, FoldedNetwork
from lava_sparse_rnn.nn.heads import HEADS
from lava_sparse_rnn.tasks._losses import LOSSES
from lava_sparse_rnn.tasks._sequences import IGNORED, Parts, Sequences, read_sequences
from lava_sparse_rnn.tasks._settings import ArraysConfig
from lava_sparse_rnn.tasks._settings import SequenceConfig as SequenceConfig
from lava_sparse_rnn.train.distributed import Group
from lava_sparse_rnn.train.sections import FREE
from lava_sparse_rnn.train.tasks import (
    Batch,
    Batches,
    Evaluation,
    Model,
    RawBatch,
    Task,
    task_name,
)

# The split into training and validation is the same in every run, whatever its seed.
_SPLIT = 20260101

# Apart from the random numbers of the order.
_VARY = 1

# A report runs six variants in float64; a few sequences show what costs what.
_PROBES = 64

# Classes of which every pair is counted: the square of it are kept.
_TABLE = 1 << 12


class Arrays(Task):
    """A network that answers every token, or every sequence, of given arrays.

    A task whose material becomes arrays is a subclass of a few lines: `Settings` and
    `read`; see `tasks.watch`.

    Parameters
    ----------
    x : array_like, shape (N, T, d_in)
        Sequences; what is behind the end of a shorter one is ignored.
    y : array_like
        Labels (integers) or targets (real): (N,) and (N, d_out) of whole sequences,
        (N, T) and (N, T, d_out) with the head 'sequence'.
    lengths : array_like of int, shape (N,), optional
        Tokens of each sequence; all T if not given.
    validation : tuple, optional
        ``(x, y)`` or ``(x, y, lengths)`` kept apart; else a share of the above is.
    **settings
        Fields of `ArraysConfig`: `head`, `loss`, `batch`, `normalise`, `token_s`, and
        the share `validation` by the name ``share``.

    Raises
    ------
    ValueError
        For shapes or values that do not fit each other.
    """

    Settings: ClassVar[type[BaseModel]] = ArraysConfig
    metric: ClassVar[str] = ""

    classes: tuple[str, ...] = ()
    """Names of the labels, if they have any."""

    def __init__(
        self,
        x: ArrayLike,
        y: ArrayLike,
        lengths: ArrayLike | None = None,
        validation: tuple[ArrayLike, ...] | None = None,
        **settings: Any,
    ) -> None:
        if "share" in settings:
            settings["validation"] = settings.pop("share")
        try:
            chosen = ArraysConfig(**settings)
        except ValidationError as error:
            known = partial(messages.names_at, ArraysConfig)
            text = messages.fields(error.errors(), "settings", known=known)
            raise ValueError(text) from None
        given = Sequences.of(x, y, lengths, chosen.head, chosen.loss)
        apart = None
        if validation is not None:
            if not isinstance(validation, tuple | list) or len(validation) not in (
                2,
                3,
            ):
                raise ValueError(
                    f"validation is {brief(validation)}; expected (x, y) or (x, y, "
                    "lengths); a share to keep apart is called share"
                )
            apart = Sequences.of(
                *validation, head=chosen.head, loss=given.loss, suffix="_validation"
            )
        self._prepare(chosen, Parts(given, apart))

    def _prepare(self, settings: Any, parts: Parts) -> None:
        self.settings = settings
        self.token_s = getattr(settings, "token_s", type(self).token_s)
        given, apart, self._test = parts
        if given is None:
            raise ValueError(
                f"data.path: {settings.path}: there is no array x; what is there is "
                "enough to score a network, not to train one"
            )
        if apart is None:
            given, apart = given.split(settings.validation, _SPLIT)
        for part, other in (("validation", apart), ("the test", self._test)):
            if other is not None:
                given.check_partner(other, part)
        self.loss_of = LOSSES[given.loss]
        self.metric = self.loss_of.metric  # type: ignore[misc]  # of this loss
        self.figures = (self.loss_of.figure,)
        self.d_in = given.x.shape[-1]
        self.d_out = max(given.d_out, apart.d_out)
        self._mean = np.zeros(self.d_in, np.float32)
        self._scale = np.ones(self.d_in, np.float32)
        if settings.normalise:
            self._mean, self._scale = given.statistics()
        # What is behind an end should look like anything else to a batch norm.
        self._train, self._validation = (p.padded(self._mean) for p in (given, apart))
        self._test = self._test and self._test.padded(self._mean)

    @classmethod
    def read(cls, settings: Any) -> Parts:
        """Sequences to train on, to validate on and to test on.

        Parameters
        ----------
        settings : Settings

        Raises
        ------
        ValueError
            If what ``data.path`` names is missing or does not fit.
        """
        return read_sequences(settings.path, settings.head, settings.loss)

    @classmethod
    def open(
        cls, settings: Any, seed: int, state: dict[str, Any] | None = None
    ) -> Arrays:
        """See `Task`; reads ``data.path``.

        Raises
        ------
        ValueError
            If the file is missing or does not fit.
        """
        if settings.path is None:
            wanted = cls.Settings.model_fields["path"].description
            raise ValueError(f"data.path is missing: {wanted or 'what the task reads'}")
        task = cls.__new__(cls)
        task._prepare(settings, cls.read(settings))
        return task

    @classmethod
    def open_to_score(
        cls, settings: Any, split: str, d_out: int, meta: Mapping[str, Any]
    ) -> Arrays:
        """See `Task`: what the network answers counts, whatever labels there are.

        Raises
        ------
        ValueError
            As `open`, or if there is nothing to score.
        """
        # Integers that a network was trained to come near are no labels.
        if getattr(settings, "loss", "") is None and meta.get("loss") in list(LOSSES):
            settings = settings.model_copy(update={"loss": meta["loss"]})
        parts = cls.read(settings)
        if parts.train is None:
            there = parts.validation or (parts.test if split == "test" else None)
            if there is None:
                raise ValueError(
                    f"data.path: {settings.path} has neither x nor x_validation; of "
                    "what it holds the split is test"
                )
            parts = Parts(there, there, parts.test)
        task = cls.__new__(cls)
        task._prepare(settings, parts)
        if task._train.loss == "cross_entropy":
            task.d_out = d_out
        names = meta.get("classes")
        if isinstance(names, list) and names:
            task.classes = tuple(map(str, names))
        return task

    def vary(self, batch: RawBatch, rng: np.random.Generator) -> RawBatch:
        """A batch of the training as it is seen this time; by default as it is."""
        return batch

    def check(self, state: dict[str, Any]) -> None:
        """See `Task`: refuses other arrays."""
        if state.get("arrays") != self.state()["arrays"]:
            raise ValueError(
                "the training that this one goes on from had other arrays; choose "
                "another name for a new training"
            )

    def batches(self, seed: int, start: int, group: Group) -> Batches:
        """See `Task`: x, y and lengths; every sequence once before any comes again."""
        size = self.settings.batch
        group.check_shares("data.batch", size)
        if size == 1 and self._train.lengths.min() == 1:
            raise ValueError(
                "data.batch is 1, and there are sequences of 1 token; the batch norms "
                "of a training need at least 2 tokens a step"
            )
        count, step, orders = len(self._train), start, {}
        while True:
            places = np.arange(step * size, (step + 1) * size)
            rounds = {int(r) for r in places // count}
            orders = {r: orders.get(r, _order(seed, r, count)) for r in rounds}
            rows = [orders[p // count][p % count] for p in places.tolist()]
            batch = self._train.take(np.array(rows))
            varied = self.vary(batch, np.random.default_rng([seed, step, _VARY]))
            yield group.rows(varied)
            step += 1

    def loss(self, model: Model, batch: Batch) -> Tensor:
        """See `Task`."""
        return self.loss_of.value(self._answers(model, batch), batch[1])

    def validate(self, model: Model) -> dict[str, float]:
        """See `Task`: accuracy, or explained variance, in %."""
        count, size = len(self._validation), self._at_once
        rows = (np.arange(i, min(i + size, count)) for i in range(0, count, size))
        return self._figures(*self._answers_to(model, rows, trim=False))

    def evaluate(self, model: Model) -> Evaluation:
        """See `Task`: with the confusion of classes, if there are any, not too many."""
        part, classes = self._validation, self._validation.loss == "cross_entropy"
        if classes and part.d_out > self.d_out:
            raise ValueError(
                f"the {self.part} has the label {part.d_out - 1}, the network "
                f"{self.d_out} outputs; labels count from 0 and must be below that"
            )
        # What a network of integers counts on its way should be of real tokens.
        found, wanted = self._answers_to(model, part.alike(self._at_once))
        table = None
        if classes and self.d_out <= _TABLE:
            known = wanted != IGNORED
            pairs = (wanted[known].numpy(), found.argmax(-1)[known].numpy())
            table = np.zeros((self.d_out, self.d_out), np.int64)
            np.add.at(table, pairs, 1)
        figures = self._figures(found, wanted)
        names = self.classes if len(self.classes) >= self.d_out else ()
        return Evaluation(figures, len(part), table, names)

    def validation_sequences(self) -> list[np.ndarray]:
        """See `Task`: all that it validates on."""
        part = self._validation
        all_of_it = tuple(map(torch.from_numpy, (part.x, part.y, part.lengths)))
        return [tokens.numpy() for tokens in self.sequences(all_of_it)]

    @property
    def _at_once(self) -> int:
        return max(self.settings.batch, 64)

    def _answers_to(
        self, model: Model, groups: Iterable[NDArray[np.intp]], trim: bool = True
    ) -> tuple[Tensor, Tensor]:
        """To rows of what it validates on, and what they should be, one by one."""
        found, wanted = [], []
        for rows in groups:
            taken = self._validation.take(rows, trim)
            part = tuple(torch.from_numpy(a) for a in taken)
            answers = self._answers(model, part)
            wanted.append(part[1].flatten(0, answers.ndim - 2))
            found.append(answers.flatten(0, -2))
        return torch.cat(found), torch.cat(wanted)

    def _figures(self, found: Tensor, wanted: Tensor) -> dict[str, float]:
        return {self.loss_of.figure: float(self.loss_of.score(found, wanted))}

    def features(self, batch: Batch) -> Tensor:
        """See `Task`."""
        mean, scale = torch.from_numpy(self._mean), torch.from_numpy(self._scale)
        return (batch[0] - mean) * scale

    def probes(self) -> list[Batch]:
        """See `Task`."""
        rows = np.arange(min(_PROBES, len(self._validation)))
        return [tuple(torch.from_numpy(a) for a in self._validation.take(rows))]

    def lengths(self, batch: Batch) -> Tensor:
        """See `Task`."""
        return batch[2]

    def score(self, answers: Tensor, batch: Batch) -> float:
        """See `Task`."""
        pooled = self._pooled(answers.transpose(0, 1), batch[2])
        return float(self.loss_of.score(pooled, batch[1]))

    def state(self) -> dict[str, Any]:
        """See `Task`: a mark of the arrays, to know them again."""
        digest = hashlib.sha256()
        for part in (self._train, self._validation):
            for array in (part.x, part.y, part.lengths):
                digest.update(f"{array.dtype}{array.shape}".encode() + array.tobytes())
        return {"arrays": digest.hexdigest()}

    def meta(self) -> dict[str, Any]:
        """See `Task`."""
        kept = {
            name
            for name, field in type(self.settings).model_fields.items()
            if name != "path" and field.json_schema_extra is not FREE
        }
        found = {
            "task": task_name(type(self)),
            "head": self.settings.head,
            "loss": self._train.loss,
            "settings": self.settings.model_dump(mode="json", include=kept),
        }
        if self.token_s is not None:
            found["token_s"] = self.token_s
        return found | ({"classes": list(self.classes)} if self.classes else {})

    def test(self) -> Arrays:
        """See `Task`."""
        if self._test is None:
            return self
        task = copy.copy(self)
        task._validation, task.part = self._test, "test"
        return task

    def finish(
        self,
        folded: FoldedNetwork,
        model: Model,
        seed: int,
        count: int,
        note: Callable[[str], None],
    ) -> FoldedNetwork:
        """See `Task`: the encoder takes the arrays as they are.

        ``W ((x - m) * s) + b = (W * s) x + (b - W (m * s))``.
        """
        encoder, *layers = folded.layers
        if not isinstance(encoder, FoldedAffine):
            raise TypeError(f"the first layer is {type(encoder).__name__}, no encoder")
        mean, scale = (
            torch.from_numpy(a).to(encoder.weights) for a in (self._mean, self._scale)
        )
        encoder = replace(
            encoder,
            weights=encoder.weights * scale,
            bias=encoder.bias - encoder.weights @ (mean * scale),
        )
        return replace(folded, layers=(encoder, *layers))

    def deployed(self) -> Arrays:
        """See `Task`: without the normalisation, which is in the encoder."""
        task = copy.copy(self)
        task._mean, task._scale = np.zeros_like(self._mean), np.ones_like(self._scale)
        return task

    def _answers(self, model: Model, batch: Batch) -> Tensor:
        x = self.features(batch).transpose(0, 1).contiguous()
        return self._pooled(model(x).float(), batch[2])

    def _pooled(self, answers: Tensor, lengths: Tensor) -> Tensor:
        """Of (T, batch, d_out) what is asked for, batch first."""
        pooled = HEADS[self.settings.head](answers, lengths)
        return pooled.transpose(0, 1) if self.settings.head == "sequence" else pooled


def _order(seed: int, turn: int, count: int) -> NDArray[np.intp]:
    return np.random.default_rng([seed, turn]).permutation(count)
