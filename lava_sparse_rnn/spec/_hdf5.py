# SPDX-License-Identifier: BSD-3-Clause
"""A network description as an HDF5 file, laid out like lava-dl's netx files.

``layer/<i>`` is a group per layer with the datasets ``type`` and ``shape`` that netx
files have. Everything else follows the dataclasses: an array is a dataset, a number
or a word is an attribute, a part is a group, a sparse matrix is the three arrays of
its CSR form. Nothing is pickled. A packed layer has all of that in one dataset, see
`_packed`; ``type`` and ``shape`` stay.
"""

from __future__ import annotations

import json
import types
import typing
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from scipy import sparse

from lava_sparse_rnn.fixed_point import SpecError, frozen_ints
from lava_sparse_rnn.spec._members import (
    DAMAGE,
    MAX_PACKED,
    array,
    attribute,
    ints,
    member,
    scalar,
)
from lava_sparse_rnn.spec._network import Network
from lava_sparse_rnn.spec._packed import DATASET, scratch, unpack
from lava_sparse_rnn.spec._shipped import is_name, locate, shipped
from lava_sparse_rnn.spec._write import FORMAT, FORMAT_VERSION, SCALARS
from lava_sparse_rnn.spec.hdf5_files import readable
from lava_sparse_rnn.spec.layers import LAYER_TYPES, Layer, Recipe

_HINTS: dict[type, dict[str, Any]] = {}


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
    if is_name(path) and not path.exists():
        known = ", ".join(shipped())
        raise SpecError(f"{path}: no such file, and no shipped network; those: {known}")
    source = readable(path)
    try:
        with h5py.File(source, "r") as file:
            return read(file, str(path))
    except SpecError:
        raise
    except DAMAGE as error:
        raise SpecError(
            f"{path}: not a readable network description ({error})"
        ) from error


def read(handle: h5py.Group, name: str) -> Network:
    """Read a network description from an open file or group called ``name``."""
    if "format" not in handle.attrs and "layer" in handle:
        return _of_blocks(handle, name)
    if scalar(handle, "format", str, name) != FORMAT:
        raise SpecError(f"{name}: format is not {FORMAT!r}")
    version = scalar(handle, "format_version", int, name)
    if version != FORMAT_VERSION:
        raise SpecError(
            f"{name}: format_version is {version}, this library reads {FORMAT_VERSION}"
        )
    try:
        meta = _json(scalar(handle, "meta", str, name))
        if not isinstance(meta, dict):
            raise SpecError(f"meta is {type(meta).__name__} in JSON, must be an object")
        recipe = read_recipe(handle, name)
        groups = member(handle, "layer", name)
        order = [str(i) for i in range(len(groups))]
        if set(order) != set(groups):
            found = ", ".join(sorted(groups)[:9])
            raise SpecError(f"layers are called {found}, must be 0, 1, 2 ...")
        named = {f"{name}: layer/{i}": member(groups, i, name) for i in order}
        parts = [read_layer(group, where) for where, group in named.items()]
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
    groups = member(handle, "layer", name)
    order = [str(i) for i in range(len(groups))]
    if not order or set(order) != set(groups):
        found = ", ".join(sorted(groups)[:9]) or "none"
        raise SpecError(f"{name}: layers are called {found}, must be 0, 1, 2 ...")
    layers, recipes = [], []
    for i in order:
        where, group = f"{name}: layer/{i}", member(groups, i, name)
        kind = bytes(array(group, "type", where).flat[0]).decode("ascii", "replace")
        if kind not in LAYER_TYPES:
            raise SpecError(
                f"{where}: is of type {kind!r}, which is not of this library; "
                "netx.hdf5.Network reads such files"
            )
        if "recipe" not in group:
            raise SpecError(
                f"{name}: field 'format' is missing, and {where} has no recipe: write "
                "the network with Network.save or nn.blocks.export_hdf5"
            )
        version = scalar(group, "format_version", int, where)
        if version != FORMAT_VERSION:
            raise SpecError(
                f"{where}: format_version is {version}, this library reads "
                f"{FORMAT_VERSION}"
            )
        if "input_frac" in group.attrs:
            raise SpecError(
                f"{where}: takes integers of another library's layer (input_frac); "
                "netx.hdf5.Network reads such files"
            )
        layers.append(read_layer(group, where))
        recipes.append(read_recipe(group, where))
    for i, recipe in enumerate(recipes):
        if recipe != recipes[0]:
            raise SpecError(
                f"{name}: layer/{i} has another recipe than layer/0, one description "
                "has one; quantize all blocks in one call of nn.blocks.quantize, or "
                "read the file with netx.hdf5.Network"
            )
    try:
        return Network(tuple(layers), recipes[0])
    except SpecError as error:
        raise SpecError(f"{name}: {error}") from error


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise SpecError(f"meta is no JSON ({error})") from error


