# SPDX-License-Identifier: BSD-3-Clause
"""Several sequences in one call, each from a zero state; one answer for each.

Tokens of one sequence are an array (T, d_in). Sequences of equal length may be one
array (N, T, d_in), those of unequal length are a list of arrays, and what comes out
lies as what went in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.fixed_point import Brief, SpecError, as_array, choose
from lava_sparse_rnn.spec._network import Network, check_network
from lava_sparse_rnn.spec.stream import Progress, check_tokens

SequencesLike = ArrayLike
"""An array (T, d_in) or (N, T, d_in), or a list of arrays (T_i, d_in)."""


@dataclass(frozen=True, eq=False)
class Sequences(Brief):
    """Tokens of sequences, one after another.

    Parameters
    ----------
    tokens : array, shape (sum of lengths, ...)
    lengths : tuple of int
        Tokens of each sequence.
    lead : tuple of int, optional
        How they were given: (T,) for one, (N, T) for several in one array, none for
        a list.
    """

    tokens: NDArray
    lengths: tuple[int, ...]
    lead: tuple[int, ...] | None

    @classmethod
    def of(
        cls,
        network: Network,
        x: SequencesLike,
        lengths: ArrayLike | None = None,
        *,
        real: bool = False,
    ) -> Sequences:
        """Checked sequences for a network.

        Parameters
        ----------
        network : Network
        x : array or list of arrays
            Whole numbers that fit the input wire, see `SequencesLike`.
        lengths : array of int, shape (N,), optional
            Valid tokens of each sequence of an array (N, T, d_in); what stands
            behind them is not looked at.
        real : bool
            Real numbers instead, of any size.

        Raises
        ------
        SpecError
            Naming the sequence, the token and the value.
        """
        if lengths is not None:
            x = shortened(x, lengths)
        if are_listed(x, 2):
            return cls.listed(x, partial(check_tokens, network, real=real))
        return cls.of_array(check_tokens(network, x, real=real, batch=True), 2)

    @classmethod
    def of_array(cls, x: NDArray, ndim: int) -> Sequences:
        """One sequence, an array of ``ndim`` axes, or several in one array."""
        if x.ndim == ndim:
            return cls(x, (len(x),), x.shape[:1])
        n, steps, *token = x.shape
        return cls(x.reshape(n * steps, *token), (steps,) * n, (n, steps))

    @classmethod
    def listed(cls, x: Any, check: Callable[[ArrayLike], NDArray]) -> Sequences:
        """A list of sequences, each of which ``check`` makes an array."""
        parts = []
        for i, part in enumerate(x):
            try:
                parts.append(check(part))
            except SpecError as error:
                raise SpecError(f"sequence {i}: {error}") from None
        return cls(np.concatenate(parts), tuple(map(len, parts)), None)

    def _about(self) -> str:
        return f"{len(self)} of {len(self.tokens)} tokens"

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[NDArray]:
        yield from self.split(self.tokens)

    def split(self, values: NDArray) -> list[NDArray]:
        """Values of all tokens, shape (sum of lengths, ...), sequence by sequence."""
        ends = np.cumsum(self.lengths)
        return np.split(values, ends[:-1]) if len(ends) else []

    def laid_out(self, values: NDArray) -> Any:
        """Values of all tokens as the sequences were given."""
        if self.lead is None:
            return self.split(values)
        return values.reshape(*self.lead, *values.shape[1:])

    def run(
        self,
        run: Callable[[NDArray, Progress | None], NDArray],
        reset: Callable[[], None],
        progress: Progress | None = None,
    ) -> NDArray:
        """Answers to all tokens, shape (sum of lengths, d_out), with resets between.

        Parameters
        ----------
        run : callable
            Answers to the tokens of one sequence, as `Stream.run`.
        reset : callable
            Sets every state to zero; called between two sequences.
        progress : callable, optional
            Called with the tokens that are done, and with all.
        """
        total, done = len(self.tokens), 0
        answers: list[NDArray] = []
        for tokens in self or [self.tokens]:
            if answers:
                reset()
            report = progress and partial(_further, progress, done, total)
            answers.append(run(tokens, report))
            done += len(tokens)
        return np.concatenate(answers)


def _further(progress: Progress, before: int, total: int, done: int, _: int) -> None:
    progress(before + done, total)


def are_listed(x: Any, ndim: int) -> bool:
    """Whether these are sequences in a list, each an array of ``ndim`` axes."""
    if not isinstance(x, list | tuple):
        return False
    with suppress(ValueError):  # rows of unequal lengths, which the check names
        return any(np.ndim(part) == ndim for part in x)
    return True


def run_all(
    stream: Any, sequences: Sequences, trace: MutableMapping[str, Any] | None
) -> Any:
    """Answers of a stream to sequences, laid out as they were given.

    Parameters
    ----------
    stream : Stream
        Whose `run` takes a ``trace``.
    sequences : Sequences
    trace : dict, optional
        Filled with every wire, laid out as the answers.
    """
    parts: list[dict[str, NDArray]] = []

    def run(tokens: NDArray, progress: Progress | None) -> NDArray:
        if trace is None:
            return stream.run(tokens)
        parts.append({})
        return stream.run(tokens, trace=parts[-1])

    answers = sequences.run(run, stream.reset)
    if trace is not None:
        for name in parts[0]:
            trace[name] = sequences.laid_out(np.concatenate([p[name] for p in parts]))
    return sequences.laid_out(answers)


def in_a_row(values: NDArray | list[NDArray]) -> NDArray:
    """Values of sequences, however they lie, with one axis for all tokens."""
    rows = np.concatenate(values) if isinstance(values, list) else values
    return rows.reshape(-1, rows.shape[-1])


def shortened(x: ArrayLike, lengths: ArrayLike) -> list[NDArray]:
    """Sequences of a padded array (N, T, d_in) without what is behind their ends.

    Raises
    ------
    SpecError
        Where lengths and array do not fit each other.
    """
    padded, ends = as_array("input", x), as_array("lengths", lengths)
    if padded.ndim != 3:
        raise SpecError(
            "lengths are for sequences in an array (N, T, d_in), the input has shape "
            f"{padded.shape}"
        )
    n, steps, _ = padded.shape
    if ends.shape != (n,) or ends.dtype.kind not in "iu":
        raise SpecError(
            f"lengths: {ends.dtype} of shape {ends.shape}, must be integers ({n},)"
        )
    if wrong := np.flatnonzero((ends < 1) | (ends > steps)).tolist():
        raise SpecError(
            f"lengths: {ends[wrong[0]]} at {wrong[0]}, must be from 1 to {steps}"
        )
    return [row[:end] for row, end in zip(padded, ends, strict=True)]


def _every(network: Network, answers: NDArray) -> NDArray[np.float64]:
    return network.from_wire(answers)


def _mean(network: Network, answers: NDArray) -> NDArray[np.float64]:
    # The sum of integers is exact, so that every backend and machine says the same.
    return network.from_wire(answers.sum(axis=0)) / len(answers)


def _last(network: Network, answers: NDArray) -> NDArray[np.float64]:
    return network.from_wire(answers[-1])


HEADS: dict[str, Callable[[Network, NDArray], NDArray[np.float64]]] = {
    "sequence": _every,
    "mean": _mean,
    "last": _last,
}
"""From the integer answers to a sequence's tokens to what is asked for, in real values.

