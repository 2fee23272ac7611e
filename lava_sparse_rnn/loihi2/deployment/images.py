# SPDX-License-Identifier: BSD-3-Clause
"""A bundle cut into what each core gets: its neurons, its synapses, its routes.

Most of what a backend has to do is here. A message carries an *axon*, the number of
the sending neuron in the receiving core's table, and a payload. It goes once to each
core that has a synapse for it, whatever the number of connections there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lava_sparse_rnn.fixed_point import Brief
from lava_sparse_rnn.loihi2.deployment import manifest as m
from lava_sparse_rnn.loihi2.deployment.bundle import Bundle
from lava_sparse_rnn.loihi2.deployment.program import GroupProgram

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class CoreSynapses(Brief):
    """Synapses of one connection on one core.

    Parameters
    ----------
    name : str
        Of the connection.
    accumulator : str
    delay : int
        Time steps from sending to arrival, 1 or more.
    matrix : csr_array of int32, shape (neurons, axons)
    format : {"sparse", "dense"}
    entry_bits : int
        Of one stored synapse.
    entries : array of int, shape (axons,)
        Stored synapses of each axon; with ``dense`` zeros count too.
    """

    name: str
    accumulator: str
    delay: int
    matrix: sparse.csr_array
    format: str
    entry_bits: int
    entries: IntArray


@dataclass(frozen=True, eq=False)
class Route(Brief):
    """Messages from one output of a core to another core.

    Parameters
    ----------
    wire : str
        The wire, or the input.
    output : str
        Of the sending program; empty for the input.
    target : int
        Index of the receiving core in `BoardImage.cores`.
    neurons : array of int, shape (r,)
        Which neurons of the sending core (or which inputs) are heard there.
    axons : array of int, shape (r,)
        Their numbers on the receiving core.
    """

    wire: str
    output: str
    target: int
    neurons: IntArray
    axons: IntArray


@dataclass(frozen=True, eq=False)
class CoreImage(Brief):
    """All that one core needs, or one of the parts that share it.

    Parameters
    ----------
    index : int
        In `BoardImage.cores`, and in the arrays of a backend's counters.
    chip, core : int
    slot : int
        Which of the core's parts this is; 0 unless groups share cores.
    router : tuple of int
        (x, y).
    first : int
        Its first neuron, in the group.
    part : GroupProgram
        The program, with the constants of this core's neurons.
    depth : int
        Time step of the group's first token.
    axons : int
        Size of the table of senders.
    synapses : tuple of CoreSynapses
    routes : tuple of Route
    outputs : dict of str to str
        Wire of each output of the program.
    unheard : tuple of str
        Outputs that no core listens to: answers.
    counted : dict of str to str
        Tensor of each name under which the program's overflows count.
    """

    index: int
    chip: int
    core: int
    slot: int
    router: tuple[int, int]
    first: int
    part: GroupProgram
    depth: int
    axons: int
    synapses: tuple[CoreSynapses, ...]
    routes: tuple[Route, ...]
    outputs: dict[str, str]
    unheard: tuple[str, ...]
    counted: dict[str, str]


@dataclass(frozen=True, eq=False)
class BoardImage(Brief):
    """All cores, and the ways in and out.

    Parameters
    ----------
    cores : tuple of CoreImage
    inputs : tuple of Route
        From the outside to the cores that hear it.
    output : str
        The wire with the answers.
    d_in, d_out : int
    latency, period : int
        Token ``t`` enters in step ``t * period`` and is answered in step
        ``t * period + latency``, from 0.
    """

    cores: tuple[CoreImage, ...]
    inputs: tuple[Route, ...]
    output: str
    d_in: int
    d_out: int
    latency: int
    period: int

    def tokens_in(self, depth: int, step: int, tokens: int) -> bool:
        """Whether a group at ``depth`` has one of ``tokens`` tokens in ``step``."""
        t, rest = divmod(step - depth, self.period)
        return rest == 0 and 0 <= t < tokens

    def steps(self, tokens: int) -> int:
        """Time steps until the last answer."""
        return (tokens - 1) * self.period + self.latency + 1 if tokens else 0


def board_image(bundle: Bundle, mode: str = "pipelined") -> BoardImage:
    """Cut a bundle into cores.

    Parameters
    ----------
    bundle : Bundle
    mode : {"pipelined", "fall_through"}

    Raises
    ------
    BundleError
    """
    manifest = bundle.manifest
    parts = {g.name: bundle.group_program(g.name, mode) for g in manifest.groups}
    tables = [_table(bundle, core) for core in manifest.cores]
    listeners: Listeners = {}
    for k, table in enumerate(tables):
        for wire in table.senders:
            listeners.setdefault(wire, []).append((k, table))
    groups = {g.name: g for g in manifest.groups}
    cores = tuple(
        _core(bundle, k, groups[core.group], parts[core.group], tables[k], listeners)
        for k, core in enumerate(manifest.cores)
    )
    wire = manifest.input.wire
    inputs = _routes(wire, "", 0, manifest.network.d_in, listeners)
    network = manifest.network
    return BoardImage(
        cores=cores,
        inputs=tuple(inputs),
        output=manifest.output.wire,
        d_in=network.d_in,
        d_out=network.d_out,
        latency=network.latency,
        period=bundle.period(mode),
    )


@dataclass(frozen=True, eq=False)
class _Table:
    """Who is heard on a core: each wire's senders, and the first of their axons."""

    senders: dict[str, IntArray]
    first: dict[str, int]
    matrices: list[tuple[m.Connection, sparse.csr_array]]

    @property
    def axons(self) -> int:
        return sum(len(s) for s in self.senders.values())


