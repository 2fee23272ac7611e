# SPDX-License-Identifier: BSD-3-Clause
"""A penalty on activations that are not zero: each costs a message and its synapses.

`ActivityPenalty` listens to the blocks of a model while they run and adds up what
their wires cost, ready to be added to a loss::

    penalty = ActivityPenalty("hoyer")
    with penalty.listen(model):
        loss = task(model(x)) + 0.01 * penalty.value()
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from lava_sparse_rnn.fixed_point import choose


def l1(x: Tensor) -> Tensor:
    """Mean magnitude. Smaller weights before a wire lower it as well as zeros do."""
    return x.abs().float().mean()


def hoyer(x: Tensor) -> Tensor:
    """Hoyer-square over the number of values: ``(sum |x|)^2 / (n sum x^2)``.

    Between 1 / n and 1, and the density where all values that are not zero are equal;
    the scale of `x` does not matter (Yang et al., arXiv 1908.09979).
    """
    x = x.float()
    square = x.square().sum()
    # A silent wire costs nothing and has no direction to go.
    return x.abs().sum().square() / (x.numel() * square.clamp_min(1e-12))


WIRES = ("s", "z", "out")
PENALTIES: dict[str, Callable[[Tensor], Tensor]] = {"l1": l1, "hoyer": hoyer}
"""Penalties of one wire by the name used in configurations."""


@dataclass
class ActivityPenalty:
    """Mean penalty of the wires of every block.

    Parameters
    ----------
    kind : str
        Name in `PENALTIES`.
    wires : tuple of str
        Of each block: 's' (gated states), 'z' (before the gate), 'out'.

    Raises
    ------
    ValueError
        If a name is unknown.
    """

    kind: str = "hoyer"
    wires: tuple[str, ...] = WIRES
    _found: list[Tensor] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        choose("kind", self.kind, PENALTIES)
        for wire in self.wires:
            choose("wire", wire, WIRES)

    @contextmanager
    def listen(self, model: nn.Module) -> Iterator[None]:
        """Take note of the wires of all blocks of `model` that have an observer."""
        self._found.clear()
        blocks = [m for m in model.modules() if hasattr(m, "observer")]
        for block in blocks:
            block.observer = self._observe  # type: ignore[assignment]
        try:
            yield
        finally:
            for block in blocks:
                block.observer = None  # type: ignore[assignment]

    def _observe(self, name: str, value: Tensor) -> None:
        if name in self.wires:
            self._found.append(PENALTIES[self.kind](value))

    def value(self) -> Tensor:
        """Mean over all wires heard since `listen` began; 0 if there were none."""
        if not self._found:
            return torch.zeros(())
        return torch.stack(self._found).mean()
