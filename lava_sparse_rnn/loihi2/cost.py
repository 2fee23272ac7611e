# SPDX-License-Identifier: BSD-3-Clause
"""Time and energy from counts and coefficients: estimates, never measurements.

A step takes at least as long as its slowest part (the form of arXiv 2601.10035)::

    T_step >= max(dendritic operations * t_d, synops * t_s, memory reads * t_m,
                  busiest link's bits / bandwidth, t_barrier)

each on the busiest core or link. With coefficients for messages that enter or leave
a core, those are two more such parts. Energy is the sum of all events.
"""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Real
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import shown
from lava_sparse_rnn.loihi2.bounds import Estimate, Mode, TermTime
from lava_sparse_rnn.loihi2.coefficients import Coefficients, as_coefficients
from lava_sparse_rnn.loihi2.counts import Counts, Tally, count
from lava_sparse_rnn.loihi2.errors import Loihi2Error
from lava_sparse_rnn.loihi2.mapping import Mapping, check_mapping, summed
from lava_sparse_rnn.spec import Network, check_network
from lava_sparse_rnn.spec.sequences import SequencesLike

FloatArray = NDArray[np.float64]
Parts = tuple[tuple[str, str], ...]

# Per term: coefficients, and the counts that each is multiplied with.
TIME_TERMS: dict[str, Parts] = {
    "dendritic": (
        ("neuron_access_ns", "neuron_updates"),
        ("neuron_update_ns", "neuron_updates"),
        ("instruction_ns", "instructions"),
        ("spike_ns", "spikes"),
    ),
    "synaptic": (
        ("sparse_synop_ns", "sparse_synops"),
        ("dense_synop_ns", "dense_synops"),
    ),
    "memory": (("memory_read_ns", "memory_reads"),),
    "message_out": (("message_out_ns", "messages_out"),),
    "message_in": (("message_in_ns", "messages_in"),),
}
ENERGY_TERMS: dict[str, Parts] = {
    "synapses": (
        ("sparse_synop_pj", "sparse_synops"),
        ("dense_synop_pj", "dense_synops"),
    ),
    "memory": (("memory_read_pj", "memory_reads"),),
    "neurons": (
        ("neuron_access_pj", "neuron_updates"),
        ("neuron_update_pj", "neuron_updates"),
        ("instruction_pj", "instructions"),
    ),
    "spikes": (("spike_pj", "spikes"),),
    "messages": (
        ("message_out_pj", "messages_out"),
        ("message_in_pj", "messages_in"),
    ),
    "hops": (
        ("hop_east_west_pj", "hops_east_west"),
        ("hop_north_south_pj", "hops_north_south"),
    ),
    "chip_crossings": (("chip_crossing_pj", "chip_crossings"),),
}
LINK, BARRIER = "link", "barrier"


def estimate(
    network: Network,
    x: SequencesLike,
    mapping: Mapping,
    preset: Coefficients | str | Path = "loihi1",
    token_s: float = 0.008,
    buffer_s: float = 0.032,
) -> Estimate:
    """Count a run and weigh it.

    Parameters
    ----------
    network : Network
    x : array of int, shape (T, d_in) or (N, T, d_in), or a list of arrays (T_i, d_in)
        Real input, as the counts depend on it: one sequence, or several.
    mapping : Mapping
    preset : Coefficients, str or Path
        A preset's name (loihi1, loihi2), a file of coefficients, or coefficients.
    token_s, buffer_s : float
        For the N-DNS proxies: 8 ms hop and 32 ms window by default.

    Returns
    -------
    Estimate

    Raises
    ------
    Loihi2Error, SpecError
    """
    check_network(network, "estimate", x, mapping)
    check_mapping(mapping, "estimate")
    for name, value in (("token_s", token_s), ("buffer_s", buffer_s)):
        if not (isinstance(value, Real) and np.isfinite(value) and value > 0):
            raise Loihi2Error(f"{name} is {shown(value)}, must be a positive number")
    c = as_coefficients(preset)
    return weigh(count(network, x, mapping), c, token_s, buffer_s)


