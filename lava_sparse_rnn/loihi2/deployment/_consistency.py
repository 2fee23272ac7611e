# SPDX-License-Identifier: BSD-3-Clause
"""What must agree inside a bundle: small functions that name what does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np

from lava_sparse_rnn.loihi2.chip import Chip
from lava_sparse_rnn.loihi2.deployment import manifest as m
from lava_sparse_rnn.loihi2.deployment.bundle import Bundle
from lava_sparse_rnn.loihi2.memory import FORMATS
from lava_sparse_rnn.microcode import Interpreter, Kind, MicrocodeError

Problems = Iterator[str]


def _wire_sizes(manifest: m.Manifest) -> dict[str, int]:
    sizes = {w.wire: g.neurons for g in manifest.groups for w in g.wires}
    return {**sizes, manifest.input.wire: manifest.network.d_in}


def names(b: Bundle) -> Problems:
    """Groups, connections and wires have names of their own."""
    wires = [b.manifest.input.wire]
    wires += [w.wire for g in b.manifest.groups for w in g.wires]
    listed = {
        "group": [g.name for g in b.manifest.groups],
        "connection": [c.name for c in b.manifest.connections],
        "wire": wires,
    }
    for what, given in listed.items():
        for name in sorted({n for n in given if given.count(n) > 1}):
            yield f"{what} {name!r} is there {given.count(name)} times"


def formats(b: Bundle) -> Problems:
    """Input and output are wires of the network's width."""
    network, sizes = b.manifest.network, _wire_sizes(b.manifest)
    for what, wire, n in (
        ("input", b.manifest.input, network.d_in),
        ("output", b.manifest.output, network.d_out),
    ):
        if sizes.get(wire.wire) != n:
            yield f"{what}: wire {wire.wire!r} has {sizes.get(wire.wire)} of {n} values"
        if len(wire.frac) != n:
            yield f"{what}: {len(wire.frac)} fracs for {n} values"


def programs(b: Bundle) -> Problems:
    """Each group's program runs with its constants and has the outputs it speaks on."""
    for group in b.manifest.groups:
        outputs = {d.name: d.bits for d in b.programs[group.name].of_kind(Kind.OUTPUT)}
        spoken = {w.output: w.bits for w in group.wires}
        if outputs != spoken:
            yield f"{group.name}: wires are {spoken}, the program's are {outputs}"
        for mode in b.manifest.periods:
            part = b.group_program(group.name, mode)
            try:
                Interpreter(part.program, part.constants, part.neurons)
            except MicrocodeError as error:
                yield f"{group.name}, {mode}: {error}"
                break


def connections(b: Bundle) -> Problems:
    """Connections lead from a wire to an accumulator, with weights that fit."""
    sizes = _wire_sizes(b.manifest)
    groups = {g.name: g for g in b.manifest.groups}
    for c in b.manifest.connections:
        if c.source not in sizes:
            yield f"{c.name}: there is no wire {c.source!r}"
            continue
        if c.group not in groups:
            yield f"{c.name}: there is no group {c.group!r}"
            continue
        accumulators = b.programs[c.group].of_kind(Kind.ACCUMULATOR)
        if c.accumulator not in {d.name for d in accumulators}:
            yield f"{c.name}: {c.group} has no accumulator {c.accumulator!r}"
        expected = [groups[c.group].neurons, sizes[c.source]]
        if c.shape != expected:
            yield f"{c.name}: shape {c.shape}, must be {expected}"


def depths(b: Bundle) -> Problems:
    """A token takes as long to each group as the connections on its way do."""
    groups, manifest = {g.name: g for g in b.manifest.groups}, b.manifest
    sent_at = {w.wire: g.depth for g in manifest.groups for w in g.wires}
    sent_at = {**sent_at, manifest.input.wire: 0}
    latency, last = manifest.network.latency, sent_at.get(manifest.output.wire)
    # A hop leads to a group of its own, so that no way is longer than there are groups.
    if latency > len(groups):
        yield (
            f"{m.FILE}, network: latency is {latency}, must be {len(groups)} at most, "
            "the number of groups"
        )
    elif last is not None and latency != last:
        yield (
            f"{m.FILE}, network: latency is {latency}, must be {last}, the depth of "
            f"the group that sends {manifest.output.wire!r}"
        )
    for group in manifest.groups:
        if group.depth > len(groups):
            yield (
                f"{m.FILE}, {group.name}: depth is {group.depth}, must be "
                f"{len(groups)} at most, the number of groups"
            )
    yield from _delays(manifest, sent_at)


def _delays(manifest: m.Manifest, sent_at: dict[str, int]) -> Problems:
    """What is sent at a depth arrives at that of the group that hears it."""
    depth_of, limit = {g.name: g.depth for g in manifest.groups}, len(manifest.groups)
    for c in manifest.connections:
        if c.group not in depth_of or c.source not in sent_at:
            continue  # said of the connection already
        depth, before = depth_of[c.group], sent_at[c.source]
        if max(depth, before) > limit:
            continue  # said of the group already
        if depth <= before:
            yield (
                f"{m.FILE}, {c.group}: depth is {depth}, must be {before + 1} or more, "
                f"as {c.source!r} is sent at depth {before}"
            )
        elif c.delay != depth - before:
            yield (
                f"{m.FILE}, {c.name}: delay is {c.delay}, must be {depth - before}, "
                f"from depth {before} of {c.source!r} to depth {depth} of {c.group}"
            )


