# SPDX-License-Identifier: BSD-3-Clause
"""Rows of a study as sizes of families, and what one family saves beside another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from lava_sparse_rnn.study.config import StudyConfig
from lava_sparse_rnn.study.fronts import Interval, Point, Ratio, front, interval, ratio
from lava_sparse_rnn.study.table import Row

COSTS = {
    "macs": "effective MACs a token",
    "weight_bytes": "bytes of kept weights",
    "chip_bytes": "bytes on neurocores (estimate)",
    "file_bytes": "bytes of the file",
}
"""Columns of a table that a front can be drawn against."""

SCORES = {"float": "float_score", "integers": "integer_score"}
"""What a front's scores are of, and the column."""


@dataclass(frozen=True)
class Size:
    """All seeds of one size.

    Parameters
    ----------
    rows : tuple of Row
        Done, and alike in all but the seed.
    """

    rows: tuple[Row, ...]

    @property
    def first(self) -> Row:
        """What the rows have in common."""
        return self.rows[0]

    def values(self, column: str) -> np.ndarray:
        """A column, without what was not found."""
        found = (getattr(row, column) for row in self.rows)
        return np.array([v for v in found if v is not None], float)

    def mean(self, column: str) -> float | None:
        """The mean of a column over the seeds."""
        values = self.values(column)
        return float(values.mean()) if len(values) else None

    def point(self, cost: str, score: str) -> Point | None:
        """Cost and score of its trainings, or None where one was not found."""
        costs, scores = self.values(cost), self.values(score)
        if not len(costs) == len(scores) == len(self.rows):
            return None
        return Point(costs, scores)


def sizes(rows: Iterable[Row], family: str | None = None) -> list[Size]:
    """Rows that are done, those of one size together, in the order of the table."""
    found: dict[tuple, list[Row]] = {}
    for row in rows:
        if row.status == "done" and family in (None, row.family):
            key = (row.family, row.width, row.sparsity, row.activation, row.bits)
            found.setdefault(key, []).append(row)
    return [Size(tuple(alike)) for alike in found.values()]


def points(rows: Iterable[Row], family: str, cost: str, score: str) -> list[Point]:
    """The sizes of a family that have both."""
    found = (size.point(cost, score) for size in sizes(rows, family))
    return [point for point in found if point is not None]


@dataclass(frozen=True)
class Saving:
    """What a sparse family needs beside a dense one for the same score.

    Parameters
    ----------
    sparse, dense : str
        Families.
    cost, score : str
        In `COSTS` and `SCORES`; empty where there is no ratio by any of them.
    ratio : Ratio or None
        None where there is none, as `why` tells.
    interval : Interval or None
    why : str
    """

    sparse: str
    dense: str
    cost: str
    score: str
    ratio: Ratio | None = None
    interval: Interval | None = None
    why: str = ""


def savings(
    study: StudyConfig, rows: Sequence[Row], intervals: bool = True
) -> list[Saving]:
    """Every comparison of a study by every cost and score that both families have.

    Of a pair that has none in common there is one without a ratio, which tells why.
    Intervals take most of the time.
    """
    samples = study.samples if intervals else 0
    found = []
    for pair in study.compare:
        of_pair = [
            saving
            for score in SCORES
            for cost in COSTS
            if (saving := _saving(pair.sparse, pair.dense, cost, score, samples, rows))
        ]
        found += of_pair or [_none(pair.sparse, pair.dense, rows)]
    return found


def _none(sparse: str, dense: str, rows: Sequence[Row]) -> Saving:
    """Of two families that cannot be compared by anything."""
    without = [name for name in (sparse, dense) if not sizes(rows, name)]
    why = "; ".join(_unfinished(name, rows) for name in without)
    nothing = "no cost and score are known of all seeds of a size of both"
    return Saving(sparse, dense, "", "", why=why or nothing)


def _unfinished(family: str, rows: Sequence[Row]) -> str:
    """Why a family has no size: it has failed, or was not begun."""
    failed = sum(row.family == family for row in rows)
    beside = f"{failed} failed" if failed else "the table has none of it"
    return f"{family} has no trial that is done, {beside}"


def _saving(
    sparse: str,
    dense: str,
    cost: str,
    score: str,
    samples: int,
    rows: Sequence[Row],
) -> Saving | None:
    column = SCORES[score]
    few, many = (points(rows, name, cost, column) for name in (sparse, dense))
    if not few or not many:
        return None
    fronts = {sparse: front(few), dense: front(many)}
    found = ratio(fronts[dense], fronts[sparse])
    if found is None:
        why = "; ".join(
            f"{name} reaches {scores[0]:.2f} to {scores[-1]:.2f}"
            for name, (_, scores) in fronts.items()
        )
        return Saving(
            sparse, dense, cost, score, why=f"the fronts do not overlap: {why}"
        )
    spread = interval(many, few, found.scores, samples) if samples else None
    return Saving(sparse, dense, cost, score, found, spread)
