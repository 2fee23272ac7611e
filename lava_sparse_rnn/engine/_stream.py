# SPDX-License-Identifier: BSD-3-Clause
"""One token after another."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.engine._extension import EXTENSION
from lava_sparse_rnn.engine._prepare import prepare
from lava_sparse_rnn.fixed_point import OverflowCounters
from lava_sparse_rnn.spec import Network
from lava_sparse_rnn.spec.stream import (
    Progress,
    State,
    StreamDefaults,
    check_state,
    check_token,
    check_tokens,
    in_pieces,
)

# The compiled methods are inherited, not wrapped: a Python call would be felt.
_Base: Any = object if EXTENSION is None else EXTENSION.Stream


class Stream(StreamDefaults, _Base):
    """A network and its state, for tokens that come one by one or in pieces.

    A `spec.Stream`. Its compiled methods are

    - ``step(u)``: the answer to one token, shape (d_in,) -> (d_out,);
    - ``process(chunk)``: the answers to tokens, shape (T, d_in) -> (T, d_out), with
      other threads running meanwhile; `run` is the same, and can report progress;
    - ``reset()``: sets every state to zero.

    They take arrays of integers, give int64, and raise a `SpecError`, with the state
    as it was, where a value does not fit the input wire.

    Parameters
    ----------
    network : Network
    kernel : str, optional
        One of `engine.available`; the fastest one by default.
    layout : {"sparse", "dense"}, optional
        How vector kernels keep the matrices; by default each as it is faster.

    Raises
    ------
    SpecError
        As for `Engine`.
    """

    def __init__(
        self, network: Network, kernel: str | None = None, layout: str | None = None
    ) -> None:
        self._prepared = prepare(network, kernel, layout)
        self.network = network
        self._counted = OverflowCounters()  # by the stream that this is a copy of

        # Called where a token is no array of the wire's integers: converts, or tells.
        def check(tokens: ArrayLike, ndim: int) -> NDArray[np.int64]:
            checked = check_token if ndim == 1 else check_tokens
            return np.require(checked(network, tokens), requirements=["C", "A"])

        _Base.__init__(self, self._prepared.executor, check)

    def run(self, x: ArrayLike, progress: Progress | None = None) -> NDArray[np.int64]:
        """Answers to the next tokens, shape (T, d_in) -> (T, d_out)."""
        if progress is None:
            return self.process(x)
        return in_pieces(self.process, check_tokens(self.network, x), progress)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._prepared.asked, (self.state, self.counters)

    def __setstate__(self, kept: tuple[Any, OverflowCounters]) -> None:
        self.state, self._counted = kept

    def _about(self) -> str:
        return f"{super()._about()}, kernel {self.kernel}"

    @property
    def kernel(self) -> str:
        """The kernel that runs."""
        return self._prepared.kernel

    @property
    def notes(self) -> tuple[str, ...]:
        """Why the kernel is not the one that was asked for; empty if it is."""
        return self._prepared.notes

    @property
    def counters(self) -> OverflowCounters:
        """What did not fit since the stream was made, under the reference's names."""
        names = (name for name, _ in self._prepared.tensors)
        counted = OverflowCounters(
            dict(zip(names, self._overflows(False), strict=True))
        )
        counted.update(self._counted)
        return counted

    @property
    def state(self) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Real and imaginary part of every block's state, copied; can be assigned.

        A stream can move from one kernel, backend, process or machine to another.
        """
        parts = [np.array(part, dtype=np.int64) for part in self._get_state()]
        return list(zip(parts[::2], parts[1::2], strict=True))

    @state.setter
    def state(self, parts: State) -> None:
        pairs = check_state(self.network, parts)
        self._set_state([part.tolist() for pair in pairs for part in pair])