def entries(b: Bundle) -> Problems:
    """A stored synapse has the bits of its weight and, if sparse, of an index."""
    index = b.manifest.memory_model.index(b.manifest.board.chip)
    for c in b.manifest.connections:
        expected = FORMATS[c.format].entry_bits(c.bits, index)
        if c.entry_bits != expected:
            yield (
                f"{m.FILE}, {c.name}: entry_bits is {c.entry_bits}, must be "
                f"{expected} for {c.format} weights of {c.bits} bits"
            )


def synapses(b: Bundle) -> Problems:
    """Every core has as many synapses as the arrays have for its neurons."""
    stored = {g.name: np.zeros(g.neurons, np.int64) for g in b.manifest.groups}
    for c in b.manifest.connections:
        rows, (n_out, n_in) = stored.get(c.group), c.shape
        if rows is not None and len(rows) == n_out:
            sparse = c.format == "sparse"
            rows += np.diff(b.weights[c.name].indptr) if sparse else n_in
    for core in b.manifest.cores:
        run = slice(core.first, core.first + core.neurons)
        expected = int(stored.get(core.group, np.zeros(0))[run].sum())
        if core.group in stored and core.synapses != expected:
            yield (
                f"{m.FILE}, chip {core.chip}, core {core.core}: synapses is "
                f"{core.synapses}, must be {expected}, as many as {core.group} has "
                "there"
            )


def placement(b: Bundle) -> Problems:
    """Every neuron is on one core, and every core and its slots are on the board."""
    board = b.manifest.board
    for group in b.manifest.groups:
        owners = np.zeros(group.neurons, np.int64)
        for core in b.manifest.cores:
            if core.group == group.name:
                owners[core.first : core.first + core.neurons] += 1
                if core.first + core.neurons > group.neurons:
                    last = core.first + core.neurons - 1
                    yield f"{group.name}: a core has neuron {last}, the last is " + (
                        f"{group.neurons - 1}"
                    )
        for bad in np.flatnonzero(owners != 1)[:1]:
            yield f"{group.name}: neuron {bad} is on {owners[bad]} cores"
    known = {g.name for g in b.manifest.groups}
    places = Counter((c.chip, c.core, c.slot) for c in b.manifest.cores)
    groups = Counter((c.chip, c.core, c.group) for c in b.manifest.cores)
    for core in b.manifest.cores:
        where = f"chip {core.chip}, core {core.core}"
        if core.group not in known:
            yield f"{where}: there is no group {core.group!r}"
        x, y = core.router
        mesh = x < board.chip.routers_x and y < board.chip.routers_y
        if core.chip >= board.chips or core.core >= board.chip.cores or not mesh:
            yield f"{where}, router ({x}, {y}): not on {board.name}"
        if places[core.chip, core.core, core.slot] > 1:
            yield f"{where}: used twice"
        elif groups[core.chip, core.core, core.group] > 1:
            yield f"{where}: has two parts of {core.group}"


def routers(b: Bundle) -> Problems:
    """Every core is at the router that its number says."""
    chip = b.manifest.board.chip
    for core in b.manifest.cores:
        if core.core >= chip.cores:
            continue  # said of its place already
        expected = _router(chip, core.core)
        if core.router != expected:
            yield (
                f"{m.FILE}, chip {core.chip}, core {core.core}: router is "
                f"{core.router}, must be {expected}, where the core is"
            )


def _router(chip: Chip, core: int) -> list[int]:
    """(x, y) of a core's router, as `Mesh` has it.

    Not by its table of all routers: a manifest can claim more than memory holds.
    """
    x, y = divmod(core // chip.cores_per_router, chip.routers_y)
    return [x, chip.routers_y - 1 - y if x % 2 else y]


def golden(b: Bundle) -> Problems:
    """Golden values fit their wires, and sequences make up the tokens."""
    if sum(b.lengths) != b.manifest.golden.tokens:
        yield (
            f"golden: sequences of {sum(b.lengths)} tokens, there are "
            f"{b.manifest.golden.tokens}"
        )
    for what, wire, x in (
        ("golden input", b.manifest.input, b.golden_input),
        ("golden output", b.manifest.output, b.golden_output),
    ):
        high = (1 << (wire.bits - 1)) - 1
        if (x > high).any() or (x < -high - 1).any():
            yield f"{what}: a value does not fit {wire.bits} bits"


PROBLEMS: tuple[Callable[[Bundle], Problems], ...] = (
    names,
    formats,
    programs,
    connections,
    depths,
    entries,
    placement,
    routers,
    synapses,
    golden,
)
