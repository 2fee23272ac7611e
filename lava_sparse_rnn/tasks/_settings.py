# SPDX-License-Identifier: BSD-3-Clause
"""Settings of tasks that ask something of sequences."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lava_sparse_rnn.train.sections import FREE, FilePath, Section


class SequenceConfig(Section):
    """What is asked of sequences, whatever they are."""

    head: Literal["sequence", "mean", "last"] = Field(
        default="sequence", description="an answer a token, or one a sequence"
    )
    loss: Literal["cross_entropy", "mse"] | None = Field(
        default=None, description="cross_entropy for integers, mse for real targets"
    )
    batch: int = Field(default=32, ge=1, description="sequences of a step")
    normalise: bool = Field(
        default=True,
        description="train on inputs of mean 0 and deviation 1; the network that is "
        "written takes the arrays as they are",
    )


class ArraysConfig(SequenceConfig):
    """Sequences and what is asked of them."""

    path: FilePath | None = Field(
        default=None,
        description="an .npz with x (N, T, d_in) and y, perhaps lengths (N,); "
        "x_validation, y_validation, lengths_validation are what is validated on, "
        "x_test, ... what `evaluate` scores, which needs nothing else",
        json_schema_extra=FREE,
    )
    validation: float = Field(
        default=0.2, gt=0, lt=1, description="share of the sequences that is kept apart"
    )
    token_s: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        description="seconds from one token to the next, if they come in time",
        json_schema_extra=FREE,
    )
