# SPDX-License-Identifier: BSD-3-Clause
"""Heights above floors and changes of features in C: what both arithmetics have."""

from __future__ import annotations

from collections.abc import Mapping
from string import Template

from lava_sparse_rnn.audio.frontend import FrontEnd
from lava_sparse_rnn.c_export.sound import _templates

# What the structure holds of them, by the types of its numbers.
_STATE = """
    int32_t begun; /* whether any token came before */
    $number before[${PREFIX}_D_OUT]; /* of the last token */
    $number smooth[${PREFIX}_D_OUT], low[${PREFIX}_D_OUT]; /* courses, and floors */"""
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
    names = ("contrast", "state", "reset", "hear", "begun")
    if front.floor_rise is None:
        texts = [""] * len(names)
    else:
        texts = [
            f"\n{Template(_templates.part(part)).substitute(others)}\n",
            Template(_STATE).substitute(others),
            "\n    sound->begun = 0;",
            f"\n    hear_contrasts(sound, i, {others['heard']});",
            "\n    sound->begun = 1;",
        ]
    return {
        name if name == "contrast" else f"contrast_{name}": text
        for name, text in zip(names, texts, strict=True)
    }


def numbers(front: FrontEnd) -> int:
    """Of four bytes each that are kept."""
    return 0 if front.floor_rise is None else 1 + _NUMBERS * front.d_out
