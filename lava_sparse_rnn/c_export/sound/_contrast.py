# SPDX-License-Identifier: BSD-3-Clause
"""Heights above floors and changes of features in C: what both arithmetics have."""

from __future__ import annotations

from collections.abc import Mapping
from string import Template

from lava_sparse_rnn.audio.frontend import FrontEnd
from lava_sparse_rnn.c_export.sound import _templates

_PARTS = "state", "reset", "hear"
NAMES = ("contrast", *(f"contrast_{part}" for part in _PARTS))

# What the structure holds of them, by the types of its numbers.
_STATE = """
    $number before[${PREFIX}_D_OUT]; /* of the last token */
    $number smooth[${PREFIX}_D_OUT], low[${PREFIX}_D_OUT]; /* courses, and floors */"""
_RESET = """
    for (i = 0; i < ${PREFIX}_D_OUT; ++i)
        sound->smooth[i] = $silence;"""
_NUMBERS = 3  # of each feature, of four bytes, that are kept


def words(front: FrontEnd, part: str, others: Mapping[str, object]) -> dict[str, str]:
    """How the templates hear contrasts.

    Parameters
    ----------
    front : FrontEnd
    part : str
        Name of the template with the function ``hear_contrasts``.
    others : mapping
        Words of the arithmetic: what that template has to be told, and ``heard``, the
        number whose contrasts they are.
    """
    if front.floor_rise is None:
        return dict.fromkeys(NAMES, "")
    texts = (
        f"\n{Template(_templates.part(part)).substitute(others)}\n",
        Template(_STATE).substitute(others),
        Template(_RESET).substitute(others),
        f"\n    hear_contrasts(sound, i, {others['heard']});",
    )
    return dict(zip(NAMES, texts, strict=True))


def numbers(front: FrontEnd) -> int:
    """Of four bytes each that are kept."""
    return 0 if front.floor_rise is None else _NUMBERS * front.d_out
