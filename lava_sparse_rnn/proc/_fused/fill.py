# SPDX-License-Identifier: BSD-3-Clause
"""What a pipeline sends before its first token comes out.

Give every time step of a network's input a token number: token ``j`` arrives at step
``j``, so that negative ones never arrive. A group at depth ``k`` works on token ``j``
in step ``j + k``; where that step is before the first one, the connections that
follow it hold zeros. All paths from the input to a group are equally long, so a
fill token passes through a network like a real one, with two exceptions: recurrences
rest at zero, and what would have been sent before the first step is zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.spec import Affine, Network, S5Block
from lava_sparse_rnn.spec.reference import (
    AffineExecutor,
    Reference,
    S5Executor,
    ignore,
)


class Fill:
    """Answers to fill tokens.

    Parameters
    ----------
    network : Network
    arithmetic : Arithmetic
        One of its own: what it counts is no overflow of a real token.
    """

    def __init__(self, network: Network, arithmetic: Any) -> None:
        self._executor = Reference(network, arithmetic)

    def run(self, u: NDArray, token: NDArray) -> NDArray:
        """Answers, shape (T, d_out), to fill tokens.

        Parameters
        ----------
        u : array, shape (T, d_in)
            What was received; zeros for negative tokens.
        token : array of int, shape (T,)
        """
        step, values = token, u.astype(self._executor.arithmetic.dtype)
        for layer, executor in zip(
            self._executor.network.layers, self._executor.layers, strict=True
        ):
            values = FILLS[layer.type](executor, values, step)
            step = step + layer.latency
        return values


def _sent(values: NDArray, step: NDArray) -> NDArray:
    """Zeros where ``step`` is before the first one."""
    return values * (step >= 0)[:, None]


def _affine(executor: AffineExecutor, u: NDArray, step: NDArray) -> NDArray:
    return _sent(executor.step(u), step + 1)


def _s5(executor: S5Executor, u: NDArray, step: NDArray) -> NDArray:
    x = np.zeros((len(u), len(executor.recurrence.a_re)), dtype=u.dtype)
    z = _sent(executor.read(u, (x, x), ignore), step + 2)
    return _sent(executor.finish(u, z, ignore), step + 3)


FILLS: dict[str, Callable[[Any, NDArray, NDArray], NDArray]] = {
    Affine.type: _affine,
    S5Block.type: _s5,
}
