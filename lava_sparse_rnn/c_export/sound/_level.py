# SPDX-License-Identifier: BSD-3-Clause
"""The running level of a sound in C: what both arithmetics have of it."""

from __future__ import annotations

from collections.abc import Mapping
from string import Template

from lava_sparse_rnn.audio.frontend import FrontEnd
from lava_sparse_rnn.c_export.sound import _templates

NAMES = "level", "level_state", "level_work", "level_reset", "follow_level"

# What the structure holds of it, by the types of its numbers.
_STATE = """
    $number level; /* running, of the sound so far */
    int32_t frames; /* that were heard, up to where their number no longer matters */"""
_RESET = "\n    sound->level = $level_floor;\n    sound->frames = 0;"
NUMBERS = 2  # of four bytes that are kept


def words(front: FrontEnd, part: str, others: Mapping[str, object]) -> dict[str, str]:
    """How the templates bring a spectrum to one level: a text for each of `NAMES`.

    Parameters
    ----------
    front : FrontEnd
    part : str
        Name of the template with the function ``follow_level``.
    others : mapping
        Words of the arithmetic: what that template has to be told.
    """
    if front.level_s is None:
        return dict.fromkeys(NAMES, "")
    text = Template(_templates.part(part)).substitute(others)
    return {
        "level": f"\n{text}\n",
        "level_state": Template(_STATE).substitute(others),
        "level_work": f"\n    {others['factor']}",
        "level_reset": Template(_RESET).substitute(others),
        "follow_level": "\n    follow_level(sound);\n",
    }
