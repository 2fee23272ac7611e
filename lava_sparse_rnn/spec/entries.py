# SPDX-License-Identifier: BSD-3-Clause
"""The layers of an open file, one by one: of this library, and of others."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import h5py
import numpy as np

from lava_sparse_rnn.fixed_point import SpecError
from lava_sparse_rnn.signals import uninterrupted
from lava_sparse_rnn.spec._decode import read_layer, read_recipe
from lava_sparse_rnn.spec._members import DAMAGE, array, member, scalar
from lava_sparse_rnn.spec._network import Network
from lava_sparse_rnn.spec._write import FORMAT_VERSION
from lava_sparse_rnn.spec.hdf5_files import said_of
from lava_sparse_rnn.spec.layers import LAYER_TYPES
from lava_sparse_rnn.spec.recipe import Recipe

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
        return self.type in LAYER_TYPES

    @property
    @uninterrupted()
    def input_frac(self) -> int | None:
        """Fractional bits of what arrives, where the file says so."""
        frac = self.group.attrs.get(INPUT_FRAC)
        return None if frac is None else int(frac)


@contextlib.contextmanager
def damage_named(name: str, text: str = "cannot be read") -> Iterator[None]:
    """Whatever h5py and wrong content raise, as an error that names the place."""
    try:
        yield
    except SpecError:
        raise
    except DAMAGE as error:
        raise SpecError(f"{name}: {text} ({said_of(error)})") from error


def numbered(handle: h5py.Group, name: str) -> Iterator[tuple[str, h5py.Group]]:
    """The groups ``layer/<i>`` of a file in order, each after its name for messages.

    Raises
    ------
    SpecError
        When they are not called 0, 1, 2 and so on.
    """
    groups = member(handle, "layer", name)
    order = [str(i) for i in range(len(groups))]
    if not order or set(order) != set(groups):
        found = ", ".join(sorted(groups)[:9]) or "none"
        raise SpecError(f"{name}: layers are called {found}, must be 0, 1, 2 ...")
    for i in order:
        yield f"{name}: layer/{i}", member(groups, i, name)


@uninterrupted()
def entries_of(handle: h5py.Group, name: str) -> list[Entry]:
    """The layers of an open file or group called ``name``, in order.

    Raises
    ------
    SpecError
        When there is none, or one has no type.
    """
    entries = []
    for i, (where, group) in enumerate(numbered(handle, name)):
        kind = bytes(np.ravel(array(group, "type", where))[0])
        entries.append(Entry(i, kind.decode("ascii", "replace"), group, where))
    return entries


@uninterrupted()
def recipe_of(entry: Entry) -> Recipe:
    """The recipe of a layer: its own, or that of the file."""
    has_own = "recipe" in entry.group
    with damage_named(entry.name):
        holder = entry.group if has_own else entry.group.file
        return read_recipe(holder, entry.name)


@uninterrupted()
def describe(run: list[Entry]) -> Network:
    """The description of neighbouring layers of this library.

    Raises
    ------
    SpecError
        When a layer is incomplete, of another version, or breaks a rule.
    """
    layers = []
    for entry in run:
        with damage_named(entry.name):
            if "format_version" in entry.group.attrs:
                check_version(entry.group, entry.name)
            layers.append(read_layer(entry.group, entry.name))
    try:
        return Network(tuple(layers), recipe_of(run[0]))
    except SpecError as error:
        raise SpecError(f"{run[0].name} and what follows: {error}") from error


def check_version(handle: h5py.Group, name: str) -> None:
    """Refuse a file or layer of another version of the format.

    Raises
    ------
    SpecError
    """
    version = scalar(handle, "format_version", int, name)
    if version != FORMAT_VERSION:
        raise SpecError(
            f"{name}: format_version is {version}, this library reads {FORMAT_VERSION}"
        )