def weigh(
    counts: Counts, c: Coefficients, token_s: float = 0.008, buffer_s: float = 0.032
) -> Estimate:
    """An estimate from counts; see `estimate`."""
    times = _Times(counts, c)
    pipelined, terms = times.pipelined()
    through = times.fall_through()
    missing = tuple(dict.fromkeys(_missing(counts, c)))
    real = _energy(counts.real, c)
    modes = []
    for name, steps, latency, idle_steps in (
        ("pipelined", pipelined, _running_sum(pipelined, times.hops), 0),
        ("fall_through", through, through * times.hops, times.hops - 1),
    ):
        step = float(steps.mean()) if times.known else None
        between = step if name == "pipelined" else step and step * times.hops
        energy = _with_idle(real, _energy(counts.idle, c), idle_steps)
        if energy is not None and c.static_mw is not None and between is not None:
            chips = counts.mapping.chips
            energy["static"] = c.static_mw * 1e-3 * chips * between
        modes.append(
            Mode(
                name,
                step,
                float(latency.mean()) if times.known else None,
                float(latency.max()) if times.known else None,
                1 / between if between else None,
                energy,
            )
        )
    return Estimate(c, counts, terms, modes[0], modes[1], missing, token_s, buffer_s)


def _running_sum(steps: FloatArray, n: int) -> FloatArray:
    """Sum of ``n`` steps from each on, the run repeated end to end."""
    at = np.arange(len(steps))[:, None] + np.arange(n)
    return steps[at % len(steps)].sum(axis=1)


def _linear(tally: Tally, c: Coefficients, parts: Parts) -> FloatArray | None:
    """Sum over terms with a value of coefficient times count, shape (T, P)."""
    known = [(v, q) for name, q in parts if (v := c.value(name)) is not None]
    if not known:
        return None
    return np.sum([v * tally.per_part[q] for v, q in known], axis=0)


def part_times(tally: Tally, c: Coefficients) -> dict[str, FloatArray]:
    """Seconds of every part for every token, by term, shape (T, P) each.

    A term without any coefficient is not there.
    """
    terms = {name: _linear(tally, c, parts) for name, parts in TIME_TERMS.items()}
    return {name: t * 1e-9 for name, t in terms.items() if t is not None}


def _missing(counts: Counts, c: Coefficients) -> Iterator[str]:
    """Every part of a formula that has a count but no coefficient."""
    tally = counts.real
    for what, terms in (("time", TIME_TERMS), ("energy", ENERGY_TERMS)):
        for term, parts in terms.items():
            for name, quantity in parts:
                if c.value(name) is None and tally.per_part[quantity].any():
                    yield f"{what}, {term}: {quantity} ({name})"
    if tally.links.any():
        if c.link_bits_per_ns is None:
            yield "time, link: bits on the busiest link (link_bits_per_ns)"
        elif c.header_bits is None:
            yield "time, link: a message's bits besides its payload (header_bits)"
    if c.barrier_ns is None:
        yield "time, barrier (barrier_ns)"
    if tally.per_part["chip_crossings"].any():
        yield "time and hops between chips (how chips are joined is not known)"
    if c.static_mw is None:
        yield "energy, static: power of an idle chip (static_mw)"


def _energy(tally: Tally, c: Coefficients) -> dict[str, float] | None:
    """Joules per token, by term."""
    energy = {}
    for term, parts in ENERGY_TERMS.items():
        total = _linear(tally, c, parts)
        if total is not None:
            energy[term] = float(total.sum(axis=1).mean()) * 1e-12
    return energy or None


def _with_idle(
    real: dict[str, float] | None, idle: dict[str, float] | None, steps: int
) -> dict[str, float] | None:
    if real is None or idle is None:
        return None
    return {term: real[term] + steps * idle[term] for term in real}


