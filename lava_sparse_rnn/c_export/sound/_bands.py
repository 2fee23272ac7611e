# SPDX-License-Identifier: BSD-3-Clause
"""Bands of a spectrum in C: what both arithmetics have of them."""

from __future__ import annotations

from collections.abc import Mapping
from string import Template

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.audio.frontend import FrontEnd
from lava_sparse_rnn.audio.sound.bands import Bands
from lava_sparse_rnn.c_export._c import Tables, uint_type
from lava_sparse_rnn.c_export.sound import _templates
from lava_sparse_rnn.fixed_point import SpecError

LEAST = 2.0**-8  # that weights add up to: a band of less is lost in 32 bits


def sums(bands: Bands) -> NDArray[np.float64]:
    """What the weights of each band add up to, (count,).

    Raises
    ------
    SpecError
        When that is too little for the C to count with.
    """
    found = bands.weights.sum(axis=1)
    if found.min() < LEAST:
        band = int(found.argmin())
        raise SpecError(
            f"network: erb_bands is {bands.count}, the weights of band {band} add up "
            f"to {found[band]:g}, the front end in C needs {LEAST:g}"
        )
    return found


def words(front: FrontEnd, part: str, others: Mapping[str, object]) -> dict[str, str]:
    """How the templates hear bands and answer for bins, with a template for both."""
    if front.bands is None:
        return {"bands": "", "hear_bands": "", "answer_of": "answer_at"}
    text = Template(_templates.part(part)).substitute(others)
    return {
        "bands": f"\n{text}\n",
        "hear_bands": "\n    hear_bands(sound);",
        "answer_of": "interpolated",
    }


def sizes(tables: Tables, front: FrontEnd) -> str:
    """The numbers of a token that are bins, and those that are bands; their table."""
    bands = front.bands
    if bands is None:
        return "enum { LINEAR = HALF + 1 }; /* numbers of a token are bins */"
    tables.add("band_lower", uint_type(bands.count), bands.lower)
    return (
        f"enum {{ LINEAR = {bands.linear}, BANDS = {bands.count} }}; /* numbers of a "
        "token: bins, then bands */"
    )
