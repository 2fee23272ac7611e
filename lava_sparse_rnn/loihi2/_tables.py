# SPDX-License-Identifier: BSD-3-Clause
"""Tables of values that users write, as JSON or TOML."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from lava_sparse_rnn import messages
from lava_sparse_rnn.files import as_path, in_words
from lava_sparse_rnn.loihi2.errors import Loihi2Error

T = TypeVar("T")


def _toml(text: str) -> Any:
    # The standard library reads TOML from Python 3.11 on, as tomli does before.
    for name in ("tomllib", "tomli"):
        try:
            return importlib.import_module(name).loads(text)
        except ImportError:
            continue
    raise Loihi2Error("reading TOML needs the package tomli; JSON needs nothing")


READERS: dict[str, Callable[[str], Any]] = {".json": json.loads, ".toml": _toml}


def read_table(path: str | Path, kind: type[T]) -> T:
    """A table in a file as an object of ``kind``, every value checked.

    Raises
    ------
    Loihi2Error
        When the file is of another kind, cannot be parsed, or a field is unknown,
        missing or out of range; every such field is named.
    """
    path = as_path(path, error=Loihi2Error)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(READERS)
        raise Loihi2Error(f"{path}: ending {path.suffix!r}, must be one of: {known}")
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        told = in_words(path, error.errno, error.strerror)
        raise Loihi2Error(told) from None
    try:
        adapter: TypeAdapter[T] = TypeAdapter(kind)  # type: ignore[arg-type]
        # As JSON, strict fields still take tables for nested classes.
        return adapter.validate_json(json.dumps(reader(text), default=str))
    except ValidationError as error:
        fields = messages.fields(error.errors(), "table")
        raise Loihi2Error(f"{path}: {fields}") from None
    except Loihi2Error as error:
        raise Loihi2Error(f"{path}: {error}") from None
    except ValueError as error:
        raise Loihi2Error(f"{path}: cannot be parsed ({error})") from None