Listeners = dict[str, list[tuple[int, _Table]]]  # cores that hear each wire


def _table(bundle: Bundle, core: m.Core) -> _Table:
    heard: dict[str, NDArray[np.bool_]] = {}
    matrices = []
    for c in bundle.manifest.connections:
        if c.group != core.group:
            continue
        rows = slice(core.first, core.first + core.neurons)
        matrix = sparse.csr_array(bundle.weights[c.name][rows])
        stored = np.ones(c.shape[1], bool)  # the dense format has them all
        if c.format == "sparse":
            stored = np.bincount(matrix.indices, minlength=c.shape[1]) > 0
        heard[c.source] = heard.get(c.source, False) | stored
        matrices.append((c, matrix))
    senders = {wire: np.flatnonzero(who) for wire, who in heard.items()}
    starts = np.cumsum([0, *(len(s) for s in senders.values())])
    first = dict(zip(senders, starts.tolist(), strict=False))
    return _Table(senders, first, matrices)


def _synapses(table: _Table, neurons: int) -> tuple[CoreSynapses, ...]:
    """The connections of a core, their columns renamed to axons."""
    result = []
    for c, matrix in table.matrices:
        senders, first = table.senders[c.source], table.first[c.source]
        axon_of = np.full(c.shape[1], -1, np.int64)
        axon_of[senders] = first + np.arange(len(senders))
        shape = (neurons, table.axons)
        parts = (matrix.data, axon_of[matrix.indices], matrix.indptr)
        renamed = sparse.csr_array(parts, shape=shape)
        if c.format == "sparse":
            entries = np.bincount(renamed.indices, minlength=table.axons)
        else:
            entries = np.zeros(table.axons, np.int64)
            entries[axon_of[senders]] = neurons
        result.append(
            CoreSynapses(
                *(c.name, c.accumulator, c.delay, renamed, c.format, c.entry_bits),
                entries,
            )
        )
    return tuple(result)


def _routes(
    wire: str, output: str, low: int, high: int, listeners: Listeners
) -> list[Route]:
    """Ways of the messages of a wire's neurons ``low`` to ``high - 1``."""
    routes = []
    for k, table in listeners.get(wire, ()):
        senders = table.senders[wire]
        i, j = np.searchsorted(senders, (low, high))
        if i < j:
            axons = table.first[wire] + np.arange(i, j)
            routes.append(Route(wire, output, k, senders[i:j] - low, axons))
    return routes


def _core(
    bundle: Bundle,
    k: int,
    group: m.Group,
    part: GroupProgram,
    table: _Table,
    listeners: Listeners,
) -> CoreImage:
    core = bundle.manifest.cores[k]
    rows = slice(core.first, core.first + core.neurons)
    constants = {n: v[rows] if v.ndim else v for n, v in part.constants.items()}
    own = GroupProgram(
        *(part.name, part.program, constants, core.neurons),
        *(part.rounding, part.overflow),
    )
    run = (core.first, core.first + core.neurons)
    routes = [
        route
        for wire in group.wires
        for route in _routes(wire.wire, wire.output, *run, listeners)
    ]
    return CoreImage(
        index=k,
        chip=core.chip,
        core=core.core,
        slot=core.slot,
        router=(core.router[0], core.router[1]),
        first=core.first,
        part=own,
        depth=group.depth,
        axons=table.axons,
        synapses=_synapses(table, core.neurons),
        routes=tuple(routes),
        outputs={w.output: w.wire for w in group.wires},
        unheard=tuple(w.output for w in group.wires if w.wire not in listeners),
        counted=dict(group.counted),
    )
