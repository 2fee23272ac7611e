# SPDX-License-Identifier: BSD-3-Clause
"""By which coefficients the estimates of rows are."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from lava_sparse_rnn.loihi2 import PRESETS, Coefficients, as_coefficients
from lava_sparse_rnn.study.config import StudyConfig
from lava_sparse_rnn.study.table import Row


def digest(coefficients: Coefficients) -> str:
    """Of the name and all values; a file may have the name of a preset."""
    # Without what has no value: costs that later versions know change nothing.
    text = coefficients.model_dump_json(exclude={"source"}, exclude_none=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def is_by(row: Row, coefficients: Coefficients) -> bool:
    """Whether the estimates of a row, if it has any, are by these coefficients."""
    if row.coefficients is None:
        return True
    kept = row.coefficients_digest
    if kept is None and row.coefficients in PRESETS:
        # Of a version that kept the name alone; what a file held is not known.
        kept = digest(PRESETS[row.coefficients])
    return kept == digest(coefficients)


def told(study: StudyConfig, rows: Sequence[Row]) -> str:
    """By which coefficients the estimates of a table are, as part of a sentence."""
    wanted = as_coefficients(study.coefficients)
    estimated = [row for row in rows if row.coefficients is not None]
    if not estimated:
        return "no row has estimates by coefficients"
    asked = wanted.name
    if asked != study.coefficients:
        asked += f" ({study.coefficients})"
    stale = [row for row in estimated if not is_by(row, wanted)]
    if not stale:
        return f"estimates are by coefficients of {asked}"
    others = ", ".join(sorted({str(row.coefficients) for row in stale}))
    return (
        f"estimates of {len(stale)} of {len(estimated)} rows are by coefficients of "
        f"{others}, not by those that the study names, {asked}: `study run` makes them "
        "anew"
    )
