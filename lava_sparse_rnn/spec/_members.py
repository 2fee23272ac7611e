# SPDX-License-Identifier: BSD-3-Clause
"""Members of an HDF5 file that may be damaged: taken with care, or refused by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import SpecError, brief, frozen_ints

# Of one array: all weights of a dense 4096 x 4096 matrix.
MAX_VALUES = 1 << 24
# Of a packed layer: a dozen such matrices.
MAX_PACKED = 1 << 28
# No array is stored in less: deflate, the compression in use, reaches 1032 to 1.
MAX_COMPRESSION = 1032
# h5py has no error class of its own for damaged files, and what is read from one can
# be of any type and shape.
DAMAGE = (
    OSError,
    RuntimeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    MemoryError,
    TypeError,
    ValueError,
)


def attribute(item: Any, field: str, name: str) -> Any:
    """The attribute ``field`` of a group that messages call ``name``."""
    if field not in item.attrs:
        raise SpecError(f"{name}: field {field!r} is missing")
    return item.attrs[field]


def scalar(item: Any, field: str, kind: type, name: str) -> Any:
    """The attribute ``field``, when it is one whole number, truth value or text."""
    value = attribute(item, field, name)
    test, words = SCALARS[kind]
    if not test(value):
        raise SpecError(f"{name}: {field} is {brief(value)}, must be {words}")
    return kind(value)


def json_object(item: Any, field: str, name: str) -> dict[str, Any]:
    """The attribute ``field``, when it is an object written as JSON."""
    text = scalar(item, field, str, name)
    try:
        value = json.loads(text)
    except ValueError as error:
        raise SpecError(f"{name}: {field} is no JSON ({error})") from error
    if not isinstance(value, dict):
        raise SpecError(
            f"{name}: {field} is {type(value).__name__} in JSON, must be an object"
        )
    return value


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool | np.bool_) or (_is_int(value) and value in (0, 1))


def _is_int(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


SCALARS: dict[type, tuple[Callable[[Any], bool], str]] = {
    bool: (_is_bool, "true or false"),
    int: (_is_int, "a whole number"),
    str: (_is_text, "text"),
}


def member(group: Any, field: str, name: str) -> Any:
    """The group or dataset ``field`` of a group; links out of the file are refused."""
    if not isinstance(group, h5py.Group):
        raise SpecError(f"{name}: is a dataset, must be a group")
    if isinstance(group.get(field, getlink=True), h5py.ExternalLink):
        raise SpecError(f"{name}: field {field!r} leads to another file")
    if field not in group:
        raise SpecError(f"{name}: field {field!r} is missing")
    return group[field]


def array(group: Any, field: str, name: str, most: int = MAX_VALUES) -> NDArray:
    """The values of the dataset ``field``, at most ``most``, after a look at its size.

    Raises
    ------
    SpecError
        When it is no dataset, or claims more values than it can hold.
    """
    item = member(group, field, name)
    if not isinstance(item, h5py.Dataset) or item.shape is None:
        raise SpecError(f"{name}: field {field!r} is no array")
    if item.is_virtual or item.external:
        raise SpecError(f"{name}: field {field!r} leads to another file")
    size, stored = int(item.size or 0), int(item.id.get_storage_size())
    if size > most:
        raise SpecError(
            f"{name}: {field} has {size:,} values, at most {most:,} are read"
        )
    if size * item.dtype.itemsize > stored * MAX_COMPRESSION:
        raise SpecError(
            f"{name}: {field} has {size:,} values, but only {stored:,} bytes of them "
            "are in the file"
        )
    return item[()]


def ints(group: Any, field: str, name: str) -> NDArray[np.int64]:
    """The values of the dataset ``field``, when all of them are whole numbers."""
    return frozen_ints(array(group, field, name), f"{name}: {field}")


def smallest(values: NDArray) -> NDArray:
    """Integers in the smallest type that holds them."""
    low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
    kinds = [np.int8, np.int16, np.int32, np.int64]
    if low >= 0:
        kinds = [np.uint8, np.uint16, np.uint32, np.int64]
    fitting = (k for k in kinds if np.iinfo(k).min <= low and high <= np.iinfo(k).max)
    return values.astype(next(fitting))
