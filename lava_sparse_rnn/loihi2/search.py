# SPDX-License-Identifier: BSD-3-Clause
"""Searching a mapping whose busiest core has less to do.

Cutting groups into cores of their own is solved exactly in `partition`. What is left is
the cut of one row, and, where groups may share cores, who shares with whom: local moves
from the mapping that is there, and small shakes where no move helps any more.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.loihi2.activity import Activity
from lava_sparse_rnn.loihi2.demand import RESOURCES, demand, met_synops
from lava_sparse_rnn.loihi2.mapping import Mapping
from lava_sparse_rnn.loihi2.partition import WORK
from lava_sparse_rnn.loihi2.rules import violations

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
Run = tuple[int, int, int]
"""Group, first neuron, and the neuron after the last."""
Way = tuple[IntArray, IntArray, IntArray]
"""Cores that may take, and first and last end of what they may take."""

SIZES = 24  # how many neurons a move takes: so many numbers of them are tried
PATIENCE = 12  # shakes that bring nothing before the search ends
SHAKES = 4  # moves of a shake


def core_work(mapping: Mapping, activity: Activity | None = None) -> FloatArray:
    """What each core does for a token, shape (K,): the largest of three.

    Parameters
    ----------
    mapping : Mapping
    activity : Activity, optional
        As `sweep.work` counts it on the run that was measured: synaptic operations,
        instructions, messages. Without it stored synapses, and instructions on the
        longest path.
    """
    if activity is None:
        parts = np.stack([mapping.synapses, mapping.instructions])
    else:
        parts = np.concatenate(
            [_measured(mapping, activity, i) for i in range(len(mapping.groups))], 1
        )
    return np.max(mapping.on_cores(parts), axis=0).astype(np.float64)


def _measured(mapping: Mapping, activity: Activity, i: int) -> FloatArray:
    """Three resources of each part of group ``i``, shape (3, parts)."""
    group = mapping.groups[i]
    synops = met_synops(group, mapping.stored[group.name], activity)
    sent = sum(activity.messages[w] * mapping.reach(w) for w in group.wires)
    rows = np.stack([synops, activity.instructions[group.name], sent])
    return np.add.reduceat(rows, mapping.start[mapping.cores_of(i)], axis=1)


def improve(
    mapping: Mapping,
    seconds: float,
    seed: int = 0,
    activity: Activity | None = None,
    cores: int | None = None,
) -> Mapping:
    """Lower the work of the busiest core by local moves.

    A move takes neurons from an end of a part on the busiest core to another core: to a
    part beside it, or, where `Mapping.share` leaves room, to a part of its own. Only
    moves that leave both cores with less than the busiest had are made, the best one
    first. Where there is none, some random moves are made and undone if nothing comes
    of them. The same seed gives the same mapping, unless time runs out.

    Parameters
    ----------
    mapping : Mapping
        Where to start; its `share` says how many groups a core may have.
    seconds : float
        Time to take at most; the search ends before, where it finds nothing more.
    seed : int
        Of the random moves.
    activity : Activity, optional
        What work is counted by; by what is stored, if not given.
    cores : int, optional
        Cores to use at most; as many as the mapping has, if not given.

    Returns
    -------
    Mapping
        That keeps every rule, and whose busiest core (`core_work`) has no more to do
        than before.
    """
    until = time.monotonic() + seconds
    rng = np.random.default_rng(seed)
    best, least = mapping, float(core_work(mapping, activity).max())
    while time.monotonic() < until:
        # Messages depend on all cuts: their number is taken as it is now.
        table = _Table.of(best, cores or len(mapping), activity)
        found = _Climb(table, rng, until).run().mapping(best)
        most = float(core_work(found, activity).max())
        if most >= least or violations(found):
            break
        best, least = found, most
    return best


@dataclass(frozen=True, eq=False)
class _Table:
    """What rows of each group take, as running sums, and what cores have.

    Parameters
    ----------
    sums : list of array, shape (R, n + 1)
        Of each group, R resources.
    fixed : list of array, shape (R,)
        What a part of each group takes besides its rows.
    caps : array, shape (R,)
    runs : list of list of Run
        Of each core.
    places, chips : array of int, shape (cores,)
    share : int
    """

    sums: list[FloatArray]
    fixed: list[FloatArray]
    caps: FloatArray
    runs: list[list[Run]]
    places: IntArray
    chips: IntArray
    share: int

    @classmethod
    def of(cls, mapping: Mapping, cores: int, activity: Activity | None) -> _Table:
        """The table of a mapping."""
        chip, model = mapping.board.chip, mapping.model
        memory = RESOURCES.index("memory_bits")
        sums, fixed, caps = [], [], np.zeros(len(RESOURCES))
        for group in mapping.groups:
            reach = np.sum([mapping.reach(w) for w in group.wires], axis=0)
            stored = mapping.stored[group.name]
            d = demand(group, stored, reach, chip, model, activity)
            sums.append(np.pad(np.cumsum(d.rows, axis=1), ((0, 0), (1, 0))))
            caps = d.caps.astype(np.float64)
            own = np.zeros(len(RESOURCES))
            own[memory] = 8 * chip.core_bytes - caps[memory]
            fixed.append(own)
        caps[memory] = 8 * chip.core_bytes
        runs: list[list[Run]] = [[] for _ in range(max(cores, len(mapping)))]
        for part, core in enumerate(mapping.core_of.tolist()):
            run = mapping.group_of[part], mapping.start[part], mapping.stop[part]
            runs[core].append((int(run[0]), int(run[1]), int(run[2])))
        _, first = np.unique(mapping.core_of, return_index=True)
        places = mapping.place[first]
        free = np.setdiff1d(np.arange(mapping.board.cores), places)
        places = np.append(places, free[: len(runs) - len(places)])
        chips = places // chip.cores
        runs = runs[: len(places)]
        return cls(sums, fixed, caps, runs, places, chips, mapping.share)

    def load(self, runs: list[Run]) -> FloatArray:
        """What runs of a core take together, shape (R,)."""
        load = np.zeros(len(self.caps))
        for g, i, j in runs:
            load += self.sums[g][:, j] - self.sums[g][:, i] + self.fixed[g]
        return load


@dataclass(frozen=True, eq=False)
class _Move:
    """Rows ``low`` to ``high - 1`` of a run of core ``giver``, to ``taker``."""

    giver: int
    run: Run
    taker: int
    low: int
    high: int


class _Climb:
    """Moves from one mapping on, in a table whose rows do not change."""

    def __init__(self, table: _Table, rng: np.random.Generator, until: float) -> None:
        self.table, self.rng, self.until = table, rng, until
        self.work = list(WORK)
        self._take([list(runs) for runs in table.runs])

    def _take(self, runs: list[list[Run]]) -> None:
        self.runs = runs
        self.loads = np.stack([self.table.load(r) for r in runs])

    @property
    def peaks(self) -> FloatArray:
        """Work of each core, shape (cores,)."""
        return self.loads[:, self.work].max(axis=1)

    def run(self) -> _Climb:
        """Climb, shake, climb again; ends in the best that was found."""
        self._descend()
        best, least, idle = self.runs, self.peaks.max(), 0
        while idle < PATIENCE and time.monotonic() < self.until:
            self._take([list(runs) for runs in best])
            for _ in range(SHAKES):
                self._shake()
            self._descend()
            idle += 1
            if self.peaks.max() < least:
                best, least, idle = self.runs, self.peaks.max(), 0
        self._take(best)
        return self

    def _descend(self) -> None:
        while time.monotonic() < self.until:
            busiest = int(self.peaks.argmax())
            move = self._best(busiest)
            if move is None:
                return
            self._do(move)

    def _best(self, giver: int) -> _Move | None:
        """The move after which the fuller of two cores has least, if less than now."""
        best, least = None, self.peaks[giver] - 0.5
        for run in self.runs[giver]:
            for takers, low, high in self._ways(giver, run):
                after = self._after(giver, run, takers, low, high)
                at, taker = np.unravel_index(after.argmin(), after.shape)
                if after[at, taker] < least:
                    least = after[at, taker]
                    ends = int(low[at]), int(high[at])
                    best = _Move(giver, run, int(takers[taker]), *ends)
        return best

    def _ways(self, giver: int, run: Run) -> Iterator[Way]:
        """What may be moved from either end of a run, and where to."""
        _, i, j = run
        sizes = np.unique(np.rint(np.geomspace(1, j - i, SIZES)).astype(np.int64))
        sizes = np.union1d(sizes, j - i - sizes)
        sizes = sizes[sizes > 0]
        before, behind, others = self._takers(giver, run)
        if takers := [*others, *before]:
            yield np.array(takers), np.full(len(sizes), i), i + sizes
        if takers := [*others, *behind]:
            yield np.array(takers), j - sizes, np.full(len(sizes), j)

    def _takers(self, giver: int, run: Run) -> tuple[list[int], list[int], list[int]]:
        """Cores with the part before a run, behind it, and with room for a new one."""
        g, i, j = run
        before, behind, others = [], [], []
        for core, runs in enumerate(self.runs):
            if core == giver or self.table.chips[core] != self.table.chips[giver]:
                continue
            own = [r for r in runs if r[0] == g]
            if not own and len(runs) < self.table.share:
                others.append(core)
            elif own and own[0][2] == i:
                before.append(core)
            elif own and own[0][1] == j:
                behind.append(core)
        return before, behind, others

    def _after(
        self, giver: int, run: Run, takers: IntArray, low: IntArray, high: IntArray
    ) -> FloatArray:
        """Work of the fuller of both cores after moves, shape (sizes, takers)."""
        g, i, j = run
        sums, fixed = self.table.sums[g], self.table.fixed[g]
        moved = (sums[:, high] - sums[:, low]).T  # (sizes, R)
        whole = (high - low == j - i)[:, None]
        left = self.loads[giver] - moved - np.where(whole, fixed, 0.0)
        has = np.array([any(r[0] == g for r in self.runs[t]) for t in takers])
        added = np.where(has[:, None], 0.0, fixed)
        taken = (self.loads[takers] + added)[None] + moved[:, None]
        fits = (taken <= self.table.caps).all(axis=2)
        most = taken[:, :, self.work].max(axis=2)
        most = np.maximum(most, left[:, self.work].max(axis=1)[:, None])
        return np.where(fits, most, np.inf)

    def _do(self, move: _Move) -> None:
        g, i, j = move.run
        giver, taker = self.runs[move.giver], self.runs[move.taker]
        giver.remove(move.run)
        left = (g, move.high, j) if move.low == i else (g, i, move.low)
        if left[1] < left[2]:
            giver.append(left)
        low, high = move.low, move.high
        for other in [r for r in taker if r[0] == g]:
            taker.remove(other)
            low, high = min(low, other[1]), max(high, other[2])
        taker.append((g, low, high))
        for core in (move.giver, move.taker):
            self.loads[core] = self.table.load(self.runs[core])

    def _shake(self) -> None:
        """A random move that keeps the limits; none where the dice find none."""
        full = [core for core, runs in enumerate(self.runs) if runs]
        giver = int(self.rng.choice(full))
        runs = self.runs[giver]
        run = runs[int(self.rng.integers(len(runs)))]
        ways = list(self._ways(giver, run))
        if not ways:
            return
        takers, low, high = ways[int(self.rng.integers(len(ways)))]
        after = self._after(giver, run, takers, low, high)
        choices = np.argwhere(np.isfinite(after))
        if len(choices):
            at, taker = choices[int(self.rng.integers(len(choices)))]
            ends = int(low[at]), int(high[at])
            self._do(_Move(giver, run, int(takers[taker]), *ends))

    def mapping(self, before: Mapping) -> Mapping:
        """The runs as a mapping."""
        parts = sorted(
            (*run, int(self.table.places[core]))
            for core, runs in enumerate(self.runs)
            for run in runs
        )
        group_of, start, stop, place = np.array(parts, np.int64).T
        return replace(before, group_of=group_of, start=start, stop=stop, place=place)
