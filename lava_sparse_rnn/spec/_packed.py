# SPDX-License-Identifier: BSD-3-Clause
"""All members of an HDF5 group in one compressed dataset.

HDF5 spends some hundred bytes on each array, a small network has a hundred arrays.
Packed, a layer is one array of bytes: the length of a table as four bytes, the table
as JSON, then the values. Arrays of one name stand together, their bytes of equal
significance too, and the columns of a sparse matrix are the distances from one weight
to the next: all that helps the compression.
"""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import SpecError
from lava_sparse_rnn.spec._members import DAMAGE, MAX_VALUES, smallest

DATASET = "packed"
_KINDS = ("|u1", "|i1", "<u2", "<i2", "<u4", "<i4", "<i8")
_LENGTH = 4


@contextmanager
def scratch() -> Iterator[h5py.File]:
    """An empty HDF5 file in memory, another one for every call."""
    # HDF5 knows open files by their names, also those that are nowhere but in memory.
    name = f"scratch-{uuid.uuid4().hex}"
    with h5py.File(name, "w", driver="core", backing_store=False) as file:
        yield file


def pack(group: h5py.Group) -> NDArray[np.uint8]:
    """Attributes and arrays of integers below a group, as bytes."""
    attributes: dict[str, Any] = {}
    arrays: dict[str, NDArray] = {}

    def visit(path: str, item: h5py.Group | h5py.Dataset) -> None:
        for field, value in item.attrs.items():
            attributes[f"{path}/{field}"] = _plain(value)
        if isinstance(item, h5py.Dataset):
            arrays[path] = np.asarray(item[()])

    visit("", group)
    group.visititems(visit)
    for path in _matrices(arrays):
        _to_distances(arrays, path)
    order = sorted(arrays, key=lambda path: (path.rpartition("/")[2], path))
    table, values = [], []
    for path in order:
        value = arrays[path]
        value = value.astype(value.dtype.newbyteorder("<"))
        table.append([path, value.dtype.str, list(value.shape)])
        width = value.dtype.itemsize
        planes = value.reshape(-1, 1).view(np.uint8).reshape(value.size, width)
        values.append(planes.T.tobytes())
    text = json.dumps([attributes, table], separators=(",", ":")).encode()
    data = len(text).to_bytes(_LENGTH, "little") + text + b"".join(values)
    return np.frombuffer(data, np.uint8)


def unpack(packed: NDArray, group: h5py.Group, name: str) -> None:
    """Put back into an empty group what `pack` has taken out of one.

    Raises
    ------
    SpecError
        When the bytes, those of the array called `name`, are not what `pack` writes.
    """
    if packed.dtype != np.uint8 or packed.ndim != 1:
        raise SpecError(f"{name}: {packed.dtype} of shape {packed.shape}, not bytes")
    data = packed.tobytes()
    try:
        length = int.from_bytes(data[:_LENGTH], "little")
        attributes, table = json.loads(data[_LENGTH : _LENGTH + length])
        arrays = _values(table, data[_LENGTH + length :])
        for path in _matrices(arrays):
            _from_distances(arrays, path)
        for path, value in arrays.items():
            group.create_dataset(path, data=value)
        for path, value in attributes.items():
            owner, _, field = path.rpartition("/")
            group.require_group(f"./{owner}").attrs[field] = value
    except SpecError as error:
        raise SpecError(f"{name}: {error}") from error
    except DAMAGE as error:
        raise SpecError(f"{name}: not a packed layer ({error})") from error


def _plain(value: Any) -> Any:
    """A value of an attribute as JSON has it."""
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value


def _values(table: Any, data: bytes) -> dict[str, NDArray]:
    arrays, at = {}, 0
    for path, kind, shape in table:
        if kind not in _KINDS:
            known = ", ".join(_KINDS)
            raise SpecError(f"{path}: values of type {kind!r} (known: {known})")
        if path in arrays:
            raise SpecError(f"{path}: is there twice")
        whole = all(isinstance(n, int) and n >= 0 for n in shape)
        size, width = int(math.prod(shape)) if whole else -1, np.dtype(kind).itemsize
        if not 0 <= size <= MAX_VALUES:
            raise SpecError(
                f"{path}: shape {shape}, must have 0 to {MAX_VALUES:,} values"
            )
        planes = np.frombuffer(data[at : at + size * width], np.uint8)
        if len(planes) != size * width:
            raise SpecError(
                f"{path}: {len(planes):,} bytes of values, must be {size * width:,}"
            )
        values = np.ascontiguousarray(planes.reshape(width, size).T)
        arrays[path] = values.view(kind).reshape(shape)
        at += size * width
    if at != len(data):
        raise SpecError(f"{len(data) - at} bytes too many")
    return arrays


def _matrices(arrays: dict[str, NDArray]) -> list[str]:
    """Paths of the groups that are sparse matrices."""
    owners = [p.removesuffix("indptr") for p in arrays if p.endswith("/indptr")]
    return [p for p in owners if f"{p}indices" in arrays]


def _to_distances(arrays: dict[str, NDArray], path: str) -> None:
    """Columns as distances within a row, minus one; row starts as counts."""
    starts = arrays[f"{path}indptr"].astype(np.int64)
    columns = arrays[f"{path}indices"].astype(np.int64)
    counts = np.diff(starts)
    distances = np.diff(columns, prepend=-1) - 1
    first = starts[:-1][counts > 0]
    distances[first] = columns[first]
    arrays[f"{path}indptr"] = smallest(counts)
    arrays[f"{path}indices"] = smallest(distances)


def _from_distances(arrays: dict[str, NDArray], path: str) -> None:
    counts = arrays[f"{path}indptr"].astype(np.int64)
    distances = arrays[f"{path}indices"].astype(np.int64)
    if counts.ndim != 1 or distances.ndim != 1:
        raise SpecError(f"{path}: row starts and columns must have one dimension")
    starts = np.concatenate([[0], np.cumsum(counts)])
    if starts[-1] != distances.size:
        raise SpecError(
            f"{path}indptr: {starts[-1]} weights, but {distances.size} columns"
        )
    total = np.cumsum(distances + 1)
    before = np.concatenate([[0], total])[starts[:-1]]
    arrays[f"{path}indptr"] = starts
    arrays[f"{path}indices"] = total - 1 - np.repeat(before, counts)
