# SPDX-License-Identifier: BSD-3-Clause
"""What must agree inside a bundle: small functions that name what does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np

from lava_sparse_rnn.loihi2.deployment import manifest as m
from lava_sparse_rnn.loihi2.deployment.bundle import Bundle
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
        data, high = b.weights[c.name].data, (1 << (c.bits - 1)) - 1
        if data.size and (data.max() > high or data.min() < -high - 1):
            yield f"{c.name}: a weight does not fit {c.bits} bits"


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
    placement,
    golden,
)
