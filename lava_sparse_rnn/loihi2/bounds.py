# SPDX-License-Identifier: BSD-3-Clause
"""What an estimate consists of: lower bounds of time, and energy by term."""

from __future__ import annotations

from dataclasses import dataclass

from lava_sparse_rnn.fixed_point import Brief
from lava_sparse_rnn.loihi2.coefficients import Coefficients
from lava_sparse_rnn.loihi2.counts import Counts

NEURON_OPS = 10  # synops that the N-DNS proxy takes a neuron update for


@dataclass(frozen=True)
class TermTime:
    """One part of the lower bound, in a pipelined network.

    Parameters
    ----------
    name : str
    mean_s, worst_s : float
        Of the busiest core or link, over the steps of the run; seconds.
    where : str
        What is busiest on average.
    binds : float
        Share of steps in which no other part is larger.
    """

    name: str
    mean_s: float
    worst_s: float
    where: str
    binds: float


@dataclass(frozen=True)
class Mode(Brief):
    """One way to feed tokens.

    Parameters
    ----------
    name : {"pipelined", "fall_through"}
    step_s : float, optional
        Lower bound of a step's time, mean over the run; seconds. None where no
        coefficient of time is known.
    latency_s, worst_latency_s : float, optional
        From a token's arrival to its answer, mean and largest: lower bounds.
    tokens_per_s : float, optional
        Of one copy: upper bound.
    energy_j : dict of str to float, optional
        Per token, by term; None where no coefficient of energy is known.
    """

    name: str
    step_s: float | None
    latency_s: float | None
    worst_latency_s: float | None
    tokens_per_s: float | None
    energy_j: dict[str, float] | None

    def _about(self) -> str:
        energy = self.energy_per_token_j
        figures = (
            ("step at least", self.step_s, 1e6, "us"),
            ("latency at least", self.latency_s, 1e6, "us"),
            ("energy per token", energy, 1e6, "uJ"),
        )
        known = (f"{n} {v * by:.4g} {u}" for n, v, by, u in figures if v is not None)
        return ", ".join([self.name, *known])

    @property
    def energy_per_token_j(self) -> float | None:
        """Sum of all terms that are known, joules."""
        return None if self.energy_j is None else sum(self.energy_j.values())

    @property
    def events_j(self) -> float | None:
        """Of that what a token's events take: no static power, joules."""
        if self.energy_j is None:
            return None
        return sum(value for term, value in self.energy_j.items() if term != "static")


@dataclass(frozen=True, eq=False)
class Estimate(Brief):
    """Lower bounds of time and energy. No chip has run anything.

    Parameters
    ----------
    preset : Coefficients
    counts : Counts
    terms : tuple of TermTime
    pipelined, fall_through : Mode
    missing : tuple of str
        What is left out, as its coefficient has no value.
    token_s, buffer_s : float
        Time between tokens and length of the input buffer, seconds.
    """

    preset: Coefficients
    counts: Counts
    terms: tuple[TermTime, ...]
    pipelined: Mode
    fall_through: Mode
    missing: tuple[str, ...]
    token_s: float
    buffer_s: float

    def _about(self) -> str:
        modes = "\n".join(
            f"  {m._about()}" for m in (self.pipelined, self.fall_through)
        )
        ops = f"{self.ops_per_token:,.0f} operations per token"
        missing = f"{len(self.missing)} coefficients are missing"
        return f"{self.label}\n{modes}\n  {ops}; {missing}"

    @property
    def label(self) -> str:
        """What has to stand beside every number."""
        return (
            f"estimate with preset {self.preset.name!r} ({self.preset.source}); "
            "no hardware was run"
        )

    def sequence_s(self, mode: Mode) -> float | None:
        """From a sequence's first token to the answer to its last one, seconds.

        A lower bound for a sequence of average length, where one token follows
        another at once: ``(T - 1)`` times between two tokens, then a latency.
        """
        if mode.tokens_per_s is None or mode.latency_s is None:
            return None
        return (self.counts.per_sequence - 1) / mode.tokens_per_s + mode.latency_s

    def sequence_j(self, mode: Mode) -> float | None:
        """Energy of a sequence of average length, joules."""
        energy = mode.energy_per_token_j
        return None if energy is None else energy * self.counts.per_sequence

    def real_time(self, mode: Mode) -> float | None:
        """Tokens that it can take while one comes, an upper bound."""
        rate = mode.tokens_per_s
        return None if rate is None else rate * self.token_s

    def paced_w(self, mode: Mode) -> float | None:
        """Power while tokens come every `token_s`, watts; static power where known."""
        if mode.events_j is None:
            return None
        static = (self.preset.static_mw or 0.0) * 1e-3 * self.counts.mapping.chips
        return mode.events_j / self.token_s + static

    @property
    def synops_per_s(self) -> float:
        """Synaptic operations of a second of tokens that come every `token_s`."""
        return float(self.counts.synops.mean()) / self.token_s

    @property
    def ops_per_token(self) -> float:
        """``synops + 10 * neuron updates`` per token."""
        synops = float(self.counts.synops.mean())
        return synops + NEURON_OPS * self.counts.real.per_token("neuron_updates")

    @property
    def power_proxy(self) -> float:
        """N-DNS power proxy, operations per second: per token over `token_s`."""
        return self.ops_per_token / self.token_s

    @property
    def pdp_proxy(self) -> float:
        """N-DNS power-delay product, operations: power proxy times total latency.

        The latency is the input buffer and, where it is known, the fall-through
        latency; encoding and decoding of sound are not in it.
        """
        return self.power_proxy * (self.buffer_s + (self.fall_through.latency_s or 0.0))
