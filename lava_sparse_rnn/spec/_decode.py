# SPDX-License-Identifier: BSD-3-Clause
"""Layers and recipes from the groups of an HDF5 file, laid out as `_write` says."""

from __future__ import annotations

import collections.abc
import types
import typing
from dataclasses import fields, is_dataclass
from typing import Any

import h5py
import numpy as np
from scipy import sparse

from lava_sparse_rnn.fixed_point import SpecError, choose, frozen_ints
from lava_sparse_rnn.signals import uninterrupted
from lava_sparse_rnn.spec._members import (
    MAX_PACKED,
    SCALARS,
    array,
    attribute,
    ints,
    json_object,
    member,
    scalar,
)
from lava_sparse_rnn.spec._packed import DATASET, scratch, unpack
from lava_sparse_rnn.spec.layers import LAYER_TYPES, Layer
from lava_sparse_rnn.spec.recipe import Recipe

_HINTS: dict[type, dict[str, Any]] = {}


@uninterrupted()
def read_recipe(handle: h5py.Group, name: str) -> Recipe:
    """Read the recipe of a file or group called ``name``."""
    return _decode(member(handle, "recipe", name), Recipe, f"{name}: recipe")


@uninterrupted()
def read_layer(group: h5py.Group, name: str) -> Layer:
    """Read one layer from its group, called ``name`` in messages."""
    words = array(group, "type", name)
    if words.dtype.kind != "S" or words.shape != (1,):
        raise SpecError(f"{name}: type is no word")
    kind = bytes(words[0]).decode("ascii", "replace")
    cls = choose(f"{name}: layer type", kind, LAYER_TYPES)
    if DATASET not in group:
        return _decode(group, cls, name)
    with scratch() as file:
        data = array(group, DATASET, name, MAX_PACKED)
        unpack(data, file, f"{name}: {DATASET}")
        return _decode(file, cls, name)


def _decode(group: h5py.Group, cls: type, name: str) -> Any:
    if cls not in _HINTS:
        _HINTS[cls] = typing.get_type_hints(cls)
    values: dict[str, Any] = {}
    for field in fields(cls):
        if not field.init:
            continue
        kind = _HINTS[cls][field.name]
        here = f"{name}: {field.name}"
        if typing.get_origin(kind) is collections.abc.Mapping:
            if field.name in group.attrs:
                values[field.name] = json_object(group, field.name, name)
        elif kind in SCALARS:
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
