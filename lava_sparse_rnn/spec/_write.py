# SPDX-License-Identifier: BSD-3-Clause
"""A network description's parts into an HDF5 file; `_hdf5` tells its layout."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from scipy import sparse

from lava_sparse_rnn.fixed_point import SpecError
from lava_sparse_rnn.signals import uninterrupted
from lava_sparse_rnn.spec._members import MAX_PACKED, SCALARS, smallest
from lava_sparse_rnn.spec._packed import DATASET, pack, scratch
from lava_sparse_rnn.spec.hdf5_files import replace_hdf5
from lava_sparse_rnn.spec.layers import Layer
from lava_sparse_rnn.spec.recipe import Recipe

FORMAT = "lava_sparse_rnn"
FORMAT_VERSION = 1
"""Of the .net files that this release writes."""


def save(
    path: str | Path,
    layers: Sequence[Layer],
    recipe: Recipe,
    meta: Mapping[str, Any],
    packed: bool = False,
) -> None:
    """Write a network's parts to ``path``, replaced only when all is written.

    With ``packed`` each layer is one compressed array, here and below.
    """
    replace_hdf5(
        path,
        lambda file: write_layers(file, layers, recipe, meta, packed),
        libver="latest",
    )


@uninterrupted()
def write_layers(
    handle: h5py.Group,
    layers: Sequence[Layer],
    recipe: Recipe,
    meta: Mapping[str, Any],
    packed: bool = False,
) -> None:
    """Write a network's parts into an open HDF5 file or group."""
    handle.attrs["format"] = FORMAT
    handle.attrs["format_version"] = FORMAT_VERSION
    handle.attrs["meta"] = _json(meta)
    write_recipe(recipe, handle)
    for i, layer in enumerate(layers):
        write_layer(layer, handle.create_group(f"layer/{i}"), packed)


def _json(meta: Mapping[str, Any]) -> str:
    try:
        return json.dumps(dict(meta), sort_keys=True)
    except (TypeError, ValueError, RecursionError) as error:
        text = f"{error}: numbers, words, lists and dicts can be kept in a file"
        raise SpecError(f"network: meta is not for JSON, {text}") from None


@uninterrupted()
def write_recipe(recipe: Recipe, handle: h5py.Group) -> None:
    """Write ``recipe`` as the group of this name in a file or group."""
    _encode(handle.create_group("recipe"), recipe)


@uninterrupted()
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


def _encode(group: h5py.Group, part: Any) -> None:
    for field in fields(part):
        value = getattr(part, field.name)
        if isinstance(value, tuple(SCALARS)):
            group.attrs[field.name] = value
        elif isinstance(value, Mapping):
            # Left out where it is empty: the file is what older versions wrote.
            if value:
                group.attrs[field.name] = json.dumps(value)
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
