# SPDX-License-Identifier: BSD-3-Clause
"""Files in the layout of netx: a group ``layer/<i>`` per layer, with its ``type``."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from lava_sparse_rnn import spec
from lava_sparse_rnn.fixed_point import SpecError
from lava_sparse_rnn.spec._members import DAMAGE
from lava_sparse_rnn.spec.hdf5_files import readable

# Of a layer of this library that follows one of another: fractional bits of the
# integers that arrive.
INPUT_FRAC = "input_frac"


@dataclass(frozen=True)
class Entry:
    """One layer of an open file.

    Parameters
    ----------
    index : int
    type : str
    group : h5py.Group
    name : str
        File and group, for messages.
    """

    index: int
    type: str
    group: h5py.Group
    name: str

    @property
    def is_own(self) -> bool:
        """Whether this library describes it."""
        return self.type in spec.LAYER_TYPES

    @property
    def input_frac(self) -> int | None:
        """Fractional bits of what arrives, where the file says so."""
        frac = self.group.attrs.get(INPUT_FRAC)
        return None if frac is None else int(frac)


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
        with _damage_named(str(path)):
            file = stack.enter_context(h5py.File(source, "r"))
            entries = _entries(file, str(path))
        yield entries


@contextlib.contextmanager
def _damage_named(name: str) -> Iterator[None]:
    """Whatever h5py and wrong content raise, as an error that names the place."""
    try:
        yield
    except SpecError:
        raise
    except DAMAGE as error:
        raise SpecError(f"{name}: cannot be read ({error})") from error


def _entries(file: h5py.File, name: str) -> list[Entry]:
    groups: Any = file.get("layer", {})  # h5py's items are of too many types
    order = sorted(groups, key=int)
    if not order or [int(i) for i in order] != list(range(len(order))):
        found = ", ".join(order) or "not there"
        raise SpecError(f"{name}: field 'layer': groups are {found}; must be 0, 1 ...")
    return [_entry(groups[i], int(i), f"{name}: layer/{i}") for i in order]


def _entry(group: Any, index: int, name: str) -> Entry:
    if "type" not in group:
        raise SpecError(f"{name}: field 'type' is missing")
    value = group["type"][()]
    kind = bytes(value if isinstance(value, bytes) else value.flat[0])
    return Entry(index, kind.decode("ascii"), group, name)


def is_own(entries: list[Entry]) -> bool:
    """Whether one description holds the whole file."""
    if not all(entry.is_own for entry in entries):
        return False
    return _is_whole(entries) or (
        entries[0].input_frac is None and len(runs(entries)) == 1
    )


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
    with _damage_named(file.filename):
        return spec.read(file, file.filename)


def _is_whole(entries: list[Entry]) -> bool:
    """Whether the file says of itself that it is one description."""
    return "format" in entries[0].group.file.attrs


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


def recipe_of(entry: Entry) -> spec.Recipe:
    """The recipe of a layer: its own, or that of the file."""
    has_own = "recipe" in entry.group
    with _damage_named(entry.name):
        holder = entry.group if has_own else entry.group.file
        return spec.read_recipe(holder, entry.name)


def describe(run: list[Entry]) -> spec.Network:
    """The description of neighbouring layers of this library.

    Raises
    ------
    SpecError
        When a layer is incomplete, of another version, or breaks a rule.
    """
    layers = []
    for entry in run:
        with _damage_named(entry.name):
            version = int(entry.group.attrs.get("format_version", spec.FORMAT_VERSION))
            if version != spec.FORMAT_VERSION:
                text = f"format_version is {version}, this library reads"
                raise SpecError(f"{entry.name}: {text} {spec.FORMAT_VERSION}")
            layers.append(spec.read_layer(entry.group, entry.name))
    try:
        return spec.Network(tuple(layers), recipe_of(run[0]))
    except SpecError as error:
        raise SpecError(f"{run[0].name} and what follows: {error}") from error