def read_recipe(handle: h5py.Group, name: str) -> Recipe:
    """Read the recipe of a file or group called ``name``."""
    return _decode(member(handle, "recipe", name), Recipe, f"{name}: recipe")


def read_layer(group: h5py.Group, name: str) -> Layer:
    """Read one layer from its group, called ``name`` in messages."""
    words = array(group, "type", name)
    if words.dtype.kind != "S" or words.shape != (1,):
        raise SpecError(f"{name}: type is no word")
    kind = bytes(words[0]).decode("ascii", "replace")
    if kind not in LAYER_TYPES:
        known = ", ".join(sorted(LAYER_TYPES))
        raise SpecError(f"{name}: layer type {kind!r} is unknown (known: {known})")
    if DATASET not in group:
        return _decode(group, LAYER_TYPES[kind], name)
    with scratch() as file:
        data = array(group, DATASET, name, MAX_PACKED)
        unpack(data, file, f"{name}: {DATASET}")
        return _decode(file, LAYER_TYPES[kind], name)


def _decode(group: h5py.Group, cls: type, name: str) -> Any:
    if cls not in _HINTS:
        _HINTS[cls] = typing.get_type_hints(cls)
    values: dict[str, Any] = {}
    for field in fields(cls):
        if not field.init:
            continue
        kind = _HINTS[cls][field.name]
        here = f"{name}: {field.name}"
        if kind in SCALARS:
            values[field.name] = scalar(group, field.name, kind, name)
        elif is_dataclass(kind):
            part = member(group, field.name, name)
            values[field.name] = _decode(part, typing.cast(type, kind), here)
        elif isinstance(kind, types.GenericAlias) or typing.get_origin(kind):
            values[field.name] = ints(group, field.name, name)
        else:
            values[field.name] = _csr(member(group, field.name, name), here)
    try:
        return cls(**values)
    except SpecError as error:
        raise SpecError(f"{name}: {error}") from error


def _csr(group: h5py.Group, name: str) -> sparse.csr_array:
    shape = frozen_ints(attribute(group, "shape", name), f"{name}: shape")
    if shape.shape != (2,) or shape.min() < 0:
        raise SpecError(f"{name}: shape is {shape.tolist()}, must be two sizes")
    rows, columns = shape.tolist()
    data, indices, indptr = (
        ints(group, part, name) for part in ("data", "indices", "indptr")
    )
    # scipy trusts these, and wrong ones would read beyond the arrays.
    well_formed = (
        data.ndim == indices.ndim == indptr.ndim == 1
        and len(indptr) == rows + 1
        and indptr[0] == 0
        and indptr[-1] == len(indices) == len(data)
        and (np.diff(indptr) >= 0).all()
        and (indices.size == 0 or (indices.min() >= 0 and indices.max() < columns))
    )
    if not well_formed:
        raise SpecError(f"{name}: its CSR arrays do not describe a sparse matrix")
    return sparse.csr_array((data, indices, indptr), (rows, columns))
