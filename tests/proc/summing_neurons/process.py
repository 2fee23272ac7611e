# SPDX-License-Identifier: BSD-3-Clause
"""Neurons that add up what arrives."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lava_sparse_rnn.proc.neurons.process import NeuronGroup
from lava_sparse_rnn.spec._group import Group


@dataclass(frozen=True, eq=False)
class SummingGroup(Group):
    kind: ClassVar[str] = "summing"
    states: ClassVar[tuple[str, ...]] = ("total",)

    bias: np.ndarray
    bits: int = 16
    state_bits: int = 24

    def answer(self, acc, state, arithmetic, prefix=""):
        total = state[0] + acc[0] + self.bias
        return {"out": total}, (total,)


class Summing(NeuronGroup):
    group_type = SummingGroup
    inputs: ClassVar[dict[str, str]] = {"W": "a_in"}
