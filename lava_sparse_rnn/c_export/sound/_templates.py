# SPDX-License-Identifier: BSD-3-Clause
"""The texts that C is made of."""

from __future__ import annotations

from importlib import resources
from string import Template

from lava_sparse_rnn.c_export._fragments import LICENCE


def template(name: str) -> Template:
    """A template of this folder, as a whole file."""
    folder = resources.files("lava_sparse_rnn.c_export.sound") / "templates"
    return Template((folder / name).read_text("utf-8"))


def part(name: str) -> str:
    """A text of this folder, as a part of a file."""
    return template(name).template.removeprefix(LICENCE).rstrip()
