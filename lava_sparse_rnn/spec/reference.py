# SPDX-License-Identifier: BSD-3-Clause
"""The reference executor: a network's equations in numpy, nothing else.

It has no time steps: row ``t`` of the answer belongs to token ``t``. All other ways
to run a network are compared with this one, integer by integer.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.fixed_point import (
    Arithmetic,
    OverflowCounters,
    SpecError,
    frozen_ints,
)
from lava_sparse_rnn.spec._network import Affine, Network, Recipe, S5Block
from lava_sparse_rnn.spec.groups import (
    AffineGroup,
    GateGroup,
    ReadoutGroup,
    RecurrenceGroup,
)

Trace = MutableMapping[str, NDArray]
Record = Callable[[str, NDArray], Any]


def run(
    network: Network,
    x: ArrayLike,
    trace: Trace | None = None,
    counters: OverflowCounters | None = None,
) -> NDArray[np.int64]:
    """Run a network over a sequence of integer tokens, from a zero state.

    Parameters
    ----------
    network : Network
    x : array of int, shape (T, d_in)
        Payloads of the input wire.
    trace : dict, optional
        Filled with every wire, state and gate argument, each of shape (T, n), under
        ``layer<i>_<name>``.
    counters : OverflowCounters, optional
        Grows by what did not fit, under the same names.

    Returns
    -------
    array of int64, shape (T, d_out)
        Token ``t``'s answer in row ``t``.

    Raises
    ------
    SpecError
        When ``x`` has another width or values that do not fit the input wire.
    """
    executor = Reference(network, counters=counters)
    return executor.run(x, trace)


class Reference:
    """A network with its state, for sequences that come in pieces.

    Parameters
    ----------
    network : Network
    arithmetic : Arithmetic, optional
        `IntegerArithmetic` of the network's recipe by default; `RealArithmetic`
        computes the same equations without rounding and saturation.
    counters : OverflowCounters, optional
        Where the integer arithmetic counts.
    """

    def __init__(
        self,
        network: Network,
        arithmetic: Arithmetic | None = None,
        counters: OverflowCounters | None = None,
    ) -> None:
        self.network = network
        if arithmetic is None:
            arithmetic = network.recipe.arithmetic()
            if counters is not None:
                arithmetic.counters = counters
        self.arithmetic = arithmetic
        self.layers = [
            EXECUTORS[layer.type](layer, network.recipe, arithmetic, f"layer{i}_")
            for i, layer in enumerate(network.layers)
        ]

    def run(self, x: ArrayLike, trace: Trace | None = None) -> NDArray:
        """Answers to the tokens ``x``, shape (T, d_in) -> (T, d_out)."""
        values = check_input(self.network, x, self.arithmetic)
        record: Record = trace.__setitem__ if trace is not None else _ignore
        for layer in self.layers:
            values = layer.run(values, record)
        return values

    def reset(self) -> None:
        """Set every state to zero."""
        for layer in self.layers:
            layer.reset()

    @property
    def state(self) -> list[tuple[NDArray, NDArray]]:
        """Real and imaginary part of every block's state; can be assigned."""
        return [layer.x for layer in self.layers if isinstance(layer, S5Executor)]

    @state.setter
    def state(self, parts: list[tuple[NDArray, NDArray]]) -> None:
        blocks = [layer for layer in self.layers if isinstance(layer, S5Executor)]
        for block, (re, im) in zip(blocks, parts, strict=True):
            block.x = (np.array(re), np.array(im))


def check_input(network: Network, x: ArrayLike, arithmetic: Arithmetic) -> NDArray:
    """``x`` as the arithmetic's numbers, shape (T, d_in), or an error."""
    x = np.asarray(x)
    if x.ndim != 2 or x.shape[1] != network.d_in:
        raise SpecError(f"input: shape {x.shape}, must be (T, {network.d_in})")
    if arithmetic.dtype is np.float64:
        return x.astype(np.float64)
    x = frozen_ints(x, "input")
    fmt = network.layers[0].inp.format
    if x.size and (x.min() < fmt.lowest or x.max() > fmt.highest):
        t, j = (int(i) for i in np.argwhere((x < fmt.lowest) | (x > fmt.highest))[0])
        raise SpecError(
            f"input: token {t}, value {x[t, j]} at {j} does not fit the "
            f"{fmt.bits}-bit wire ({fmt.lowest}..{fmt.highest})"
        )
    return x


def _ignore(name: str, value: NDArray) -> None:
    pass


class AffineExecutor:
    """``out = shift(W u + bias, k)``."""

    def __init__(
        self, layer: Affine, recipe: Recipe, arithmetic: Arithmetic, prefix: str
    ) -> None:
        self.group = AffineGroup.of(layer, recipe)
        self.W = layer.weights.matrix.astype(arithmetic.dtype)
        self.arithmetic, self.prefix = arithmetic, prefix

    def run(self, u: NDArray, record: Record) -> NDArray:
        acc = (self.W @ u.T).T
        out = self.group.step(acc, self.arithmetic, self.prefix)
        record(self.prefix + "out", out)
        return out

    def reset(self) -> None:
        pass


class S5Executor:
    """Recurrence, readout, gate: the three groups of a block, one after another."""

    def __init__(
        self, block: S5Block, recipe: Recipe, arithmetic: Arithmetic, prefix: str
    ) -> None:
        self.recurrence = RecurrenceGroup.of(block, recipe)
        self.readout = ReadoutGroup.of(block, recipe)
        self.gate = GateGroup.of(block, recipe)
        for name, weights in block.matrices.items():
            setattr(self, name, weights.matrix.astype(arithmetic.dtype))
        self.D = block.D.values.astype(arithmetic.dtype)
        self.arithmetic, self.prefix = arithmetic, prefix
        self.reset()

    def reset(self) -> None:
        zero = np.zeros(len(self.recurrence.a_re), dtype=self.arithmetic.dtype)
        self.x = (zero, zero.copy())

    def run(self, u: NDArray, record: Record) -> NDArray:
        ar, prefix = self.arithmetic, self.prefix
        drive = self.recurrence.drive((self.B_re @ u.T).T, (self.B_im @ u.T).T, ar)
        x_re, x_im = np.empty_like(drive[0]), np.empty_like(drive[1])
        for t, drive_t in enumerate(zip(*drive, strict=True)):
            self.x = self.recurrence.advance(self.x, drive_t, ar, prefix)
            x_re[t], x_im[t] = self.x
        s_re, s_im = self.recurrence.emit((x_re, x_im), ar, prefix)
        acc_C = (self.C_re @ s_re.T + self.C_imn @ s_im.T).T
        z = self.readout.step(acc_C, self.D * u, ar, prefix)
        g = self.gate.argument((self.W @ z.T).T, ar, prefix)
        out = self.gate.combine(z, g, u, ar, prefix)
        values = {"x_re": x_re, "x_im": x_im, "s_re": s_re, "s_im": s_im}
        for name, value in (values | {"z": z, "g": g, "out": out}).items():
            record(prefix + name, value)
        return out


EXECUTORS: dict[str, Callable[..., Any]] = {
    Affine.type: AffineExecutor,
    S5Block.type: S5Executor,
}
