# SPDX-License-Identifier: BSD-3-Clause
"""A network on the cores of a board."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import Brief
from lava_sparse_rnn.loihi2.chip import Board
from lava_sparse_rnn.loihi2.errors import Loihi2Error
from lava_sparse_rnn.loihi2.groups import ChipGroup
from lava_sparse_rnn.loihi2.memory import MemoryModel, StoredConnection
from lava_sparse_rnn.loihi2.noc import Mesh

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Mapping(Brief):
    """Which core has which neurons, and what that takes.

    A *part* is a run of neurons of one group on one core. Arrays have one element per
    part, P in all; parts of a group stand together, groups in the order of their
    depths. Unless groups `share` cores, a part is a core.

    Parameters
    ----------
    board : Board
    model : MemoryModel
    groups : tuple of ChipGroup
    stored : dict of str to tuple of StoredConnection
        Inputs of each group.
    group_of : array of int, shape (P,)
        Index into `groups`.
    start, stop : array of int, shape (P,)
        The part has the neurons ``start`` to ``stop - 1`` of its group.
    place : array of int, shape (P,)
        Core number on the board: ``chip * cores per chip + place on the chip``.
    share : int
        How many groups a core may have a part of. Parts on one core share its memory
        and its time; programs, tables and messages each has for itself.
    """

    board: Board
    model: MemoryModel
    groups: tuple[ChipGroup, ...]
    stored: dict[str, tuple[StoredConnection, ...]]
    group_of: IntArray
    start: IntArray
    stop: IntArray
    place: IntArray
    share: int = 1

    def _about(self) -> str:
        cores = f"{len(self)} cores on {self.chips} of {self.board.chips} chips"
        held = f"{int(self.synapses.sum()):,} synapses, {int(self.total_bytes.sum()):,}"
        most = int(self.on_cores(self.total_bytes).max())
        fullest = f"{most:,} on the fullest core"
        what = f"{sum(g.size for g in self.groups):,} neurons in {len(self.groups)}"
        return f"{self.board.name!r}, {what} groups, {cores}, {held} bytes, {fullest}"

    def __len__(self) -> int:
        """Cores that are used, K."""
        return int(self.core_of.max()) + 1

    @property
    def parts(self) -> int:
        """Parts that the groups are cut into, P."""
        return len(self.group_of)

    @cached_property
    def core_of(self) -> IntArray:
        """Core of each part, counted from 0 in the order of their parts, shape (P,)."""
        _, first, core = np.unique(self.place, return_index=True, return_inverse=True)
        return np.argsort(np.argsort(first))[core]

    @cached_property
    def slot_of(self) -> IntArray:
        """Which of its core's parts each part is, from 0, shape (P,)."""
        seen = np.zeros(len(self), np.int64)
        slots = np.empty(self.parts, np.int64)
        for k, core in enumerate(self.core_of.tolist()):
            slots[k] = seen[core]
            seen[core] += 1
        return slots

    def on_cores(self, values: NDArray) -> NDArray:
        """Sums over the parts of each core, shape (..., P) to (..., K)."""
        return summed(values, self.core_of)

    @property
    def neurons(self) -> IntArray:
        """Neurons of each part, shape (P,)."""
        return self.stop - self.start

    @property
    def chip_of(self) -> IntArray:
        """Chip of each part, shape (P,)."""
        return self.place // self.board.chip.cores

    @cached_property
    def mesh(self) -> Mesh:
        """The network on chip."""
        return Mesh(self.board.chip)

    @property
    def router_of(self) -> IntArray:
        """Router of each part on its chip, shape (P,)."""
        return self.mesh.router_of(self.place % self.board.chip.cores)

    @property
    def chips(self) -> int:
        """Chips that are used."""
        return len(np.unique(self.chip_of))

    def cores_of(self, group: int) -> slice:
        """Where the parts of a group are in the arrays."""
        low, high = np.searchsorted(self.group_of, (group, group + 1))
        return slice(int(low), int(high))

    def describe(self, k: int) -> str:
        """A part and the core that it is on, for messages."""
        group = self.groups[self.group_of[k]].name
        on_chip = self.place[k] % self.board.chip.cores
        return (
            f"{group}, neurons {self.start[k]}..{self.stop[k] - 1} "
            f"(chip {self.chip_of[k]}, core {on_chip})"
        )

    def describe_core(self, core: int) -> str:
        """A core and all that is on it, for messages."""
        parts = np.flatnonzero(self.core_of == core).tolist()
        *others, last = (self.describe(k) for k in parts)
        return " and ".join([*(o[: o.rindex(" (")] for o in others), last])

    @cached_property
    def connections(self) -> tuple[tuple[int, StoredConnection, IntArray], ...]:
        """Every connection: (receiving group, connection, entries).

        Entries are the stored synapses of each sender on each part of the group,
        shape (parts of the group, n_in).
        """
        return tuple(
            (i, s, s.core_entries(self.neurons[self.cores_of(i)]))
            for i, group in enumerate(self.groups)
            for s in self.stored[group.name]
        )

    def listeners(self, wire: str) -> Iterator[tuple[int, NDArray[np.bool_]]]:
        """Groups that hear a wire, each with a table (its parts, senders) of who does.

        A message goes once to each part that has a synapse for it, whatever the
        number of connections there.
        """
        heard: dict[int, NDArray[np.bool_]] = {}
        for i, stored, entries in self.connections:
            if stored.connection.source == wire:
                heard[i] = heard.get(i, False) | (entries > 0)
        yield from heard.items()

    @cached_property
    def synapses(self) -> IntArray:
        """Stored synapses of each part, shape (P,)."""
        total = np.zeros(self.parts, np.int64)
        for i, _, entries in self.connections:
            total[self.cores_of(i)] += entries.sum(axis=1)
        return total

    @cached_property
    def memory(self) -> dict[str, IntArray]:
        """Bytes of each part by purpose, shape (P,) each.

        ``synapses`` (weights and indices), ``axons`` (table of senders),
        ``destinations`` (table of receivers), ``neurons`` (state, constants,
        accumulators; constants that the part's neurons share).
        """
        bits = np.zeros(self.parts, np.int64)
        axons = np.zeros(self.parts, np.int64)
        for i, stored, entries in self.connections:
            bits[self.cores_of(i)] += entries.sum(axis=1) * stored.entry_bits
            axons[self.cores_of(i)] += (entries > 0).sum(axis=1)
        own = np.array([self.model.neuron_bytes(g) for g in self.groups])
        shared = np.array([self.model.shared_bytes(g) for g in self.groups])
        return {
            "synapses": -(-bits // 8),
            "axons": axons * self.model.axon_bytes,
            "destinations": self._destinations * self.model.destination_bytes,
            "neurons": self.neurons * own[self.group_of] + shared[self.group_of],
        }

    @cached_property
    def _destinations(self) -> IntArray:
        total = np.zeros(self.parts, np.int64)
        for i, group in enumerate(self.groups):
            per_neuron = sum(self.reach(wire) for wire in group.wires)
            cores = self.cores_of(i)
            total[cores] = np.add.reduceat(per_neuron, self.start[cores])
        return total

    def reach(self, wire: str) -> IntArray:
        """How many parts each sender of a wire sends to, shape (n,)."""
        tables = [t.sum(axis=0) for _, t in self.listeners(wire)]
        if tables:
            return np.sum(tables, axis=0)
        # The answer of the last group goes to one place outside.
        size = next(g.size for g in self.groups if wire in g.wires)
        return np.ones(size, np.int64)

    @property
    def total_bytes(self) -> IntArray:
        """Bytes of each part, shape (P,)."""
        return np.sum(list(self.memory.values()), axis=0)

    @property
    def instructions(self) -> IntArray:
        """Instructions of each part for a token on the longest path, shape (P,)."""
        longest = np.array([g.report.longest for g in self.groups])
        return self.neurons * longest[self.group_of]

    @property
    def copies_per_chip(self) -> int:
        """Copies that fit one chip, for batches; 0 if one needs several chips."""
        if self.chips > 1:
            return 0
        chip = self.board.chip
        by_synapses = chip.synapses // max(int(self.synapses.sum()), 1)
        return min(chip.cores // len(self), by_synapses)

    @property
    def copies(self) -> int:
        """Copies that fit the board; a chip never has parts of two."""
        if self.chips > 1:
            return self.board.chips // self.chips
        return self.board.chips * self.copies_per_chip


def summed(values: NDArray, keys: IntArray) -> NDArray:
    """Sums over equal keys, in their order, shape (..., P) to (..., distinct keys)."""
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
    return np.add.reduceat(np.asarray(values)[..., order], starts, axis=-1)


def check_mapping(value: object, asked_by: str) -> Mapping:
    """``value`` if it is a mapping, or an error that says how to get one.

    Raises
    ------
    Loihi2Error
    """
    if isinstance(value, Mapping):
        return value
    raise Loihi2Error(
        f"{asked_by}: needs a loihi2.Mapping, got {type(value).__name__}; "
        "map_network(network) makes one"
    )
