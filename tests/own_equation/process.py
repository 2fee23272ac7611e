# SPDX-License-Identifier: BSD-3-Clause
"""Neurons that send magnitudes: the group and its Process."""

from dataclasses import dataclass
from typing import ClassVar

from lava_sparse_rnn.proc.neurons import NeuronGroup
from lava_sparse_rnn.spec.groups import Group, fit


@dataclass(frozen=True, eq=False)
class MagnitudeGroup(Group):
    """``out = saturate(|shift(W + bias, k)|)``."""

    kind: ClassVar = "magnitude"

    bias: object
    k: object
    bits: int

    def answer(self, acc, state, arithmetic, prefix=""):
        value = abs(arithmetic.shift(acc[0] + self.bias, self.by["k"]))
        return {"out": fit(value, self.bits, arithmetic, prefix + "out")}, ()


class Magnitude(NeuronGroup):
    """The group as a Process."""

    group_type: ClassVar = MagnitudeGroup
    inputs: ClassVar = {"W": "a_in"}
