# SPDX-License-Identifier: BSD-3-Clause
"""What every group of neurons is to those who connect it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import Shift
from lava_sparse_rnn.spec._tensors import Part

Held = tuple[NDArray, ...]
"""The states of a group, shape (n,) each."""


class _Shifts(dict[str, Shift]):
    """The shifts of a group, each prepared when it is first used."""

    def __init__(self, group: Group) -> None:
        self.group = group

    def __missing__(self, name: str) -> Shift:
        self[name] = made = Shift(getattr(self.group, name))
        return made


class Group(Part):
    """Neurons that run one equation, seen by who connects them.

    Attributes
    ----------
    kind : str
    accumulators : tuple of str
        What synapses add up for each neuron, in the order in which `answer` takes it.
    outputs : tuple of str
        What a neuron sends: a wire each.
    states : tuple of str
        What it keeps from one token to the next. A group that has some rests in steps
        without a token and sends zeros.
    tensors : tuple of str
        All values that `answer` gives; what does not fit is counted by these names.
    bits : int
        Width of the wires.
    state_bits : int
        Width of the states, where there are some.
    """

    kind: ClassVar[str]
    accumulators: ClassVar[tuple[str, ...]] = ("W",)
    outputs: ClassVar[tuple[str, ...]] = ("out",)
    states: ClassVar[tuple[str, ...]] = ()
    tensors: ClassVar[tuple[str, ...]] = ("out",)

    bias: NDArray[np.int64]
    bits: int
    state_bits: int

    @property
    def size(self) -> int:
        """Number of neurons, n."""
        return len(self.bias)

    @cached_property
    def by(self) -> dict[str, Shift]:
        """Shifts by the names of their fields, prepared."""
        return _Shifts(self)

    def answer(
        self, acc: Sequence[NDArray], state: Held, arithmetic: Any, prefix: str = ""
    ) -> tuple[dict[str, NDArray], Held]:
        """Values of `tensors` for tokens one after another, and the state after them.

        Parameters
        ----------
        acc : sequence of array, shape (T, n) each, or (n,) for one token
            One for each of `accumulators`.
        state : tuple of array, shape (n,) each
            Before the first token: one for each of `states`.
        arithmetic : Arithmetic
        prefix : str
            Of the names under which is counted.
        """
        raise NotImplementedError
