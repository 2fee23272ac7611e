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
from scipy import sparse

from lava_sparse_rnn.fixed_point import Arithmetic, OverflowCounters
from lava_sparse_rnn.spec._network import Network, check_network
from lava_sparse_rnn.spec.groups import (
    AffineGroup,
    GateGroup,
    ReadoutGroup,
    RecurrenceGroup,
)
from lava_sparse_rnn.spec.layers import Affine, Recipe, S5Block
from lava_sparse_rnn.spec.stream import (
    HoldsNothing,
    Progress,
    State,
    check_state,
    check_token,
    check_tokens,
    in_pieces,
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
    return Reference(network, counters=counters).run(x, trace=trace)


class Reference(HoldsNothing):
    """A network with its state, for sequences that come in pieces: a `spec.Stream`.

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
        self.network = check_network(network, "reference")
        if arithmetic is None:
            arithmetic = network.recipe.arithmetic()
            if counters is not None:
                arithmetic.counters = counters
        self.arithmetic = arithmetic
        self.layers = [
            EXECUTORS[layer.type](layer, network.recipe, arithmetic, f"layer{i}_")
            for i, layer in enumerate(network.layers)
        ]

        self._real = arithmetic.dtype is np.float64

    def run(
        self,
        x: ArrayLike,
        progress: Progress | None = None,
        trace: Trace | None = None,
    ) -> NDArray:
        """Answers to the next tokens, shape (T, d_in) -> (T, d_out).

        With a ``trace`` (see `run`) they are computed in one piece.
        """
        x = check_tokens(self.network, x, real=self._real)
        if trace is None:
            return in_pieces(self._run, x, progress)
        return self._run(x, trace.__setitem__)

    def _run(self, values: NDArray, record: Record | None = None) -> NDArray:
        for layer in self.layers:
            values = layer.run(values, record or ignore)
        return values

    def step(self, u: ArrayLike) -> NDArray:
        """The answer to the next token, shape (d_in,) -> (d_out,)."""
        value = check_token(self.network, u, real=self._real)
        for layer in self.layers:
            value = layer.step(value)
        return value

    def reset(self) -> None:
        """Set every state to zero."""
        for layer in self.layers:
            layer.reset()

    @property
    def state(self) -> list[tuple[NDArray, NDArray]]:
        """Real and imaginary part of every block's state, copied; can be assigned."""
        return [(re.copy(), im.copy()) for re, im in (b.x for b in self._blocks)]

    @state.setter
    def state(self, parts: State) -> None:
        self.place(check_state(self.network, parts, real=self._real))

    def place(self, parts: State) -> None:
        """Go on from a state that nobody checks: numpy has room for any."""
        for block, (re, im) in zip(self._blocks, parts, strict=True):
            block.x = (np.array(re), np.array(im))

    @property
    def _blocks(self) -> list[S5Executor]:
        return [layer for layer in self.layers if isinstance(layer, S5Executor)]

    @property
    def counters(self) -> OverflowCounters:
        """What did not fit since the stream was made, by tensor."""
        return OverflowCounters(self.arithmetic.counters)


def ignore(name: str, value: NDArray) -> None:
    """A record that keeps nothing."""


def product(W: Any, u: NDArray) -> NDArray:
    """Sparse ``W u`` for one token, shape (n,), or each of many, shape (T, n)."""
    return W @ u if u.ndim == 1 else (W @ u.T).T


class AffineExecutor:
    """``out = shift(W u + bias, k)``."""

    def __init__(
        self, layer: Affine, recipe: Recipe, arithmetic: Arithmetic, prefix: str
    ) -> None:
        self.group = AffineGroup.of(layer, recipe)
        self.W = layer.weights.matrix.astype(arithmetic.dtype)
        self.arithmetic, self.prefix = arithmetic, prefix

    def step(self, u: NDArray) -> NDArray:
        """The answer to one token, shape (d_in,) -> (d_out,)."""
        return self.group.step(product(self.W, u), self.arithmetic, self.prefix)

    def run(self, u: NDArray, record: Record) -> NDArray:
        """Answers to tokens, shape (T, d_in) -> (T, d_out)."""
        out = self.step(u)
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
        # One product for both parts of the state: B below B, C beside C.
        m = {n: w.matrix.astype(arithmetic.dtype) for n, w in block.matrices.items()}
        self.B = sparse.vstack([m["B_re"], m["B_im"]], format="csr")
        self.C = sparse.hstack([m["C_re"], m["C_imn"]], format="csr")
        self.W = m["W"]
        self.D = block.D.values.astype(arithmetic.dtype)
        self.arithmetic, self.prefix = arithmetic, prefix
        self.reset()

    def reset(self) -> None:
        zero = np.zeros(len(self.recurrence.a_re), dtype=self.arithmetic.dtype)
        self.x = (zero, zero.copy())

    def step(self, u: NDArray) -> NDArray:
        """The answer to one token, shape (d_model,) -> (d_model,)."""
        self.x = self.recurrence.advance(
            self.x, self._drive(u), self.arithmetic, self.prefix
        )
        return self.finish(u, self.read(u, self.x, ignore), ignore)

    def run(self, u: NDArray, record: Record) -> NDArray:
        """Answers to tokens, shape (T, d_model) -> (T, d_model)."""
        drive = self._drive(u)
        x_re, x_im = np.empty_like(drive[0]), np.empty_like(drive[1])
        for t, drive_t in enumerate(zip(*drive, strict=True)):
            self.x = self.recurrence.advance(
                self.x, drive_t, self.arithmetic, self.prefix
            )
            x_re[t], x_im[t] = self.x
        record(self.prefix + "x_re", x_re)
        record(self.prefix + "x_im", x_im)
        return self.finish(u, self.read(u, (x_re, x_im), record), record)

    def _drive(self, u: NDArray) -> tuple[NDArray, NDArray]:
        acc = product(self.B, u)
        n = len(self.recurrence.a_re)
        return self.recurrence.drive(acc[..., :n], acc[..., n:], self.arithmetic)

    def read(self, u: NDArray, x: tuple[NDArray, NDArray], record: Record) -> NDArray:
        """``z`` of the states ``x`` and the inputs ``u``, shape (..., d_model)."""
        s_re, s_im = self.recurrence.emit(x, self.arithmetic, self.prefix)
        acc_C = product(self.C, np.concatenate((s_re, s_im), axis=-1))
        z = self.readout.step(acc_C, self.D * u, self.arithmetic, self.prefix)
        for name, value in (("s_re", s_re), ("s_im", s_im), ("z", z)):
            record(self.prefix + name, value)
        return z

    def finish(self, u: NDArray, z: NDArray, record: Record) -> NDArray:
        """The block's output of ``z`` and the inputs ``u``, shape (..., d_model)."""
        ar, prefix = self.arithmetic, self.prefix
        g = self.gate.argument(product(self.W, z), ar, prefix)
        out = self.gate.combine(z, g, u, ar, prefix)
        record(prefix + "g", g)
        record(prefix + "out", out)
        return out


EXECUTORS: dict[str, Callable[..., Any]] = {
    Affine.type: AffineExecutor,
    S5Block.type: S5Executor,
}
