# SPDX-License-Identifier: BSD-3-Clause
"""Cutting groups into cores.

A group is cut into contiguous runs of neurons. For given caps, taking as many
neurons as fit, core after core, needs the fewest cores; so the least largest load
is found by bisection over the caps.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from collections.abc import Mapping as Dict
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.loihi2.activity import Activity
from lava_sparse_rnn.loihi2.chip import Board
from lava_sparse_rnn.loihi2.demand import (
    RESOURCES,
    Demand,
    demand,
    destination_bounds,
)
from lava_sparse_rnn.loihi2.groups import ChipGroup
from lava_sparse_rnn.loihi2.memory import MemoryModel, StoredConnection
from lava_sparse_rnn.loihi2.rules import check_groups, check_plan

IntArray = NDArray[np.int64]
Cuts = list[int]
T = TypeVar("T")
MEMORY = RESOURCES.index("memory_bits")
WORK = tuple(map(RESOURCES.index, ("synapses", "instructions", "messages")))
PRECISION = 1e-3  # of the bisections, relative


def pack(rows: IntArray, caps: NDArray, most: int | None = None) -> Cuts | None:
    """Fill one core after another.

    Parameters
    ----------
    rows : array of int, shape (R, n)
        What each neuron takes of each resource.
    caps : array, shape (R,)
        What a core has.
    most : int, optional
        Give up beyond so many cores.

    Returns
    -------
    list of int, or None
        First neuron of every core, and ``n``; None if there is no such cut.
    """
    n = rows.shape[1]
    # Lists: bisection in Python beats a call of numpy per resource and core.
    sums = [[0, *np.cumsum(row).tolist()] for row in rows]
    limits = [float(c) for c in caps]
    cuts = [0]
    while cuts[-1] < n:
        i = cuts[-1]
        j = min(
            bisect_right(s, s[i] + cap, lo=i) - 1
            for s, cap in zip(sums, limits, strict=True)
        )
        if j <= i or len(cuts) - 1 == most:
            return None
        cuts.append(j)
    return cuts


def lower_bounds(rows: IntArray, parts: int) -> NDArray[np.float64]:
    """Least possible largest load: ``max(largest row, sum of rows / parts)``."""
    return np.maximum(rows.max(axis=1), rows.sum(axis=1) / parts)


def balance(d: Demand, parts: int) -> Cuts:
    """Cut a group into at most ``parts`` cores as evenly as runs of neurons allow.

    Minimises, each without making worse what comes before it:

    1. the most that one core has to do: the largest of its synapses, instructions
       and messages;
    2. each of these, on the core where it is largest, that with the largest sum first;
    3. the memory of the fullest core.

    Parameters
    ----------
    d : Demand
    parts : int
        At least as many as the limits need.
    """
    sums = d.rows.sum(axis=1)
    by_work = sorted(WORK, key=lambda r: -sums[r])
    caps = d.caps.astype(np.float64)
    cuts: Cuts = []
    for goal in (by_work, *([r] for r in by_work), [MEMORY]):
        goal = list(goal)

        def cut(cap: float, goal: list[int] = goal) -> Cuts | None:
            tried = caps.copy()
            tried[goal] = np.minimum(tried[goal], cap)
            return pack(d.rows, tried, parts)

        low = float(lower_bounds(d.rows[goal], parts).max())
        high = float(sums[goal].max())
        cuts = _bisect(cut, low, max(low, high))
        reached = np.add.reduceat(d.rows[goal], cuts[:-1], axis=1).max()
        caps[goal] = np.minimum(caps[goal], reached)
    return cuts


def _bisect(attempt: Callable[[float], T | None], low: float, high: float) -> T:
    """What an attempt gives with the least cap, to `PRECISION`, that it succeeds with.

    It is known to succeed with ``high``, where other limits are all that binds.
    """
    best = attempt(low)
    if best is not None:
        return best
    best = attempt(high)
    # Loads are whole numbers: caps less than one apart need not be told apart.
    while high - low > max(PRECISION * high, 0.5):
        middle = (low + high) / 2
        found = attempt(middle)
        if found is None:
            low = middle
        else:
            high, best = middle, found
    assert best is not None
    return best


class Planner:
    """Decides how many cores every group gets, and where they are cut.

    Parameters
    ----------
    groups : sequence of ChipGroup
    stored : mapping from str to tuple of StoredConnection
        The inputs of each group, by its name.
    board : Board
    model : MemoryModel
    activity : Activity, optional
        What work is counted by; by what is stored, if not given.
    """

    def __init__(
        self,
        groups: tuple[ChipGroup, ...],
        stored: Dict[str, tuple[StoredConnection, ...]],
        board: Board,
        model: MemoryModel,
        activity: Activity | None = None,
    ) -> None:
        self.groups, self.stored = groups, stored
        self.board, self.model, self.activity = board, model, activity

    def plan(self, cores: int | None) -> list[Cuts]:
        """Cuts of every group.

        Parameters
        ----------
        cores : int, optional
            How many to use. By default as few as the limits allow.

        Returns
        -------
        list of list of int
            Per group: first neuron of every core, and the number of neurons.
        """
        fewest = self._cut_all(self._fit)
        least = {g.name: len(c) - 1 for g, c in zip(self.groups, fewest, strict=True)}
        check_plan(least, self.board, cores)
        parts = least
        if cores is not None and cores > sum(least.values()):
            parts = self._allot(cores)
        return self._cut_all(lambda d: balance(d, parts[d.group.name]), parts)

    def _fit(self, d: Demand) -> Cuts:
        check_groups(d, self.board.chip)
        cuts = pack(d.rows, d.caps)
        assert cuts is not None  # every neuron fits a core, as was just checked
        return cuts

    def _cut_all(
        self,
        cut: Callable[[Demand], Cuts],
        parts: Dict[str, int] | None = None,
    ) -> list[Cuts]:
        """Cut the groups from the last to the first.

        How many cores listen to a neuron is then known when its own are planned.
        """
        known = dict(parts or {})
        cuts: list[Cuts] = []
        for group in reversed(self.groups):
            destinations = destination_bounds(group, self.stored, known)
            stored = self.stored[group.name]
            limits = self.board.chip, self.model, self.activity
            d = demand(group, stored, destinations, *limits)
            cuts.append(cut(d))
            known[group.name] = len(cuts[-1]) - 1
        return cuts[::-1]

    def _allot(self, cores: int) -> dict[str, int]:
        """Cores per group such that the most loaded core has the least to do.

        The load of a core is the largest of its synapses, instructions and messages:
        as no public figure relates them, one counts as much as the other.
        """
        names = [g.name for g in self.groups]
        most = 0

        def fit(d: Demand) -> Cuts:
            nonlocal most
            most = max(most, int(d.rows[list(WORK)].sum(axis=1).max()))
            return self._fit(d)

        self._cut_all(fit)

        def attempt(load: float) -> dict[str, int] | None:
            try:
                cuts = self._cut_all(lambda d: _cut_to(d, load))
            except _TooManyDestinationsError:
                return None
            parts = [len(c) - 1 for c in cuts]
            return dict(zip(names, parts, strict=True)) if sum(parts) <= cores else None

        return _bisect(attempt, 0.0, float(most))


class _TooManyDestinationsError(Exception):
    """So many cores listen to a neuron that its table of them does not fit."""


def _cut_to(d: Demand, load: float) -> Cuts:
    """Cut a group so that no core has more than ``load`` to do, or one neuron."""
    caps = d.caps.astype(np.float64)
    for r in WORK:
        caps[r] = max(load, float(d.rows[r].max()))
    cuts = pack(d.rows, caps)
    if cuts is None:
        raise _TooManyDestinationsError
    return cuts
