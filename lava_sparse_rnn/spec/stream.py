# SPDX-License-Identifier: BSD-3-Clause
"""What every way to run a network looks like: the network between two tokens.

The reference, the compiled engine, the microcode interpreters and a session of Lava
are all a `Stream`. The same tokens give the same answers, states and counts in each,
and a state that was read from one can be assigned to another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.fixed_point import (
    Brief,
    OverflowCounters,
    QFormat,
    SpecError,
    as_array,
    frozen_ints,
)
from lava_sparse_rnn.spec._group import Group
from lava_sparse_rnn.spec._network import Network
from lava_sparse_rnn.spec.graph import Graph

Progress = Callable[[int, int], None]
"""Called with tokens done and tokens in all."""

State = Sequence[tuple[ArrayLike, ...]]
"""Real and imaginary part of every block's state, shape (d_state,) each."""

PIECE = 64  # tokens between two reports of progress
_Self = TypeVar("_Self")


class Stepper(Protocol):
    """A network and its state, for tokens that come one by one."""

    def step(self, u: ArrayLike) -> NDArray:
        """The answer to the next token, shape (d_in,) -> (d_out,)."""
        ...

    def reset(self) -> None:
        """Set every state to zero."""
        ...

    @property
    def state(self) -> list[tuple[NDArray, ...]]:
        """Real and imaginary part of every block's state, copied; can be assigned.

        Shape (d_state,) each, int64. A `SpecError` where what is assigned has another
        shape or does not fit the state's format.
        """
        ...

    @state.setter
    def state(self, parts: State) -> None: ...

    @property
    def counters(self) -> OverflowCounters:
        """What did not fit since the stream was made, by the reference's names."""
        ...


class Stream(Stepper, Protocol):
    """The same, for tokens that come in pieces of any size, too."""

    def run(self, x: ArrayLike, progress: Progress | None = None) -> NDArray:
        """Answers to the next tokens, shape (T, d_in) -> (T, d_out).

        A `SpecError` where a value does not fit the input wire leaves the state.
        """
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """Why it runs slower than it could; empty where it does not."""
        ...

    def close(self) -> None:
        """Let go of what it holds; a second call does nothing."""
        ...

    def __enter__(self: _Self) -> _Self: ...

    def __exit__(self, *exc_info: object) -> None: ...


class StreamDefaults(Brief):
    """The part of a `Stream` that is the same for all that have nothing to close."""

    network: Network

    def _about(self) -> str:
        return f"{self.network.d_in} -> {self.network.d_out}"

    @property
    def notes(self) -> tuple[str, ...]:
        """Nothing to say of its speed."""
        return ()

    def close(self) -> None:
        """Nothing is held."""

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def in_pieces(
    run: Callable[[NDArray], NDArray], x: NDArray, progress: Progress | None
) -> NDArray:
    """Answers to ``x`` piece by piece, for little memory and reports of progress."""
    answers = []
    for start in range(0, max(len(x), 1), PIECE):
        answers.append(run(x[start : start + PIECE]))
        if progress is not None:
            progress(min(start + PIECE, len(x)), len(x))
    return np.concatenate(answers)


def check_tokens(
    network: Network, x: ArrayLike, *, real: bool = False, batch: bool = False
) -> NDArray:
    """Tokens as an array of int64, or an error that names the first that is none.

    The array is ``x`` itself where that is one already: nobody writes into it.

    Parameters
    ----------
    network : Network
    x : array, shape (T, d_in)
        Whole numbers that fit the input wire.
    real : bool
        Real numbers instead, of any size; the array is of float64.
    batch : bool
        Also sequences of tokens, shape (N, T, d_in).

    Raises
    ------
    SpecError
    """
    return fitting(x, network.d_in, network.layers[0].inp.format, real, batch)


