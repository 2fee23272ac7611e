# SPDX-License-Identifier: BSD-3-Clause
"""What is followed of a sound in C, as both arithmetics have it: how loud it is, its
running level, heights above floors and changes of its features.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import Template

from lava_sparse_rnn.audio.frontend import FrontEnd
from lava_sparse_rnn.c_export.sound import _templates

# What the structure holds, by the types of its numbers, and how that is reset.
_LEVEL = """
    $number level; /* running, of the sound so far */
    int32_t frames; /* that were no silence, up to where they are not counted */"""
_LEVEL_RESET = """
    sound->level = $silence;
    sound->frames = 0;"""
_LEVEL_NUMBERS = 2  # of four bytes that are kept
_CONTRASTS = """
    int32_t since; /* frames after silence, up to where they are not counted */
    $number before[${PREFIX}_D_OUT]; /* of the last token */
    $number smooth[${PREFIX}_D_OUT], low[${PREFIX}_D_OUT]; /* courses, and floors */"""
_CONTRASTS_RESET = """
    sound->since = 0;"""
_CONTRAST_NUMBERS = 3  # of each feature

NAMES = (
    *("loudness", "level", "contrasts", "followed", "level_state", "level_work"),
    *("contrast_state", "followed_reset", "hear_contrasts"),
)


def words(
    front: FrontEnd, arithmetic: str, others: Mapping[str, object]
) -> dict[str, str]:
    """How the templates follow a sound: a text for each of `NAMES`.

    Parameters
    ----------
    front : FrontEnd
    arithmetic : str
        What the names of its templates begin with.
    others : mapping
        Its words: what these templates have to be told.
    """
    texts = dict.fromkeys(NAMES, "")
    calls = []
    if front.level_s is not None:
        calls.append("follow_level(sound, now);")
        texts["level"] = _part(f"{arithmetic}_level.c", others)
        texts["level_state"] = Template(_LEVEL).substitute(others)
        texts["level_work"] = f"\n    {others['factor']}"
        texts["followed_reset"] += Template(_LEVEL_RESET).substitute(others)
    if front.floor_rise is not None:
        calls.append("follow_silence(sound, now);")
        texts["contrasts"] = _part(f"{arithmetic}_contrasts.c", others)
        texts["contrast_state"] = Template(_CONTRASTS).substitute(others)
        texts["followed_reset"] += _CONTRASTS_RESET
        texts["hear_contrasts"] = f"\n    hear_contrasts(sound, i, {others['heard']});"
    if calls:
        texts["loudness"] = _part(f"{arithmetic}_loudness.c", others)
        now = f"    const {others['loud']} now = loudness(sound);\n"
        texts["followed"] = "\n    ".join([now, *calls])
    return texts


def _part(name: str, others: Mapping[str, object]) -> str:
    return f"\n{Template(_templates.part(name)).substitute(others)}\n"


def bytes_kept(front: FrontEnd, work: int) -> int:
    """Of the structure, `work` of them where there is a level, for work alone."""
    level = 0 if front.level_s is None else 4 * _LEVEL_NUMBERS + work
    if front.floor_rise is None:
        return level
    return level + 4 * (1 + _CONTRAST_NUMBERS * front.d_out)
