# SPDX-License-Identifier: BSD-3-Clause
"""What each neuron of a group takes from a core, and what a core has of it."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import Brief
from lava_sparse_rnn.loihi2.activity import Activity
from lava_sparse_rnn.loihi2.chip import Chip
from lava_sparse_rnn.loihi2.groups import ChipGroup
from lava_sparse_rnn.loihi2.memory import MemoryModel, StoredConnection

IntArray = NDArray[np.int64]

RESOURCES = (
    *("neurons", "synapse_bits", "memory_bits", "entries"),
    *("synapses", "instructions", "messages"),
)
WORK_UNIT = 64  # of measured work: means of a run are fractions
UNLIMITED = np.iinfo(np.int64).max // 4


@dataclass(frozen=True, eq=False)
class Demand(Brief):
    """A group's needs, ready to be cut into cores.

    Parameters
    ----------
    group : ChipGroup
    stored : tuple of StoredConnection
        The group's inputs.
    rows : array of int, shape (7, n)
        Of each neuron, in the order of `RESOURCES`. `memory_bits` holds what cannot
        be known before the cut by its upper bound, so that a cut always fits. The
        last three are work: what is stored, or what was measured times `WORK_UNIT`.
    caps : array of int, shape (7,)
        What a core has for neurons; of entries, which are synapses, its chip has.
    """

    group: ChipGroup
    stored: tuple[StoredConnection, ...]
    rows: IntArray
    caps: IntArray


def demand(
    group: ChipGroup,
    stored: tuple[StoredConnection, ...],
    destinations: IntArray,
    chip: Chip,
    model: MemoryModel,
    activity: Activity | None = None,
) -> Demand:
    """The needs of a group.

    Parameters
    ----------
    group : ChipGroup
    stored : tuple of StoredConnection
        Its inputs.
    destinations : array of int, shape (n,)
        Upper bound of the entries of each neuron in its core's table of destinations.
    chip : Chip
    model : MemoryModel
    activity : Activity, optional
        Work is what was measured then: synapses that messages meet, instructions that
        were executed, messages to every core that listens.
    """
    entries = sum((s.row_entries for s in stored), np.zeros(group.size, np.int64))
    synapse_bits = sum(
        (s.row_entries * s.entry_bits for s in stored), np.zeros(group.size, np.int64)
    )
    axons = 8 * model.axon_bytes
    shared = 8 * model.shared_bytes(group)
    every_axon = axons * sum(s.senders for s in stored)
    own = 8 * (model.neuron_bytes(group) + model.destination_bytes * destinations)
    # A core has an entry for each sender that reaches it: at most all senders, and
    # at most one per synapse. Very wide groups are cheaper by the second bound.
    if every_axon > 8 * chip.core_bytes // 4:
        memory, reserve = synapse_bits + own + axons * entries, shared
    else:
        memory, reserve = synapse_bits + own, shared + every_axon
    work = _stored_work(group, entries)
    if activity is not None:
        work = _measured_work(group, stored, destinations, activity)
    rows = (np.ones(group.size, np.int64), synapse_bits, memory, entries, *work)
    limits = (
        chip.neurons_per_core,
        8 * chip.synapse_bytes,
        8 * chip.core_bytes - reserve,
        chip.synapses,
    )
    caps = np.array([*limits, *[UNLIMITED] * (len(RESOURCES) - len(limits))])
    return Demand(group, stored, np.stack(rows), caps)


def _stored_work(group: ChipGroup, entries: IntArray) -> tuple[IntArray, ...]:
    """Synapses that there are, instructions of the longest path; no messages."""
    longest = np.full(group.size, group.report.longest, np.int64)
    return entries, longest, np.zeros(group.size, np.int64)


def _measured_work(
    group: ChipGroup,
    stored: tuple[StoredConnection, ...],
    destinations: IntArray,
    activity: Activity,
) -> tuple[IntArray, ...]:
    synops = met_synops(group, stored, activity)
    sent = sum(activity.messages[wire] for wire in group.wires) / len(group.wires)
    work = (synops, activity.instructions[group.name], sent * destinations)
    return tuple(np.rint(w * WORK_UNIT).astype(np.int64) for w in work)


def met_synops(
    group: ChipGroup, stored: tuple[StoredConnection, ...], activity: Activity
) -> NDArray[np.float64]:
    """Stored synapses of each neuron that messages meet, for a token, shape (n,)."""
    met = (s.row_synops(activity.messages[s.connection.source]) for s in stored)
    return sum(met, np.zeros(group.size))


def destination_bounds(
    group: ChipGroup,
    stored: Dict[str, tuple[StoredConnection, ...]],
    parts: Dict[str, int],
) -> IntArray:
    """How many cores each neuron sends to at most, summed over its wires.

    Parameters
    ----------
    group : ChipGroup
    stored : mapping from str to tuple of StoredConnection
        The inputs of every group.
    parts : mapping from str to int
        Cores of every group that comes later.

    Returns
    -------
    array of int, shape (n,)
        One for the answer of a group that nothing in the network listens to.
    """
    bound = np.zeros(group.size, np.int64)
    for wire in group.wires:
        heard = False
        for listener, inputs in stored.items():
            own = [s.column_entries for s in inputs if s.connection.source == wire]
            if own:
                bound += np.minimum(sum(own), parts[listener])
                heard = True
        bound += not heard
    return bound
