# SPDX-License-Identifier: BSD-3-Clause
"""Design rules: what must hold on the chip, one small function for each.

A rule yields a `Violation` for each object that breaks it. Rules about one group
look at what it needs before it is cut, rules about the plan at how many cores that
takes, rules about the mapping at every core that it uses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Mapping as Dict
from dataclasses import dataclass
from typing import Any

import numpy as np

from lava_sparse_rnn.loihi2.chip import Board, Chip
from lava_sparse_rnn.loihi2.demand import RESOURCES, Demand
from lava_sparse_rnn.loihi2.errors import Loihi2Error
from lava_sparse_rnn.loihi2.mapping import Mapping


@dataclass(frozen=True)
class Violation:
    """A limit that something breaks.

    Parameters
    ----------
    rule : str
    what : str
        Layer, group or core.
    value, limit : int
    unit : str
    """

    rule: str
    what: str
    value: int
    limit: int
    unit: str

    def __str__(self) -> str:
        over = self.value - self.limit
        return (
            f"{self.what}: {self.value:,} {self.unit}, the limit is {self.limit:,} "
            f"({over:,} too many; rule {self.rule})"
        )


Rule = Callable[..., Iterator[Violation]]
RULES: dict[str, list[Rule]] = {"group": [], "plan": [], "mapping": []}
"""Rules of a mapping, by what they are about; `rule` adds one."""


def rule(about: str) -> Callable[[Rule], Rule]:
    """Register a rule about a group, a plan or a mapping."""

    def register(function: Rule) -> Rule:
        RULES[about].append(function)
        return function

    return register


def _over(name: str, what: str, value: Any, limit: int, unit: str):
    if value > limit:
        yield Violation(name, what, int(value), int(limit), unit)


@rule("group")
def weight_bits(d: Demand, chip: Chip) -> Iterator[Violation]:
    """A stored weight is no wider than the chip's."""
    for s in d.stored:
        c = s.connection
        yield from _over(
            "weight_bits", c.name, c.bits, chip.weight_bits, "bits per weight"
        )


@rule("group")
def payload_bits(d: Demand, chip: Chip) -> Iterator[Violation]:
    """A payload is no wider than the chip's graded spikes."""
    for wire in d.group.wires:
        bits = d.group.payload_bits
        yield from _over("payload_bits", wire, bits, chip.payload_bits, "payload bits")


@rule("group")
def state_bytes(d: Demand, chip: Chip) -> Iterator[Violation]:
    """A neuron's state and its own constants fit what a neuron may have."""
    report = d.group.report
    value = report.state_bytes + report.constant_bytes
    limit = chip.state_bytes_per_neuron
    unit = "bytes of state and constants per neuron"
    yield from _over("state_bytes", d.group.name, value, limit, unit)


