# SPDX-License-Identifier: BSD-3-Clause
"""The state-space block in lava-dl's conventions."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from lava_sparse_rnn.fixed_point import check_whole
from lava_sparse_rnn.nn.blocks._base import Block
from lava_sparse_rnn.nn.folded import FoldedBlock
from lava_sparse_rnn.nn.s5 import S5Block


class S5(Block):
    """`nn.S5Block` as one of lava-dl's blocks.

    Parameters
    ----------
    d_model, d_state : int
        Features, and real state size.
    input_frac, output_frac, count_log
        See `Block`.
    seed : int
        Of the initial weights.
    **options
        See `nn.S5Block`.
    """

    def __init__(
        self,
        d_model: int,
        d_state: int,
        *,
        input_frac: int | None = None,
        output_frac: int | None = None,
        count_log: bool = False,
        seed: int = 0,
        **options: Any,
    ) -> None:
        frac = {"input_frac": input_frac, "output_frac": output_frac}
        super().__init__(d_model, d_model, **frac, count_log=count_log)
        rng = np.random.default_rng(check_whole("seed", seed))
        self.real = S5Block(d_model, d_state, rng=rng, **options)
        self._nonlinearity = self.real.state_nonlinearity

    @property
    def state_nonlinearity(self) -> str:
        """Of the recurrence."""
        return self._nonlinearity

    def fold(self) -> FoldedBlock:
        """The block in float64: masks applied, batch norm folded."""
        return cast(S5Block, self.real).fold()
