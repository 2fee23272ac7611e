# SPDX-License-Identifier: BSD-3-Clause
"""From the answers to all tokens to the answer to a sequence."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from lava.magma.core.process.ports.ports import InPort, OutPort
from lava.magma.core.process.variable import Var
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.fixed_point import MAX_SHIFT, SpecError, check_whole, choose
from lava_sparse_rnn.proc.neurons.process import TimedProcess
from lava_sparse_rnn.proc.neurons.timing import period_of
from lava_sparse_rnn.spec import Network, check_network, head_of

HEADS = ("mean", "last")
OUTPUTS = ("values", "class")
MESSAGE_BITS = 24
"""Of a graded message: what Lava's `precision=24` ports, and Loihi 2's spikes, hold."""


def _scale(frac: ArrayLike | None, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """By how many bits each value is shifted left to the finest binary point."""
    if frac is None:
        return np.zeros(shape, np.int64)
    found = np.asarray(frac)
    if found.shape != shape or found.dtype.kind not in "iu":
        raise SpecError(
            f"Head: frac is {found.dtype} of shape {found.shape}, must be whole "
            f"numbers of shape {shape}"
        )
    scale = (found.max() - found).astype(np.int64)
    if scale.max() > MAX_SHIFT:
        raise SpecError(
            f"Head: frac reaches from {found.min()} to {found.max()}, must differ by "
            f"at most {MAX_SHIFT}"
        )
    return scale


class Head(TimedProcess):
    """Keeps the running sum, or the last, of what a network answers to its tokens.

    With a `reset_interval` it sends once a sequence, in the step in which the answer
    to the sequence's last token arrives, and zeros in all others; without one it
    sends what it has in every step with a token. A class leaves the chip then, and
    not a row of values a token.

    Parameters
    ----------
    shape : tuple of int
        (n,) of what it receives.
    head : {"mean", "last"}
        ``mean`` sums: the mean times the tokens of the sequence. Sums saturate at 32
        bits.
    output : {"values", "class"}
        What is sent: all values, or the place of the largest one, counted from 1 as a
        message of 0 is none.
    shift : int
        Values are sent shifted right by so many bits, rounded down.
    frac : array_like of int, shape (n,), optional
        Binary points of what it receives, which differ by 31 at most: the largest is
        that of the real values that they stand for. By default all are the same.
    depth, period, reset_interval, reset_offset, num_tokens, clock
        See `TimedProcess`; ``depth`` counts to ``a_in``.

    Attributes
    ----------
    a_in : InPort, shape (n,)
    s_out : OutPort, shape (n,) or (1,)
    kept : Var, shape (n,)
        The sum, or the last answer.
    overflow_kept : Var, shape (1,)
        Sums that did not fit.

    Raises
    ------
    SpecError
    """

    state_names: ClassVar[tuple[tuple[str, ...], ...]] = (("kept",),)

    def __init__(
        self,
        *,
        shape: tuple[int, ...],
        head: str = "mean",
        output: str = "values",
        shift: int = 0,
        frac: ArrayLike | None = None,
        **kwargs: Any,
    ) -> None:
        choose("Head: head", head, dict.fromkeys(HEADS))
        choose("Head: output", output, dict.fromkeys(OUTPUTS))
        shape = tuple(int(n) for n in shape)
        if len(shape) != 1 or shape[0] < 1:
            raise SpecError(f"Head: shape is {shape}, must be (n,) with n from 1")
        shift = check_whole("Head: shift", shift)
        if shift > MAX_SHIFT:
            raise SpecError(f"Head: shift is {shift}, must be at most {MAX_SHIFT}")
        params = {"shape": shape, "head": head, "output": output, "shift": shift}
        params["scale"] = _scale(frac, shape)
        super().__init__(**params, **kwargs)
        self.shift = shift
        self.a_in = InPort(shape=shape)
        self.s_out = OutPort(shape=shape if output == "values" else (1,))
        self.kept = Var(shape=shape, init=0)
        self.overflow_kept = Var(shape=(1,), init=0)

    @classmethod
    def of(
        cls, network: Network, tokens: int, mode: str = "pipelined", **kwargs: Any
    ) -> Head:
        """The head of a network that answers sequences of equal length.

        Values are shifted so far that the largest possible sum fits a message.

        Parameters
        ----------
        network : Network
            With a head in its metadata, `spec.head_of`.
        tokens : int
            Of a sequence.
        mode : {"pipelined", "fall_through"}
            Of the network's Process.
        **kwargs
            ``output``, ``clock`` and others; ``depth`` is the network's latency.

        Raises
        ------
        SpecError
            Where the network's head answers every token.
        """
        head = head_of(check_network(network, "Head.of", tokens))
        if head not in HEADS:
            raise SpecError(
                f"Head.of: the network's head is {head!r}, which answers every token; "
                f"meta['head'] must be one of: {', '.join(HEADS)}"
            )
        tokens = check_whole("Head.of: tokens", tokens, 1)
        out = network.layers[-1].out
        bits = out.bits
        if head == "mean":
            bits += (tokens - 1).bit_length()
        period = period_of(mode, network.latency)
        timing = {"period": period, "reset_interval": tokens * period}
        shift = max(bits - MESSAGE_BITS, 0)
        given = {"depth": network.latency, "shift": shift, "frac": out.frac}
        options: dict[str, Any] = {**given, **timing, **kwargs}
        return cls(shape=(network.d_out,), head=head, **options)