def _largest_neuron(
    name: str, d: Demand, resource: str, unit: str, per_unit: int = 8
) -> Iterator[Violation]:
    row = d.rows[RESOURCES.index(resource)]
    worst = int(row.argmax())
    limit = max(int(d.caps[RESOURCES.index(resource)]), 0) // per_unit
    value = -(-int(row[worst]) // per_unit)
    yield from _over(name, f"{d.group.name}, neuron {worst}", value, limit, unit)


@rule("group")
def neuron_synapses(d: Demand, chip: Chip) -> Iterator[Violation]:
    """The synapses of one neuron fit the synaptic memory of one core."""
    unit = "bytes of synapses for one neuron"
    yield from _largest_neuron("neuron_synapses", d, "synapse_bits", unit)


@rule("group")
def neuron_memory(d: Demand, chip: Chip) -> Iterator[Violation]:
    """One neuron fits one core, beside what every core of its group needs."""
    unit = "bytes for one neuron"
    yield from _largest_neuron("neuron_memory", d, "memory_bits", unit)


@rule("group")
def neuron_entries(d: Demand, chip: Chip) -> Iterator[Violation]:
    """One neuron has no more synapses than a chip may."""
    unit = "synapses for one neuron"
    yield from _largest_neuron("neuron_entries", d, "entries", unit, 1)


@rule("plan")
def enough_cores(
    least: Dict[str, int], board: Board, cores: int | None
) -> Iterator[Violation]:
    """The board has the cores that the groups need at least."""
    total = sum(least.values())
    groups = ", ".join(f"{name} {n}" for name, n in least.items())
    what = f"network on {board.name} (cores: {groups})"
    yield from _over("enough_cores", what, total, board.cores, "cores")


@rule("plan")
def cores_wanted(
    least: Dict[str, int], board: Board, cores: int | None
) -> Iterator[Violation]:
    """The number of cores that was asked for exists, and is enough."""
    if cores is not None:
        yield from _over(
            "cores_wanted", f"cores wanted on {board.name}", cores, board.cores, "cores"
        )
        total = sum(least.values())
        what = f"network, mapped on the {cores} cores wanted"
        yield from _over("cores_wanted", what, total, cores, "cores")


def _cores(
    mapping: Mapping, name: str, values: Any, limit: int, unit: str
) -> Iterator[Violation]:
    held = mapping.on_cores(values)
    for k in np.flatnonzero(held > limit):
        what = mapping.describe_core(int(k))
        yield Violation(name, what, int(held[k]), limit, unit)


@rule("mapping")
def core_neurons(m: Mapping) -> Iterator[Violation]:
    """A core has no more neurons than it may."""
    limit = m.board.chip.neurons_per_core
    yield from _cores(m, "core_neurons", m.neurons, limit, "neurons")


@rule("mapping")
def core_synapses(m: Mapping) -> Iterator[Violation]:
    """A core's synapses fit its synaptic memory."""
    limit, used = m.board.chip.synapse_bytes, m.memory["synapses"]
    yield from _cores(m, "core_synapses", used, limit, "bytes of synapses")


@rule("mapping")
def core_memory(m: Mapping) -> Iterator[Violation]:
    """All that a core holds fits its memory."""
    limit = m.board.chip.core_bytes
    yield from _cores(m, "core_memory", m.total_bytes, limit, "bytes")


@rule("mapping")
def chip_synapses(m: Mapping) -> Iterator[Violation]:
    """A chip has no more synapses than it may."""
    limit = m.board.chip.synapses
    per_chip = np.bincount(m.chip_of, weights=m.synapses)
    for i in np.flatnonzero(per_chip > limit):
        what, value = f"chip {i}", int(per_chip[i])
        yield Violation("chip_synapses", what, value, limit, "synapses")


@rule("mapping")
def one_place_each(m: Mapping) -> Iterator[Violation]:
    """No more parts share a core than may, one of a group, and every place exists."""
    places, counts = np.unique(m.place, return_counts=True)
    for p in places[counts > m.share]:
        held = int(counts[places == p][0])
        yield Violation("one_place_each", f"core {p}", held, m.share, "parts")
    twice, counts = np.unique((m.place, m.group_of), axis=1, return_counts=True)
    for p, g in twice[:, counts > 1].T:
        what = f"core {p}, {m.groups[g].name}"
        yield Violation("one_place_each", what, 2, 1, "parts of one group")
    what = f"{m.board.name}, up to the last core that is used"
    upto = places[-1] + 1  # cores count from 0
    yield from _over("one_place_each", what, upto, m.board.cores, "cores")


SHOWN = 5  # violations in one message


def require(violations: Iterable[Violation]) -> None:
    """Raise what was found, if anything.

    Raises
    ------
    Loihi2Error
        With the first few violations.
    """
    found = list(violations)
    if not found:
        return
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    raise Loihi2Error("; ".join(str(v) for v in found[:SHOWN]) + more)


def check_groups(d: Demand, chip: Chip) -> None:
    """Apply the rules about one group."""
    require(v for r in RULES["group"] for v in r(d, chip))


def check_plan(least: Dict[str, int], board: Board, cores: int | None) -> None:
    """Apply the rules about a plan."""
    require(v for r in RULES["plan"] for v in r(least, board, cores))


def check_chips(chips: int, board: Board) -> None:
    """Refuse a board of too few chips for a network whose cores it has.

    Synapses are then what filled them: no other limit leaves cores of a chip unused.
    """
    what = (
        f"network on {board.name}, with {board.chip.synapses:,} synapses at most on a "
        "chip"
    )
    require(_over("chip_synapses", what, chips, board.chips, "chips"))


def violations(mapping: Mapping) -> list[Violation]:
    """What a mapping breaks; nothing for one that `map_network` made."""
    return [v for r in RULES["mapping"] for v in r(mapping)]
