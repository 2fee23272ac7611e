# SPDX-License-Identifier: BSD-3-Clause
"""What every core does for each token, counted on a run of the reference executor.

Nothing here is measured on a chip. Counts follow from the integers of the run, the
neuron programs and the mapping; they need no coefficient.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping as Dict
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import Brief
from lava_sparse_rnn.loihi2.errors import Loihi2Error
from lava_sparse_rnn.loihi2.groups import INPUT, ChipGroup, neuron_groups
from lava_sparse_rnn.loihi2.mapping import Mapping, check_mapping, summed
from lava_sparse_rnn.loihi2.memory import FORMATS
from lava_sparse_rnn.spec import Network, check_network, reference, statistics
from lava_sparse_rnn.spec.sequences import Sequences, SequencesLike, in_a_row

FloatArray = NDArray[np.float64]
Active = Dict[str, NDArray[np.bool_]]

PER_CORE = (
    *(f"{name}_synops" for name in FORMATS),
    "memory_reads",
    "neuron_updates",
    "instructions",
    "spikes",
    "messages_out",
    "messages_in",
    "hops_east_west",
    "hops_north_south",
    "chip_crossings",
)


@dataclass(frozen=True, eq=False)
class Tally(Brief):
    """Counts of some tokens.

    Parameters
    ----------
    per_part : dict of str to array, shape (T, P)
        For each name in `PER_CORE`: what each part of a group does for each token, in
        the step in which its group has that token.

        ``sparse_synops``, ``dense_synops``: stored synapses that a message meets, by
        format; zeros stored by the dense format and copies included.
        ``memory_reads``: words of synaptic memory that are read for them, at least
        one per message and connection.
        ``neuron_updates``: neurons whose program runs.
        ``instructions``: what these programs execute.
        ``spikes``: payloads that are not 0.
        ``messages_out``: the same, once per part they go to. ``messages_in``: those
        that arrive.
        ``hops_*``: links that the messages a part sends take, XY routing, on its own
        chip. ``chip_crossings``: messages to another chip.
    links : array, shape (G, T, L)
        Messages of each group on each link of every used chip, links as in `Mesh`.
    core_of : array of int, shape (P,), optional
        Core of each part, as in `Mapping`; a core each, if not given.
    """

    per_part: dict[str, FloatArray]
    links: NDArray[np.float32]
    core_of: NDArray[np.int64] | None = None

    def _about(self) -> str:
        shown = ("neuron_updates", "instructions", "spikes", "messages_out")
        means = (f"{self.per_token(n):,.0f} {n.replace('_', ' ')}" for n in shown)
        per_token = f"{self.synops.sum(axis=1).mean():,.0f} synops, {', '.join(means)}"
        cores = self.synops.shape[1]
        return f"{self.tokens} tokens on {cores} cores; per token {per_token}"

    @cached_property
    def per_core(self) -> dict[str, FloatArray]:
        """`per_part`, summed over the parts of each core, shape (T, K) each."""
        if self.core_of is None:
            return self.per_part
        return {name: summed(v, self.core_of) for name, v in self.per_part.items()}

    @property
    def tokens(self) -> int:
        """Number of tokens, T."""
        return self.links.shape[1]

    @property
    def synops(self) -> FloatArray:
        """Synaptic operations of all formats, shape (T, K)."""
        return np.sum([self.per_core[f"{n}_synops"] for n in FORMATS], axis=0)

    def per_token(self, name: str) -> float:
        """Mean over tokens of the sum over cores."""
        return float(self.per_part[name].sum(axis=1).mean())


@dataclass(frozen=True, eq=False)
class Counts(Brief):
    """Counts of a run.

    Parameters
    ----------
    mapping : Mapping
    real : Tally
        Of the tokens.
    idle : Tally
        Of one step without a token, for fall-through: recurrences are silent then,
        but all neurons are updated, and biases may send messages.
    synops : array, shape (T,)
        Weights other than zero that meet a message, without copies: what the
        network, not its mapping, needs. As in `spec.statistics.activity`.
    lengths : tuple of int
        Tokens of each sequence; one sequence of all if not given.
    """

    mapping: Mapping
    real: Tally
    idle: Tally
    synops: FloatArray
    lengths: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.lengths:
            object.__setattr__(self, "lengths", (self.real.tokens,))

    @property
    def per_sequence(self) -> float:
        """Tokens of a sequence, on average: what costs of a token are times."""
        return float(np.mean(self.lengths))

    def _about(self) -> str:
        synops = f"{self.synops.mean():,.0f} synops of the network"
        return f"{self.real._about()}, {synops}"


def count(
    network: Network,
    x: SequencesLike,
    mapping: Mapping,
    trace: Dict[str, Any] | None = None,
) -> Counts:
    """Count what a mapped network does on real input.

    Parameters
    ----------
    network : Network
    x : array of int, shape (T, d_in) or (N, T, d_in), or a list of arrays (T_i, d_in)
        One sequence, or several, each from a zero state.
    mapping : Mapping
        Of the same network.
    trace : mapping, optional
        What `spec.reference.run` filled for the same ``x``: to count several mappings
        of one run. Made here if not given.

    Returns
    -------
    Counts

    Raises
    ------
    Loihi2Error
        When there is no token, or the mapping is of another network.
    SpecError
        When ``x`` does not fit the network.
    """
    check_network(network, "count", x, mapping)
    check_same(network, check_mapping(mapping, "count"))
    sequences = Sequences.of(network, x)
    tokens = sequences.tokens
    if not len(tokens):
        raise Loihi2Error("no tokens: counts need at least one")
    if trace is None:
        reference.run(network, x, trace := {})
    active = {
        wire: active_on(trace, wire, group.size)
        for group in mapping.groups
        for wire in group.wires
    }
    for wire, sent in active.items():
        if len(sent) != len(tokens):
            raise Loihi2Error(
                f"the trace has {len(sent)} tokens of {wire!r}, x has {len(tokens)}"
            )
    active[INPUT] = tokens != 0
    useful = statistics.useful_synops(network, x, trace).sum(axis=0, dtype=float)
    idle = {name: v != 0 for name, v in idle_wires(network).items()}
    return Counts(
        *(mapping, tally(mapping, active, True), tally(mapping, idle, False), useful),
        lengths=sequences.lengths,
    )


def active_on(trace: Dict[str, Any], wire: str, n: int) -> NDArray[np.bool_]:
    """Whether each of a wire's ``n`` senders sends, by a trace, shape (T, n).

    Raises
    ------
    Loihi2Error
        When the wire is missing or of another width.
    """
    if wire not in trace:
        raise Loihi2Error(
            f"activity: the trace lacks {wire!r}; spec.reference.run(network, x, "
            "trace) fills one"
        )
    sent = in_a_row(trace[wire])
    if sent.shape[1] != n:
        raise Loihi2Error(f"activity: {wire!r} has {sent.shape[1]} values, must be {n}")
    return sent != 0


def check_same(network: Network, mapping: Mapping) -> None:
    """Refuse the mapping of another network.

    Raises
    ------
    Loihi2Error
        With the first group or connection that differs.
    """
    own = neuron_groups(network)
    if len(own) != len(mapping.groups):
        raise Loihi2Error(
            f"the mapping is of another network: it has {len(mapping.groups)} groups, "
            f"the network {len(own)}"
        )
    for group, mapped in zip(own, mapping.groups, strict=True):
        for a, b in zip(group.inputs, mapped.inputs, strict=False):
            if a.shape != b.shape or (a.matrix - b.matrix).nnz:
                raise Loihi2Error(
                    f"the mapping is of another network: {a.name} differs"
                )
        if group.kind != mapped.kind or group.constants != mapped.constants:
            raise Loihi2Error(
                f"the mapping is of another network: {group.name} differs"
            )


def idle_wires(network: Network) -> dict[str, NDArray]:
    """What every wire carries between tokens in fall-through, shape (1, n) each.

    Nothing arrives from outside and recurrences send nothing, so what is left comes
    from biases.
    """
    u = np.zeros((1, network.d_in), dtype=np.int64)
    wires, _ = reference.Reference(network).idle(u, np.zeros(1, dtype=np.int64))
    return {INPUT: u, **wires}


def _spike_each(sent: list[NDArray[np.bool_]]) -> NDArray[np.int64]:
    return np.sum(sent, axis=0, dtype=np.int64)


def _spike_together(sent: list[NDArray[np.bool_]]) -> NDArray[np.int64]:
    return len(sent) * np.any(sent, axis=0).astype(np.int64)


def _spike_always(sent: list[NDArray[np.bool_]]) -> NDArray[np.int64]:
    return np.zeros(sent[0].shape, dtype=np.int64)  # the shortest path has them


SPIKES: dict[str, Callable[[list], NDArray[np.int64]]] = {
    "each": _spike_each,
    "together": _spike_together,
    "always": _spike_always,
}


def tally(mapping: Mapping, active: Active, token: bool) -> Tally:
    """Counts for wires of which is known who sends.

    Parameters
    ----------
    mapping : Mapping
    active : mapping from str to array of bool, shape (T, n)
        Whether each payload of each wire is other than 0.
    token : bool
        Whether recurrences have a token, or wait for one.
    """
    n_tokens = len(active[INPUT])
    shape = (n_tokens, mapping.parts)
    per_part = {name: np.zeros(shape) for name in PER_CORE}
    links = mapping.chips * mapping.mesh.links
    traffic = np.zeros((len(mapping.groups), n_tokens, links), np.float32)
    for i, stored, entries in mapping.connections:
        cores = mapping.cores_of(i)
        sent = active[stored.connection.source].astype(np.float64)
        per_part[f"{stored.format.name}_synops"][:, cores] += sent @ entries.T
        words = -(-entries * stored.entry_bits // (8 * mapping.model.word_bytes))
        per_part["memory_reads"][:, cores] += sent @ words.T
    for i, group in enumerate(mapping.groups):
        _neurons(mapping, i, active, token, per_part)
        for wire in group.wires:
            _messages(mapping, i, wire, active[wire], per_part, traffic[i])
    for i, table in mapping.listeners(INPUT):  # from outside: they only arrive
        arriving = active[INPUT].astype(np.float64) @ table.T
        per_part["messages_in"][:, mapping.cores_of(i)] += arriving
    return Tally(per_part, traffic, mapping.core_of)


def _neurons(
    mapping: Mapping, i: int, active: Active, token: bool, per_part: dict
) -> None:
    """Updates, instructions and spikes of a group."""
    group, cores = mapping.groups[i], mapping.cores_of(i)
    start = mapping.start[cores]
    sent = [active[wire] for wire in group.wires]
    per_part["neuron_updates"][:, cores] = mapping.neurons[cores]
    per_part["spikes"][:, cores] = np.add.reduceat(_spike_each(sent), start, axis=1)
    executed = instructions_of(group, sent, token)
    per_part["instructions"][:, cores] = np.add.reduceat(executed, start, axis=1)


def instructions_of(
    group: ChipGroup, sent: list[NDArray[np.bool_]], token: bool
) -> NDArray[np.int64]:
    """Instructions of every neuron, shape (T, n): its path and SPIKEs on it.

    Equal to what the interpreter counts, except where overflow wraps and a payload
    that is to be sent happens to wrap to 0.
    """
    if group.constants.states and not token:
        return np.full(sent[0].shape, group.idle_path, dtype=np.int64)
    return group.token_path + SPIKES[group.spikes](sent)


def _messages(
    mapping: Mapping,
    i: int,
    wire: str,
    active: NDArray[np.bool_],
    per_part: dict[str, FloatArray],
    traffic: NDArray[np.float32],
) -> None:
    """Messages of a wire from the parts of group ``i``, and the links they take."""
    senders = range(*mapping.cores_of(i).indices(mapping.parts))
    heard = False
    for j, table in mapping.listeners(wire):
        heard = True
        to = mapping.cores_of(j)
        for k in senders:
            neurons = slice(mapping.start[k], mapping.stop[k])
            # (T, receiving parts)
            sent = active[:, neurons].astype(np.float64) @ table[:, neurons].T
            per_part["messages_in"][:, to] += sent
            per_part["messages_out"][:, k] += sent.sum(axis=1)
            _route(mapping, k, to, sent, per_part, traffic)
    if not heard:  # the answer: one message to the outside, its way is not counted
        starts = mapping.start[mapping.cores_of(i)]
        per_part["messages_out"][:, mapping.cores_of(i)] += np.add.reduceat(
            active.astype(np.float64), starts, axis=1
        )


def _route(
    mapping: Mapping,
    k: int,
    to: slice,
    sent: FloatArray,
    per_part: dict[str, FloatArray],
    traffic: NDArray[np.float32],
) -> None:
    mesh, chip = mapping.mesh, mapping.chip_of[k]
    near = mapping.chip_of[to] == chip
    per_part["chip_crossings"][:, k] += sent[:, ~near].sum(axis=1)
    here, there = mapping.router_of[k], mapping.router_of[to][near]
    east_west, north_south = mesh.hops(here, there)
    per_part["hops_east_west"][:, k] += sent[:, near] @ east_west
    per_part["hops_north_south"][:, k] += sent[:, near] @ north_south
    links = slice(chip * mesh.links, (chip + 1) * mesh.links)
    traffic[:, links] += sent[:, near] @ mesh.routes_from(int(here))[there]
