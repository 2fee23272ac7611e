# SPDX-License-Identifier: BSD-3-Clause
"""Sequences of equal or unequal lengths with what is asked of them, checked."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lava_sparse_rnn.fixed_point import Brief

IGNORED = -100
"""Label of tokens behind the end of a sequence (torch's own for `cross_entropy`)."""

MOST_CLASSES = 1 << 16
"""Labels count from 0; a network has an output for each class up to the largest."""


@dataclass(frozen=True)
class Sequences(Brief):
    """Arrays that fit each other.

    Parameters
    ----------
    x : ndarray, float32 (N, T, d_in)
        Zero behind the end of a sequence.
    y : ndarray
        Labels int64 (N,) or (N, T), or targets float32 (N, d_out) or (N, T, d_out);
        `IGNORED` or NaN behind the end of a sequence.
    lengths : ndarray, int64 (N,)
    loss : str
        'cross_entropy' or 'mse'.
    """

    x: NDArray[np.float32]
    y: NDArray
    lengths: NDArray[np.int64]
    loss: str

    @classmethod
    def of(
        cls,
        x: ArrayLike,
        y: ArrayLike,
        lengths: ArrayLike | None = None,
        head: str = "sequence",
        loss: str | None = None,
        suffix: str = "",
    ) -> Sequences:
        """Check arrays as a user has them; their names end with `suffix` in messages.

        Raises
        ------
        ValueError
            Naming the array, its shape or value, and what is expected.
        """
        tokens = _single(_numbers(f"x{suffix}", x, "(N, T, d_in)"))
        if tokens.ndim != 3 or 0 in tokens.shape:
            raise ValueError(
                f"x{suffix} has shape {tokens.shape}; expected (N, T, d_in)"
            )
        n, steps, _ = tokens.shape
        ends = np.full(n, steps)
        if lengths is not None:
            ends = _ends(f"lengths{suffix}", lengths, n, steps)
        behind = np.arange(steps) >= ends[:, None]
        tokens[behind] = 0.0
        if not np.isfinite(tokens).all():
            row, step, column = np.argwhere(~np.isfinite(tokens))[0]
            raise ValueError(
                f"x{suffix}[{row}, {step}, {column}] is {tokens[row, step, column]}; "
                "all have to be finite"
            )
        name = f"y{suffix}"
        answers = _numbers(name, y, f"({n}, ...)")
        loss = loss or ("cross_entropy" if answers.dtype.kind in "iub" else "mse")
        place = (n, steps) if head == "sequence" else (n,)
        hint = _hint(answers.shape, n, head, suffix)
        answers = _CHECKS[loss](name, answers, place, hint)
        if head == "sequence":
            answers[behind] = IGNORED if loss == "cross_entropy" else np.nan
        _check_values(name, answers, loss, behind if head == "sequence" else None)
        return cls(tokens, answers, ends.astype(np.int64), loss)

    def __len__(self) -> int:
        return len(self.x)

    @property
    def d_out(self) -> int:
        """Classes, or columns of the targets."""
        classes = self.loss == "cross_entropy"
        return int(self.y.max()) + 1 if classes else self.y.shape[-1]

    def take(
        self, rows: NDArray[np.intp], trim: bool = True
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Some sequences, with no more tokens than the longest one has."""
        x, y, lengths = self.x[rows], self.y[rows], self.lengths[rows]
        if not trim:
            return x, y, lengths
        longest = int(lengths.max())
        per_token = y.shape[1:2] == self.x.shape[1:2] and self._answers_tokens
        return x[:, :longest], y[:, :longest] if per_token else y, lengths

    @property
    def _answers_tokens(self) -> bool:
        return self.y.ndim == (2 if self.loss == "cross_entropy" else 3)

    def split(self, share: float, seed: int) -> tuple[Sequences, Sequences]:
        """Two parts at random, the second with that share of the sequences."""
        if len(self) < 2:
            raise ValueError(
                f"x has {len(self)} sequence; at least 2 are needed, one to train on "
                "and one to validate on"
            )
        order = np.random.default_rng(seed).permutation(len(self))
        kept = min(max(round(share * len(self)), 1), len(self) - 1)
        return self._part(np.sort(order[kept:])), self._part(np.sort(order[:kept]))

    def _part(self, rows: NDArray[np.intp]) -> Sequences:
        return Sequences(*self.take(rows, trim=False), self.loss)

    def statistics(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean of every column, and what brings its deviation to 1 (1 if it is 0)."""
        tokens = self.x[np.arange(self.x.shape[1]) < self.lengths[:, None]]
        deviation = tokens.std(axis=0, dtype=np.float64)
        scale = 1.0 / np.where(deviation > 0, deviation, 1.0)
        mean = tokens.mean(axis=0, dtype=np.float64)
        return mean.astype(np.float32), scale.astype(np.float32)

    def alike(self, most: int) -> Iterator[NDArray[np.intp]]:
        """Rows of one length at a time, at most so many: nothing pads them."""
        for length in np.unique(self.lengths):
            rows = np.flatnonzero(self.lengths == length)
            yield from (rows[i : i + most] for i in range(0, len(rows), most))

    def padded(self, token: NDArray[np.float32]) -> Sequences:
        """The same with that token behind the ends."""
        x = self.x.copy()
        x[np.arange(x.shape[1]) >= self.lengths[:, None]] = token
        return replace(self, x=x)

    def check_partner(self, other: Sequences, part: str) -> None:
        """Refuse sequences for validation, or another part, of another kind."""
        pairs = {"columns of x": (self.x.shape[-1], other.x.shape[-1])}
        if self.loss == "mse":
            pairs["columns of y"] = (self.y.shape[-1], other.y.shape[-1])
        for what, (mine, its) in pairs.items():
            if mine != its:
                raise ValueError(
                    f"{what}: {mine} in training and {its} in {part}; they must be as "
                    "many"
                )


def _numbers(name: str, value: ArrayLike, shape: str) -> np.ndarray:
    """A new array of real numbers."""
    expected = f"expected real numbers of shape {shape}"
    try:
        found = np.array(value)
    except (ValueError, TypeError) as error:  # rows of unequal lengths
        raise ValueError(f"{name} is no array ({error}); {expected}") from None
    if found.dtype.kind not in "iubf":
        kind = "complex" if found.dtype.kind == "c" else f"of type {found.dtype}"
        raise ValueError(f"{name} is {kind}; {expected}")
    return found


def _ends(name: str, lengths: ArrayLike, n: int, steps: int) -> np.ndarray:
    """Tokens of each sequence, checked."""
    ends = _numbers(name, lengths, f"({n},)")
    if ends.shape != (n,) or ends.dtype.kind not in "iu":
        raise ValueError(
            f"{name} are {ends.dtype} of shape {ends.shape}; expected integers ({n},)"
        )
    if ends.min() < 1 or ends.max() > steps:
        raise ValueError(
            f"{name} go from {ends.min()} to {ends.max()}; they must lie in 1 to "
            f"{steps}"
        )
    return ends


def _single(array: np.ndarray) -> NDArray[np.float32]:
    """The same in float32; what lies beyond its range becomes infinite, and is told."""
    with np.errstate(over="ignore"):
        return array.astype(np.float32)


def _hint(shape: tuple[int, ...], n: int, head: str, suffix: str) -> str:
    """What a shape of y would want, for the message where it does not fit."""
    if head == "sequence":
        asked = "; data.head is sequence, its default: an answer a token; data.head="
        asked += f"mean or last, an answer a sequence, would want ({n}, ...)"
    else:
        asked = f"; data.head is {head}: an answer a sequence"
    if shape[:1] != (n,):
        its = shape[0] if shape else "none"
        asked += f"; x{suffix} has {n} sequences, y{suffix} has {its}"
    return asked


def _labels(
    name: str, y: np.ndarray, place: tuple[int, ...], hint: str
) -> NDArray[np.int64]:
    if y.dtype.kind in "iub" and y.ndim > 1 and y.shape[:-1] == place:
        hint += '; loss="mse" (data.loss=mse) takes integers for targets'
    if y.dtype.kind not in "iub" or y.shape != place:
        raise ValueError(
            f"{name} is {y.dtype} of shape {y.shape}; labels are integers of shape "
            f"{place}{hint}"
        )
    if y.max() >= MOST_CLASSES:
        raise ValueError(
            f"{name} holds the label {y.max()}; labels count from 0 and are below "
            f"{MOST_CLASSES}"
        )
    return y.astype(np.int64)


def _targets(
    name: str, y: np.ndarray, place: tuple[int, ...], hint: str
) -> NDArray[np.float32]:
    if y.shape == place:
        y = y[..., None]
    if y.shape[:-1] != place or y.dtype.kind not in "iubf" or y.shape[-1] == 0:
        wanted = ", ".join(map(str, place))
        raise ValueError(
            f"{name} is {y.dtype} of shape {y.shape}; targets are numbers of shape "
            f"({wanted}, d_out){hint}"
        )
    return _single(y)


_CHECKS = {"cross_entropy": _labels, "mse": _targets}


def _check_values(
    name: str, y: np.ndarray, loss: str, behind: np.ndarray | None
) -> None:
    inside = y if behind is None else y[~behind]
    if loss == "cross_entropy" and inside.min() < 0:
        raise ValueError(f"{name} holds the label {inside.min()}; labels count from 0")
    if loss == "mse" and not np.isfinite(inside).all():
        raise ValueError(f"{name} holds targets that are not finite")


class Parts(NamedTuple):
    """Sequences by what they are for; without the first they can be scored only."""

    train: Sequences | None = None
    validation: Sequences | None = None
    test: Sequences | None = None


def read_sequences(path: Path, head: str, loss: str | None) -> Parts:
    """Sequences of an .npz, and those for validation and test if it has any.

    A file with nothing but those is enough to score a network.

    Raises
    ------
    ValueError
        If the file cannot be read, lacks an array, or its arrays do not fit.
    """
    try:
        found = np.load(path, allow_pickle=False)
        several = not isinstance(found, np.ndarray)
        with found if several else nullcontext():
            arrays = {name: found[name] for name in found.files} if several else None
    except FileNotFoundError:
        raise ValueError(f"data.path: {path} does not exist") from None
    except IsADirectoryError:
        raise ValueError(f"data.path: {path} is a folder, an .npz is needed") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        # numpy's own words are of pickles, which nobody should allow.
        raise ValueError(f"data.path: {path} is no .npz of numbers") from error
    if arrays is None:
        raise ValueError(
            f"data.path: {path} holds one array, not several with names, as .npz"
        )
    try:
        apart = [part for part in Parts._fields[1:] if f"x_{part}" in arrays]
        found = {}
        if not apart or {"x", "y"} & set(arrays):
            found["train"] = _sequences(arrays, "", head, loss)
            loss = found["train"].loss
        for part in apart:
            found[part] = _sequences(arrays, f"_{part}", head, loss)
            loss = found[part].loss
        return Parts(**found)
    except ValueError as error:
        raise ValueError(f"data.path: {path}: {error}") from None


def _sequences(
    arrays: dict[str, np.ndarray], suffix: str, head: str, loss: str | None
) -> Sequences:
    for name in ("x", "y"):
        if name + suffix not in arrays:
            raise ValueError(
                f"there is no array {name + suffix}; it holds {', '.join(arrays)}"
            )
    x, y = arrays["x" + suffix], arrays["y" + suffix]
    return Sequences.of(x, y, arrays.get("lengths" + suffix), head, loss, suffix)
