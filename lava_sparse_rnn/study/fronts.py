# SPDX-License-Identifier: BSD-3-Clause
"""Fronts of score against cost, and what one family saves at another's score.

A point is a size of a family: the mean over its seeds. Along a front the logarithm of
the cost is taken for linear in the score between neighbours; beyond its ends nothing
is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Point:
    """One size of a family.

    Parameters
    ----------
    costs, scores : ndarray of float, shape (seeds,)
        Costs are positive.
    """

    costs: FloatArray
    scores: FloatArray

    @property
    def cost(self) -> float:
        """Geometric mean over the seeds."""
        return float(np.exp(np.log(self.costs).mean()))

    @property
    def score(self) -> float:
        """Mean over the seeds."""
        return float(self.scores.mean())


@dataclass(frozen=True)
class Ratio:
    """Cost of a dense family over that of a sparse one, where their fronts overlap.

    Parameters
    ----------
    low, high : float
        Scores that both fronts reach.
    mean : float
        Geometric mean of the ratio over these scores.
    scores, ratios : ndarray of float
        The ratio at a few of them.
    """

    low: float
    high: float
    mean: float
    scores: FloatArray
    ratios: FloatArray


@dataclass(frozen=True)
class Interval:
    """Where 95 % of the resamples lie.

    Parameters
    ----------
    mean : tuple of float or None
        Of the mean ratio; None without two seeds of any size.
    at : list of (tuple of float or None)
        Of the ratio at each score of `Ratio.scores`.
    apart : float
        Share of the resamples whose fronts do not overlap.
    """

    mean: tuple[float, float] | None
    at: list[tuple[float, float] | None]
    apart: float


def pareto(costs: ArrayLike, scores: ArrayLike) -> NDArray[np.intp]:
    """Indices of what no other point beats, by rising cost.

    A point is beaten by one that costs no more and scores no less, and differs. Of
    equal points the first counts.

    Parameters
    ----------
    costs, scores : array_like, shape (N,)
    """
    cost, score = np.asarray(costs, float), np.asarray(scores, float)
    order = np.lexsort((np.arange(len(cost)), -score, cost))
    best = np.maximum.accumulate(np.concatenate([[-np.inf], score[order][:-1]]))
    return order[score[order] > best]


def front(points: Sequence[Point]) -> tuple[FloatArray, FloatArray]:
    """Costs and scores along the front of some sizes; both rise."""
    costs = np.array([p.cost for p in points])
    scores = np.array([p.score for p in points])
    kept = pareto(costs, scores)
    return costs[kept], scores[kept]


def cost_at(costs: FloatArray, scores: FloatArray, at: ArrayLike) -> FloatArray:
    """Cost along a front at given scores, not a number beyond its ends."""
    wanted = np.asarray(at, float)
    logs = np.interp(wanted, scores, np.log(costs), left=np.nan, right=np.nan)
    return np.exp(logs)


def ratio(
    dense: tuple[FloatArray, FloatArray],
    sparse: tuple[FloatArray, FloatArray],
    at: ArrayLike | int = 5,
) -> Ratio | None:
    """Cost of one front over that of another at equal score.

    Parameters
    ----------
    dense, sparse : tuple of ndarray
        Costs and scores, see `front`.
    at : array_like of float, or int
        Scores to tell the ratio at, or how many of equal distance.

    Returns
    -------
    Ratio or None
        None where no score, or a single one, is reached by both.
    """
    low = max(dense[1][0], sparse[1][0])
    high = min(dense[1][-1], sparse[1][-1])
    if not low < high:
        return None
    knots = np.unique(np.concatenate([dense[1], sparse[1], [low, high]]))
    knots = knots[(knots >= low) & (knots <= high)]
    # Linear between knots: the trapezoids are exact.
    logs = np.log(cost_at(*dense, knots) / cost_at(*sparse, knots))
    steps = np.diff(knots)
    mean = float(((logs[1:] + logs[:-1]) / 2 * steps).sum() / (high - low))
    scores = (
        np.linspace(low, high, at) if isinstance(at, int) else np.asarray(at, float)
    )
    ratios = cost_at(*dense, scores) / cost_at(*sparse, scores)
    return Ratio(float(low), float(high), float(np.exp(mean)), scores, ratios)


def interval(
    dense: Sequence[Point],
    sparse: Sequence[Point],
    at: ArrayLike,
    samples: int,
    seed: int = 0,
) -> Interval:
    """How far the ratio would differ with other seeds: a bootstrap of residuals.

    What the seeds of a size differ from their mean by is pooled over the sizes of a
    family, enlarged for the degree of freedom that each mean took. A resample gives
    every training such a difference at random, score and cost of one together; fronts
    and ratio are made anew of the new means. That the validation set is one draw of
    many is not in it.

    Parameters
    ----------
    dense, sparse : sequence of Point
    at : array_like of float
        Scores to tell the ratio at.
    samples : int
    seed : int
    """
    scores = np.asarray(at, float)
    pools = [_residuals(points) for points in (dense, sparse)]
    if any(len(pool) == 0 for pool in pools):
        return Interval(None, [None] * len(scores), 0.0)
    rng = np.random.default_rng(seed)
    means, found = [], []
    for _ in range(samples):
        again = [
            front([_resampled(p, pool, rng) for p in points])
            for points, pool in zip((dense, sparse), pools, strict=True)
        ]
        result = ratio(again[0], again[1], scores)
        if result is not None:
            means.append(result.mean)
            found.append(result.ratios)
    columns = np.array(found).reshape(-1, len(scores)).T
    return Interval(
        _central(means),
        [_central(column[np.isfinite(column)]) for column in columns],
        1 - len(means) / samples,
    )


def _residuals(points: Sequence[Point]) -> FloatArray:
    """Differences of single trainings from their size's mean: log cost, score."""
    found = [np.empty((0, 2))]
    for point in points:
        if (n := len(point.scores)) > 1:
            both = np.stack([np.log(point.costs), point.scores], axis=1)
            found.append((both - both.mean(axis=0)) * (n / (n - 1)) ** 0.5)
    return np.concatenate(found)


def _resampled(point: Point, pool: FloatArray, rng: np.random.Generator) -> Point:
    drawn = pool[rng.integers(len(pool), size=len(point.scores))]
    costs = point.cost * np.exp(drawn[:, 0])
    return Point(costs, point.score + drawn[:, 1])


def _central(values: ArrayLike) -> tuple[float, float] | None:
    values = np.asarray(values, float)
    if not len(values):
        return None
    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)
