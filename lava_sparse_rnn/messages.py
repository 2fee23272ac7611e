# SPDX-License-Identifier: BSD-3-Clause
"""Sentences for what others say: the system, pydantic, a package that is missing."""

from __future__ import annotations

import difflib
import importlib.util
import json
import sys
from collections.abc import Callable, Sequence
from types import NoneType, UnionType
from typing import Any, TypeAlias, Union, get_args, get_origin

from lava_sparse_rnn.files import in_words

Place: TypeAlias = tuple[str | int, ...]
"""Of a value: the names and numbers that lead to it."""

# By pydantic's name of an error; braces hold what it says of the limit.
_RULES = {
    "greater_than": "must be above {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be below {lt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be one of: {expected}",
    "finite_number": "must be a finite number",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "string_type": "must be a word",
    "string_pattern_mismatch": "must match {pattern}",
    "path_type": "must be a path",
    "too_short": "must have at least {min_length} entries",
    "too_long": "must have at most {max_length} entries",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be an object with fields",
    "model_type": "must be an object with fields",
    "model_attributes_type": "must be an object with fields",
    "dataclass_type": "must be an object with fields",
}
# What says that it needs Python 3.10, and runs on later ones: how uv installs it there,
# what pip installs before, and what pip installs alone.
_AFTER_LAVA = (3, 11)
_LAVA = {
    "lava": ("uv sync", "", "lava-nc==0.10.0"),
    "dl": (
        "uv sync --group dl",
        "pip install '.[dl]' && ",
        "lava-nc==0.10.0 lava-dl==0.6.0",
    ),
}
_CONTROLS = {n: ascii(chr(n))[1:-1] for n in (*range(32), *range(127, 160))}
_LONGEST = 60  # characters of a value that are shown


def install(extra: str | None) -> str:
    """How to install one of the extras of ``pyproject.toml``, or what has none.

    The package is not in a registry: the commands are for a copy of the repository.
    On Pythons that Lava does not know, ``"lava"`` and ``"dl"`` need a command of
    their own.
    """
    if extra in _LAVA:
        if sys.version_info >= _AFTER_LAVA:
            uv, first, package = _LAVA[extra]
            return (
                f"run `{uv}` in the folder of the repository, or `{first}pip install "
                f"--no-deps --ignore-requires-python {package}` (their metadata allow "
                "Python 3.10 only)"
            )
        extra = None if extra == "lava" else extra
    uv, pip = (f" --extra {extra}", f"'.[{extra}]'") if extra else ("", ".")
    return f"run `uv sync{uv}` or `pip install {pip}` in the folder of the repository"


def require(room: str, extra: str | None, *modules: str) -> None:
    """Refuse to import a room without the packages that all of it needs.

    Parameters
    ----------
    room : str
        What needs them.
    extra : str or None
        That installs them; none for what every installation has.
    *modules : str
        Names of top-level modules.

    Raises
    ------
    ImportError
        With the command that installs them.
    """
    for module in modules:
        try:
            found = importlib.util.find_spec(module) is not None
        except ValueError:  # a stand-in without a spec
            found = True
        if not found:
            raise ImportError(
                f"lava_sparse_rnn.{room}: {module} is not installed; {install(extra)}",
                name=module,
            )


def sentence(error: BaseException) -> str:
    """An error as a line: the system's numbers are left out, the file comes first."""
    text = str(error) or type(error).__name__
    if isinstance(error, OSError) and text.startswith("[Errno"):
        where = error.filename or "the output"  # a stream's error names none
        return in_words(where, error.errno, error.strerror)
    return text


def on_one_line(text: str) -> str:
    """A text whose control characters are written as Python does, such as ``\\n``.

    File names may hold them: a line would be two, or change a terminal.
    """
    return text.translate(_CONTROLS)


def fields(
    errors: Sequence[Any],
    whole: str,
    most: int | None = None,
    known: Callable[[Place], Sequence[str]] | None = None,
) -> str:
    """What a check by pydantic found, as ``field is value, must be ...; ...``.

    Parameters
    ----------
    errors : sequence
        ``ValidationError.errors()``.
    whole : str
        What to call the place of an error that belongs to no field.
    most : int, optional
        Fields that are named; how many more there are is said.
    known : callable, optional
        From a place to the names that it has, such as `names_at` of a model: the
        nearest of them and all of them are told of a name that is not known.
    """
    lines = [_field(error, whole, known) for error in errors]
    if most is not None and len(lines) > most:
        lines = [*lines[:most], f"and {len(lines) - most} more"]
    return "; ".join(lines)


def names_at(model: Any, place: Place) -> list[str]:
    """Names of the fields that a model of pydantic has at a place; none if unsure."""
    for part in place:
        model = _not_none(model)
        held = getattr(model, "model_fields", None)
        if held is None:  # a mapping or a list: of values that are alike
            model = next((a for a in reversed(get_args(model)) if a is not ...), None)
        else:
            model = held[part].annotation if part in held else None
    return list(getattr(_not_none(model), "model_fields", ()))


def _not_none(hint: Any) -> Any:
    """What may be left out, given."""
    if get_origin(hint) not in (Union, UnionType):
        return hint
    return next(a for a in get_args(hint) if a is not NoneType)


def _unknown(loc: Place, known: Callable[[Place], Sequence[str]]) -> str:
    *section, name = map(str, loc)
    names = known(tuple(loc[:-1]))
    near = difflib.get_close_matches(name, names, 1)
    meant = f", did you mean {'.'.join((*section, near[0]))}?" if near else ""
    return meant + (f" (known: {', '.join(names)})" if names else "")


def _field(error: Any, whole: str, known: Any = None) -> str:
    place = ".".join(map(str, error["loc"])) or whole
    kind, about = error["type"], error.get("ctx", {})
    if kind == "missing":
        return f"{place} is missing"
    if kind == "extra_forbidden":
        return f"{place} is not known" + (
            _unknown(error["loc"], known) if known else ""
        )
    if kind not in _RULES:
        text = error["msg"].removeprefix("Value error, ")
        return f"{place}: {text}"
    value = json.dumps(error["input"], default=str)
    if len(value) > _LONGEST:
        value = value[:_LONGEST] + " ..."
    limits = {k: f"{v:g}" if isinstance(v, float) else v for k, v in about.items()}
    return f"{place} is {value}, {_RULES[kind].format(**limits)}"
