# SPDX-License-Identifier: BSD-3-Clause
"""A network description as an HDF5 file, laid out like lava-dl's netx files.

``layer/<i>`` is a group per layer with the datasets ``type`` and ``shape`` that netx
files have. Everything else follows the dataclasses: an array is a dataset, a number
or a word is an attribute, a part is a group, a sparse matrix is the three arrays of
its CSR form. Nothing is pickled. A packed layer has all of that in one dataset, see
`_packed`; ``type`` and ``shape`` stay.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import h5py

from lava_sparse_rnn.fixed_point import SpecError
from lava_sparse_rnn.signals import uninterrupted
from lava_sparse_rnn.spec._decode import read_layer, read_recipe
from lava_sparse_rnn.spec._members import json_object, scalar
from lava_sparse_rnn.spec._network import Network
from lava_sparse_rnn.spec._shipped import is_name, locate, shipped
from lava_sparse_rnn.spec._write import FORMAT
from lava_sparse_rnn.spec.entries import (
    check_version,
    damage_named,
    describe,
    entries_of,
    numbered,
    recipe_of,
)
from lava_sparse_rnn.spec.hdf5_files import NO_NETWORK, read_from, readable


def load(path: str | Path) -> Network:
    """Read and validate a network description.

    Parameters
    ----------
    path : str or Path
        A file, or the name of a network that comes with the package: ``"denoiser"``,
        ``"denoiser_small"`` (see `spec.shipped`).

    Raises
    ------
    SpecError
        When the file is missing, truncated, not a description, of another version,
        lacks a field, or breaks a rule; the message names file and field.
    """
    path = locate(path)
    if is_name(path) and not os.path.exists(path):
        known = ", ".join(shipped())
        raise SpecError(f"{path}: no such file, and no shipped network; those: {known}")
    source = readable(path)
    with uninterrupted(), damage_named(str(path), NO_NETWORK):
        return read_from(source, partial(read, name=str(path)))


@uninterrupted()
def read(handle: h5py.Group, name: str) -> Network:
    """Read a network description from an open file or group called ``name``."""
    if "format" not in handle.attrs and "layer" in handle:
        return _of_blocks(handle, name)
    if scalar(handle, "format", str, name) != FORMAT:
        raise SpecError(f"{name}: format is not {FORMAT!r}")
    check_version(handle, name)
    try:
        meta = json_object(handle, "meta", name)
        recipe = read_recipe(handle, name)
        parts = [read_layer(group, where) for where, group in numbered(handle, name)]
        return Network(tuple(parts), recipe, meta)
    except SpecError as error:
        text = str(error)
        raise SpecError(text if text.startswith(name) else f"{name}: {text}") from error


def _of_blocks(handle: h5py.Group, name: str) -> Network:
    """A file without a header: layer by layer, as blocks of `nn.blocks` write it.

    Raises
    ------
    SpecError
        When it holds more than one network of this library.
    """
    entries = entries_of(handle, name)
    for entry in entries:
        if not entry.is_own:
            raise SpecError(
                f"{entry.name}: is of type {entry.type!r}, which is not of this "
                "library; netx.hdf5.Network reads such files"
            )
        if "recipe" not in entry.group:
            raise SpecError(
                f"{name}: field 'format' is missing, and {entry.name} has no recipe: "
                "write the network with Network.save or nn.blocks.export_hdf5"
            )
        if entry.input_frac is not None:
            raise SpecError(
                f"{entry.name}: takes integers of another library's layer "
                "(input_frac); netx.hdf5.Network reads such files"
            )
        if recipe_of(entry) != recipe_of(entries[0]):
            raise SpecError(
                f"{name}: layer/{entry.index} has another recipe than layer/0, one "
                "description has one; quantize all blocks in one call of "
                "nn.blocks.quantize, or read the file with netx.hdf5.Network"
            )
    return describe(entries)
