# SPDX-License-Identifier: BSD-3-Clause
"""Values of settings: out of files, and as words of a command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def override(values: dict[str, Any], settings: Sequence[str]) -> None:
    """Put settings into the values of a configuration.

    Parameters
    ----------
    values : dict
        Sections are dicts in it; changed in place.
    settings : sequence of str
        ``section.key=value``; the value is JSON, or else a word.

    Raises
    ------
    ValueError
        When a setting has no ``=`` or lies below one that is no section.
    """
    for setting in settings:
        key, separator, text = setting.partition("=")
        if not separator:
            raise ValueError(f"setting {setting!r}: not of the form section.key=value")
        place = values
        *sections, last = key.split(".")
        for depth, section in enumerate(sections, 1):
            place = place.setdefault(section, {})
            if not isinstance(place, dict):
                raise ValueError(
                    f"setting {setting!r}: {'.'.join(sections[:depth])} is "
                    f"{json.dumps(place)}, not a section"
                )
        place[last] = _value(text)


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file.

    Raises
    ------
    ValueError
        If the file holds anything else.
    """
    try:
        values = json.loads(path.read_text("utf-8"))
    except ValueError as error:  # no JSON, or no UTF-8
        raise ValueError(f"{path} is not a JSON file: {error}") from None
    return _object(values, path, "JSON")


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises
    ------
    ValueError
        If the file holds anything else.
    """
    import yaml

    try:
        values = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a YAML file: {error}") from None
    return _object({} if values is None else values, path, "YAML")


def _object(values: Any, path: Path, language: str) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise ValueError(
            f"{path} holds a {language} {type(values).__name__}, must be an object "
            "with fields"
        )
    return values


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
