# SPDX-License-Identifier: BSD-3-Clause
"""What a model takes: tensors of its own type, lengths, names of options."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from lava_sparse_rnn.fixed_point import SpecError, brief, choose
from lava_sparse_rnn.nn._autograd import in_autocast, in_graph


def check_features(
    x: Any, d_in: int, like: Tensor | None, form: str = "batch, time"
) -> None:
    """Refuse what is no float tensor (..., d_in).

    Parameters
    ----------
    x : Tensor
    d_in : int
    like : Tensor or None
        A weight that it meets without a conversion; None where its type is converted.
    form : str
        Names of the axes before the last one.

    Raises
    ------
    ValueError
        Naming type, shape or dtype, and what it must be.
    """
    expected = f"a float tensor ({form}, {d_in})"
    if not isinstance(x, Tensor):
        kind = type(x).__module__.partition(".")[0]
        hint = "; torch.as_tensor makes one" if kind in ("numpy", "builtins") else ""
        name = type(x).__name__
        raise ValueError(f"x is of type {name}; expected {expected}{hint}")
    if x.dim() != 2 + form.count(",") or x.shape[-1] != d_in:
        raise ValueError(
            f"x has shape {tuple(x.shape)}; expected ({form}, {d_in}), {expected}"
        )
    if x.layout != torch.strided:
        raise ValueError(f"x is {x.layout}; expected {expected}, x.to_dense() is one")
    if not x.is_floating_point():
        raise ValueError(f"x is of {x.dtype}; expected {expected}, x.float() is one")
    if like is not None and x.dtype != like.dtype and not _is_cast(x):
        raise ValueError(
            f"x is of {x.dtype}, the weights are of {like.dtype}; x.to({like.dtype}) "
            "or model.to(x.dtype) makes them one type"
        )


def check_batch(x: Any, d_in: int, like: Tensor | None, lengths: Any = None) -> None:
    """`check_features` of a batch, and `check_lengths` where there are some."""
    check_features(x, d_in, like)
    if lengths is not None:
        check_lengths(lengths, x.shape[0], x.shape[1])


def _is_cast(x: Tensor) -> bool:
    """Whether torch.autocast looks after types here."""
    return in_autocast() if x.device.type == "cpu" else torch.is_autocast_enabled()


def check_lengths(lengths: Any, batch: int, steps: int) -> None:
    """Refuse what is no tensor of whole numbers (batch,), each from 1 to steps."""
    if not isinstance(lengths, Tensor):
        raise ValueError(
            f"lengths is of type {type(lengths).__name__}; expected a tensor of whole "
            f"numbers ({batch},), torch.as_tensor makes one"
        )
    if lengths.shape != (batch,):
        raise ValueError(
            f"lengths has shape {tuple(lengths.shape)}; expected ({batch},)"
        )
    if lengths.dtype == torch.bool or lengths.is_floating_point():
        raise ValueError(f"lengths is of {lengths.dtype}; expected whole numbers")
    if in_graph():  # what they are is known later
        return
    if batch and (int(lengths.min()) < 1 or int(lengths.max()) > steps):
        raise ValueError(
            f"lengths go from {int(lengths.min())} to {int(lengths.max())}; they must "
            f"lie in 1 to {steps}"
        )


def check_batches(batches: Any, d_in: int) -> Iterable[Any]:
    """A tensor or an iterable of such, or an error that says what is needed."""
    if isinstance(batches, Tensor):
        return [batches]
    if isinstance(batches, str | dict) or not isinstance(batches, Iterable):
        raise ValueError(
            f"features are {brief(batches)}; expected a tensor (batch, time, {d_in}), "
            "or a list or loader of such"
        )
    return batches


def check_state(state: Any, batch: int, sizes: Sequence[int]) -> None:
    """Refuse what is no list of tensors (batch, size), one for each block."""
    shapes = [(batch, size) for size in sizes]
    listed = isinstance(state, list | tuple)
    parts = state if listed else []
    if [tuple(getattr(part, "shape", ())) for part in parts] != shapes or not listed:
        raise ValueError(
            f"state is {brief(state)}; expected a list of {len(shapes)} tensors of "
            f"shapes {', '.join(map(str, shapes))}, see initial_state"
        )


def check_dtype(name: str, dtype: Any) -> None:
    """Refuse what is no type of floats."""
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise ValueError(
            f"{name} is {brief(dtype)}; it must be a torch.dtype of floats, such as "
            "torch.bfloat16"
        )


def check_options(options: Collection[str], known: Iterable[str]) -> None:
    """Refuse names of options that there are not; the message lists those that are."""
    known = list(known)
    for name in options:
        try:
            choose("option", name, known)
        except SpecError as error:  # as Python has it for arguments
            raise TypeError(str(error)) from None


def inputs_of(
    batches: Tensor | Iterable[Tensor | Sequence[Tensor]], d_in: int
) -> Iterator[Tensor]:
    """Batches of shape (batch, time, d_in), of whatever comes as such.

    Parameters
    ----------
    batches : Tensor, or iterable of Tensor or of tuples that begin with one
        A tensor is one batch; of ``(inputs, targets)`` the inputs are taken.
    d_in : int

    Raises
    ------
    ValueError
        If one is no tensor, has another shape or is complex.
    """
    for i, batch in enumerate(check_batches(batches, d_in)):
        x = batch[0] if isinstance(batch, tuple | list) and batch else batch
        shown = tuple(x.shape) if isinstance(x, Tensor) else type(x).__name__
        if not isinstance(x, Tensor) or x.dim() != 3 or x.shape[-1] != d_in:
            raise ValueError(
                f"batch {i} is {shown}; expected a tensor (batch, time, {d_in})"
            )
        if x.is_complex():
            raise ValueError(f"batch {i} is of {x.dtype}; expected real numbers")
        yield x


Lengths = Tensor | Iterable[Tensor | None] | None
"""Tokens of the sequences of batches, one entry a batch."""


def with_lengths(
    batches: Iterable[Tensor], lengths: Lengths, time: int = 1
) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Batches with the lengths of their sequences, None for whole ones.

    Parameters
    ----------
    batches : iterable of Tensor
    lengths : Tensor of int, or iterable of them or None, each (batch,), optional
        A tensor is of one batch.
    time : int
        The axis of it.

    Raises
    ------
    ValueError
        If there is not one entry for each batch, or it does not fit its batch.
    """
    if lengths is None:
        yield from ((x, None) for x in batches)
        return
    if not isinstance(lengths, Iterable):
        raise ValueError(
            f"lengths are {brief(lengths)}; expected a tensor (batch,) for each batch"
        )
    given = iter([lengths] if isinstance(lengths, Tensor) else lengths)
    count = -1
    for count, x in enumerate(batches):
        try:
            ends = next(given)
        except StopIteration:
            raise ValueError(
                f"lengths are of {count} batches, there are more; expected one entry "
                "for each"
            ) from None
        if ends is not None:
            if x.dim() <= time:
                raise ValueError(
                    f"batch {count} has shape {tuple(x.shape)}, without an axis of "
                    "time that lengths are of"
                )
            check_lengths(ends, x.shape[0], x.shape[time])
            ends = ends.to(x.device)
        yield x, ends
    if next(given, given) is not given:
        raise ValueError(
            f"lengths are of more batches than there are, {count + 1}; expected one "
            "entry for each"
        )


def real_tokens(x: Tensor, ends: Tensor | None) -> Tensor | None:
    """Tokens of a batch (batch, time, d) that are no padding, (time, batch); or all."""
    if ends is None:
        return None
    return torch.arange(x.shape[1], device=ends.device)[:, None] < ends


def hint_of_wrapper(model: Any) -> str:
    """What to say of a wrapper (averages, several processes) given for a model."""
    inside = isinstance(getattr(model, "module", None), torch.nn.Module)
    return f"; what {type(model).__name__} wraps is its .module" if inside else ""
