# SPDX-License-Identifier: BSD-3-Clause
"""Files in the layout of netx: a group ``layer/<i>`` per layer, with its ``type``."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

import h5py

from lava_sparse_rnn import spec
from lava_sparse_rnn.fixed_point import SpecError, check_whole
from lava_sparse_rnn.signals import uninterrupted
from lava_sparse_rnn.spec.entries import (
    Entry,
    damage_named,
    describe,
    entries_of,
    recipe_of,
)
from lava_sparse_rnn.spec.hdf5_files import readable


@contextlib.contextmanager
def opened(path: Path) -> Iterator[list[Entry]]:
    """The layers of a file, in order, while it is open.

    Raises
    ------
    SpecError
        When there is no such file, it is damaged, or has no layers.
    """
    source = readable(path)
    with contextlib.ExitStack() as stack:
        entries = _open(source, str(path), stack)
        try:
            yield entries
        finally:
            _close(stack, entries)


@uninterrupted()
def _open(
    source: Path | io.BytesIO, name: str, stack: contextlib.ExitStack
) -> list[Entry]:
    with damage_named(name):
        file = stack.enter_context(h5py.File(source, "r"))
        return entries_of(file, name)


@uninterrupted()
def _close(stack: contextlib.ExitStack, entries: list[Entry]) -> None:
    entries.clear()  # h5py keeps count of each of their groups
    stack.close()


@uninterrupted()
def chosen(
    entries: list[Entry], num_layers: int | None, skip_layers: int
) -> tuple[int, int]:
    """Where the layers in use begin and end, as `Network` takes the two arguments.

    Raises
    ------
    SpecError
        When there are not so many layers, or none is left.
    """
    n, file = len(entries), entries[0].group.file.filename
    end = n if num_layers is None else num_layers
    end = check_whole(f"{file}: num_layers", end, 1, n)
    begin = check_whole(f"{file}: skip_layers", skip_layers, 0, n)
    if begin >= end:
        text = f"no layer is left of {end}, {begin} of them skipped"
        raise SpecError(f"{file}: {text}")
    return begin, end


@uninterrupted()
def is_own(entries: list[Entry]) -> bool:
    """Whether one description holds the whole file."""
    if not all(entry.is_own for entry in entries):
        return False
    return _is_whole(entries) or (
        entries[0].input_frac is None and len(runs(entries)) == 1
    )


@uninterrupted()
def own_network(entries: list[Entry]) -> spec.Network:
    """The description that a file holds, written as a whole or layer by layer.

    Raises
    ------
    SpecError
        When there are layers beside it, or it is damaged.
    """
    file = entries[0].group.file
    if not is_own(entries):
        raise SpecError(
            f"{file.filename}: not all of it is one network of this library"
        )
    if not _is_whole(entries):
        return describe(entries)
    with damage_named(file.filename):
        return spec.read(file, file.filename)


def _is_whole(entries: list[Entry]) -> bool:
    """Whether the file says of itself that it is one description."""
    return "format" in entries[0].group.file.attrs


@uninterrupted()
def runs(entries: list[Entry]) -> list[list[Entry]]:
    """Neighbours that one description can hold, and all other layers alone."""
    if not entries:
        return []

    def begins(i: int) -> bool:
        if i == 0 or not (entries[i].is_own and entries[i - 1].is_own):
            return True
        same = recipe_of(entries[i]) == recipe_of(entries[i - 1])
        return entries[i].input_frac is not None or not same

    starts = [i for i in range(len(entries)) if begins(i)]
    pairs = zip(starts, [*starts[1:], len(entries)], strict=True)
    return [entries[start:end] for start, end in pairs]
