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

from lava_sparse_rnn.files import replacing
from lava_sparse_rnn.fixed_point import SpecError, frozen_ints
from lava_sparse_rnn.spec._members import (
    DAMAGE,
    MAX_PACKED,
    array,
    attribute,
    ints,
    member,
    scalar,
    smallest,
)
from lava_sparse_rnn.spec._packed import DATASET, pack, scratch, unpack
from lava_sparse_rnn.spec.layers import LAYER_TYPES, Layer, Network, Recipe

FORMAT = "lava_sparse_rnn"
FORMAT_VERSION = 1

_SCALARS = (bool, int, str)
_HINTS: dict[type, dict[str, Any]] = {}


def save(network: Network, path: str | Path, packed: bool = False) -> None:
    """Write ``network`` to ``path``, replacing a file only when all is written.

    With ``packed`` each layer is one compressed array, here and below.
    """
    with (
        replacing(path) as temporary,
        h5py.File(temporary, "w", libver="latest") as file,
    ):
        write(network, file, packed)


def write(network: Network, handle: h5py.Group, packed: bool = False) -> None:
    """Write ``network`` into an open HDF5 file or group."""
    handle.attrs["format"] = FORMAT
    handle.attrs["format_version"] = FORMAT_VERSION
    handle.attrs["meta"] = json.dumps(network.meta, sort_keys=True)
    write_recipe(network.recipe, handle)
    for i, layer in enumerate(network.layers):
        write_layer(layer, handle.create_group(f"layer/{i}"), packed)


def write_recipe(recipe: Recipe, handle: h5py.Group) -> None:
    """Write ``recipe`` as the group of this name in a file or group."""
    _encode(handle.create_group("recipe"), recipe)


def write_layer(layer: Layer, group: h5py.Group, packed: bool = False) -> None:
    """Write one layer into a group of its own, ``layer/<i>``."""
    group.create_dataset("type", data=[layer.type.encode()], dtype="S16")
    group.create_dataset("shape", data=np.array([layer.out.size]))
    if not packed:
        _encode(group, layer)
        return
    with scratch() as file:
        _encode(file, layer)
        data = pack(file)
    if data.size > MAX_PACKED:
        raise SpecError(
            f"{group.name}: packed, it has {data.size:,} bytes, at most "
            f"{MAX_PACKED:,} are read: save it without packed=True"
        )
    group.create_dataset(DATASET, data=data, chunks=data.shape, compression=9)


def load(path: str | Path) -> Network:
    """Read and validate a network description.

    Raises
    ------
    SpecError
        When the file is missing, truncated, not a description, of another version,
        lacks a field, or breaks a rule; the message names file and field.
    """
    path = Path(path)
    if not path.is_file():
        raise SpecError(f"{path}: no such file")
    try:
        with h5py.File(path, "r") as file:
            return read(file, str(path))
    except SpecError:
        raise
    except DAMAGE as error:
        raise SpecError(
            f"{path}: not a readable network description ({error})"
        ) from error


def read(handle: h5py.Group, name: str) -> Network:
    """Read a network description from an open file or group called ``name``."""
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


def _encode(group: h5py.Group, part: Any) -> None:
    for field in fields(part):
        value = getattr(part, field.name)
        if isinstance(value, _SCALARS):
            group.attrs[field.name] = value
        elif isinstance(value, np.ndarray):
            _put(group, field.name, value)
        elif sparse.issparse(value):
            matrix = group.create_group(field.name)
            matrix.attrs["shape"] = value.shape
            for name in ("data", "indices", "indptr"):
                _put(matrix, name, getattr(value, name))
        else:
            _encode(group.create_group(field.name), value)


def _put(group: h5py.Group, name: str, array: np.ndarray) -> None:
    """Store integers in the smallest type that holds them, compressed if it pays."""
    # Below a few hundred bytes HDF5's chunk index is larger than what is saved.
    options = {"compression": 9, "shuffle": True} if array.size > 512 else {}
    group.create_dataset(name, data=smallest(array), **options)


def _decode(group: h5py.Group, cls: type, name: str) -> Any:
    if cls not in _HINTS:
        _HINTS[cls] = typing.get_type_hints(cls)
    values: dict[str, Any] = {}
    for field in fields(cls):
        if not field.init:
            continue
        kind = _HINTS[cls][field.name]
        here = f"{name}: {field.name}"
        if kind in _SCALARS:
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