``sequence`` answers every token, ``mean`` and ``last`` a sequence.
"""


def head_of(network: Network) -> str:
    """The head that a network was trained with: ``meta["head"]``, else ``sequence``.

    Raises
    ------
    SpecError
        For a name that is not in `HEADS`.
    """
    head = check_network(network, "head_of").meta.get("head", "sequence")
    choose("head", head, HEADS)
    return head


def answers_to(network: Network, sequences: Sequences, answers: NDArray) -> Any:
    """What a network's head makes of the integer answers to all tokens.

    Parameters
    ----------
    network : Network
    sequences : Sequences
    answers : array of int, shape (sum of lengths, d_out)

    Returns
    -------
    array of float64
        Of the heads ``mean`` and ``last`` shape (d_out,) for one sequence and
        (N, d_out) for several; of ``sequence`` an answer a token, as the sequences
        were given.

    Raises
    ------
    SpecError
        For a sequence without a token, which has no mean and no last one.
    """
    head = head_of(network)
    if head == "sequence":
        return sequences.laid_out(HEADS[head](network, answers))
    if not all(sequences.lengths):
        i = sequences.lengths.index(0)
        raise SpecError(f"sequence {i}: no tokens, the head {head!r} needs one")
    made = [HEADS[head](network, part) for part in sequences.split(answers)]
    return made[0] if sequences.lead and len(sequences.lead) == 1 else np.array(made)