def fitting(
    x: ArrayLike, d_in: int, fmt: QFormat, real: bool = False, batch: bool = False
) -> NDArray:
    """`check_tokens` for ``d_in`` values of a format."""
    x = as_array("input", x)
    if x.ndim not in ((2, 3) if batch else (2,)) or x.shape[-1] != d_in:
        shapes = f"(T, {d_in}) or (N, T, {d_in})" if batch else f"(T, {d_in})"
        raise SpecError(f"input: shape {x.shape}, must be {shapes}")
    if real:
        return _finite("input", x)
    if x.dtype.kind not in "iu":
        x = _whole("input", x)
    if x.size and (x.min() < fmt.lowest or x.max() > fmt.highest):
        where = [int(i) for i in np.argwhere((x < fmt.lowest) | (x > fmt.highest))[0]]
        *sequence, t, j = where
        which = f"sequence {sequence[0]}, " if sequence else ""
        raise SpecError(
            f"input: {which}token {t}, value {x[tuple(where)]} at {j} does not fit the "
            f"{fmt.bits}-bit wire ({fmt.lowest}..{fmt.highest})"
        )
    return x.astype(np.int64, copy=False)


def check_token(network: Network, u: ArrayLike, *, real: bool = False) -> NDArray:
    """One token, shape (d_in,); see `check_tokens`."""
    (token,) = check_tokens(network, as_array("input", u)[None], real=real)
    return token


def _whole(name: str, values: NDArray) -> NDArray:
    """Numbers as int64; truth values are none."""
    if values.dtype.kind == "b":
        raise SpecError(f"{name}: values must be whole numbers, got bool")
    return frozen_ints(values, name)


def _finite(name: str, values: NDArray) -> NDArray:
    """Real numbers as float64."""
    if values.dtype.kind not in "iuf":
        raise SpecError(f"{name}: values must be real numbers, got {values.dtype}")
    values = values.astype(np.float64)
    if not (finite := np.isfinite(values)).all():
        where = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise SpecError(f"{name}: value at {where} is {values[where]}, must be finite")
    return values


def check_state(
    network: Network, parts: State, *, real: bool = False
) -> list[tuple[NDArray, ...]]:
    """A state as pairs of new arrays of int64, or an error that says what is wrong.

    Parameters
    ----------
    network : Network
    parts : sequence of pairs of arrays, shape (d_state,) each
        Real and imaginary part of every block's state: integers of its format.
    real : bool
        Real numbers instead, of any size; the arrays are of float64.

    Raises
    ------
    SpecError
    """
    held = states_of(network.graphs)
    try:
        given = [tuple(part) for part in parts]
    except TypeError:
        raise SpecError("state: must be pairs of arrays, one for each block") from None
    if len(given) != len(held):
        raise SpecError(f"state: of {len(given)} blocks, the network has {len(held)}")
    if [len(part) for part in given] != [len(names) for names, _ in held]:
        raise SpecError("state: must be pairs of arrays, one for each block")
    return [
        tuple(
            _checked_part(f"state: {name}", group, value, real)
            for name, value in zip(names, values, strict=True)
        )
        for (names, group), values in zip(held, given, strict=True)
    ]


def states_of(
    graphs: Sequence[Graph], name_format: str = "layer{i}_{name}"
) -> list[tuple[tuple[str, ...], Group]]:
    """Groups that have a state, with the names of its parts, those of a trace.

    Everything that reads, sets or resets states asks here, or a Process of Lava that
    has asked: its ``state_names``.
    """
    return [
        (tuple(name_format.format(i=i, name=name) for name in node.states), node.group)
        for i, graph in enumerate(graphs)
        for node in graph.nodes
        if node.states
    ]


def _checked_part(name: str, group: Group, part: ArrayLike, real: bool) -> NDArray:
    values = as_array(name, part)
    if values.shape != (group.size,):
        raise SpecError(f"{name}: shape {values.shape}, must be ({group.size},)")
    if real:
        return _finite(name, values)
    values, highest = _whole(name, values), (1 << (group.state_bits - 1)) - 1
    if (bad := np.flatnonzero((values < -highest - 1) | (values > highest))).size:
        j = int(bad[0])
        raise SpecError(
            f"{name}: value {values[j]} at {j} does not fit the {group.state_bits}-bit "
            f"state ({-highest - 1}..{highest})"
        )
    return np.array(values)