class _Times:
    """Seconds of every core and link, aligned by time step."""

    def __init__(self, counts: Counts, c: Coefficients) -> None:
        self.counts, self.c, self.mapping = counts, c, counts.mapping
        # Groups at one depth work in the same step, so depths count, not groups.
        self.depth = np.array([g.depth for g in self.mapping.groups])
        self.hops = int(self.depth.max())
        self.real, self.idle = part_times(counts.real, c), part_times(counts.idle, c)
        self.barrier = None if c.barrier_ns is None else c.barrier_ns * 1e-9
        self.known = bool(self.real) or self.barrier is not None or self._has_links

    @property
    def _has_links(self) -> bool:
        return self.c.link_bits_per_ns is not None

    def _links(self, tally: Tally) -> FloatArray:
        """Seconds of each group's messages on each link, shape (G, T, L)."""
        bandwidth = self.c.link_bits_per_ns or np.inf
        header = self.c.header_bits or 0.0
        bits = np.array([g.payload_bits + header for g in self.mapping.groups])
        return tally.links * (bits / bandwidth * 1e-9)[:, None, None]

    def pipelined(self) -> tuple[FloatArray, tuple[TermTime, ...]]:
        """Seconds of each step, shape (T,), and what they consist of.

        In step ``t`` the group at depth ``d`` has token ``t - d``. The run is taken
        as repeated end to end, so that there is no fill.
        """
        tokens, mapping = self.counts.real.tokens, self.mapping
        behind = self.depth - 1  # steps after the first groups
        token_of = np.arange(tokens)[:, None] - behind[mapping.group_of]
        parts: dict[str, tuple[FloatArray, str]] = {}
        for name, times in self.real.items():
            steps = np.take_along_axis(times, token_of % tokens, axis=0)
            cores = mapping.on_cores(steps)
            busiest = mapping.on_cores(times.mean(axis=0)).argmax()
            where = mapping.describe_core(int(busiest))
            parts[name] = (cores.max(axis=1), where)
        if self._has_links:
            links = self._links(self.counts.real)
            shifted = [
                np.roll(g, d, axis=0) for g, d in zip(links, behind, strict=True)
            ]
            load = np.sum(shifted, axis=0)
            parts[LINK] = (load.max(axis=1), self._describe_link(load))
        if self.barrier is not None:
            parts[BARRIER] = (np.full(tokens, self.barrier), "whole chip")
        if not parts:
            return np.zeros(tokens), ()
        steps = np.max([p for p, _ in parts.values()], axis=0)
        return steps, tuple(
            TermTime(
                name, float(p.mean()), float(p.max()), where, float((p >= steps).mean())
            )
            for name, (p, where) in parts.items()
        )

    def _describe_link(self, load: FloatArray) -> str:
        link = int(load.mean(axis=0).argmax())
        chip, on_chip = divmod(link, self.mapping.mesh.links)
        return f"chip {chip}, {self.mapping.mesh.describe(on_chip)}"

    def fall_through(self) -> FloatArray:
        """Seconds of a step, mean over those of one token, shape (T,).

        The groups that have the token, all those at one depth, do their work, all
        others that of an idle step.
        """
        tokens = self.counts.real.tokens
        total = np.zeros(tokens)
        if self._has_links:
            real_links = self._links(self.counts.real)
            idle_links = self._links(self.counts.idle)
            all_idle = idle_links.sum(axis=0)
        for depth in range(1, self.hops + 1):
            busy = self.depth == depth
            step = self._with_token(busy)
            if self._has_links:
                real, idle = (x[busy].sum(axis=0) for x in (real_links, idle_links))
                load = real + all_idle - idle
                step = np.maximum(step, load.max(axis=1))
            total += np.maximum(step, self.barrier or 0.0)
        return total / self.hops

    def _with_token(self, busy: NDArray[np.bool_]) -> FloatArray:
        """Seconds of the slowest core and term while some groups have a token, (T,).

        Parameters
        ----------
        busy : array of bool, shape (G,)
            Which groups.
        """
        own, core_of = busy[self.mapping.group_of], self.mapping.core_of
        near = np.isin(core_of, core_of[own])  # on a core with a part of these groups
        has_token = own[near]
        slowest = np.zeros(self.counts.real.tokens)
        for name, real in self.real.items():
            idle = self.idle[name]
            mixed = np.where(has_token, real[:, near], idle[:, near])
            cores = summed(mixed, core_of[near]).max(axis=1)
            others = summed(idle[0, ~near], core_of[~near]) if not near.all() else 0.0
            slowest = np.maximum(slowest, np.maximum(cores, np.max(others)))
        return slowest
