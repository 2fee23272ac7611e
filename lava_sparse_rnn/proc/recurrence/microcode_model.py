# SPDX-License-Identifier: BSD-3-Clause
"""The one program that counts time steps, and what the host tells it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.microcode import Timing
from lava_sparse_rnn.proc.neurons.microcode_model import Microcode


class MicrocodeRecurrence(Microcode):
    """A recurrence's program finds the steps with a token, and its resets, by itself.

    The host sets its clock where a sequence begins, and lets it rest when the last
    token of a sequence has gone: no program can know that.
    """

    x_re: NDArray
    x_im: NDArray

    def __init__(self, proc_params: Any = None) -> None:
        super().__init__(proc_params)
        self._begin()

    def program_timing(self) -> Timing:
        timing = self.schedule.timing
        return Timing(timing.depth, timing.period, timing.reset_interval or 0)

    def step(self, *received: NDArray) -> Sequence[NDArray]:
        if self.schedule.update(self.step_index):
            self._begin()
        return super().step(*received)

    def compute(self, *acc: NDArray) -> Sequence[NDArray]:
        if self.schedule.ended(self.step_index):
            return np.zeros_like(self.x_re), np.zeros_like(self.x_im)
        return super().compute(*acc)

    def _begin(self) -> None:
        """Let the first token of a segment come ``depth`` steps from now."""
        timing = self.schedule.timing
        if self.program_timing().clocked:
            self.interpreter.write("age", 0)
        if timing.reset_interval is not None:
            between, offset = (
                steps // timing.period
                for steps in (timing.reset_interval, timing.reset_offset)
            )
            # Counted up to `between` when the next reset is due.
            due = (offset - self.schedule.before) % between
            self.interpreter.write("seen", between - due)
