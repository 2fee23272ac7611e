# SPDX-License-Identifier: BSD-3-Clause
"""How many cores to take: for the shortest latency, the most copies, or least energy.

As few cores as memory allows leave room for the most copies; more of them share the
work, until messages and the time of an empty step are all that is left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Mapping as Dict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lava_sparse_rnn.fixed_point import Brief, choose
from lava_sparse_rnn.loihi2.activity import Activity, as_activity, traced
from lava_sparse_rnn.loihi2.bounds import Estimate
from lava_sparse_rnn.loihi2.chip import Board, Chip, as_board
from lava_sparse_rnn.loihi2.coefficients import Coefficients, as_coefficients
from lava_sparse_rnn.loihi2.cost import weigh
from lava_sparse_rnn.loihi2.counts import Counts, count
from lava_sparse_rnn.loihi2.errors import Loihi2Error
from lava_sparse_rnn.loihi2.mapping import Mapping
from lava_sparse_rnn.loihi2.memory import FORMATS
from lava_sparse_rnn.loihi2.place import map_network
from lava_sparse_rnn.spec import Network, check_network
from lava_sparse_rnn.spec.sequences import SequencesLike

STEPS = 16
"""Numbers of cores that a sweep tries, from the fewest to a chip's."""


@dataclass(frozen=True, eq=False)
class Choice(Brief):
    """A mapping and what it costs.

    Parameters
    ----------
    mapping : Mapping
    estimate : Estimate
    """

    mapping: Mapping
    estimate: Estimate

    def _about(self) -> str:
        energy, through = self.energy_j, self.latency_s
        known = [
            f"{len(self.mapping)} cores, {self.mapping.copies} copies",
            f"busiest core {self.busiest:,.0f} (at least {self.least:,.0f}), "
            f"{self.imbalance:.2f} of the mean",
        ]
        known += [] if through is None else [f"latency at least {through * 1e6:.4g} us"]
        known += [] if energy is None else [f"{energy * 1e6:.4g} uJ a token"]
        return ", ".join(known)

    @property
    def busiest(self) -> float:
        """What the busiest core does for a token: see `work`."""
        return float(work(self.estimate.counts).max())

    @property
    def imbalance(self) -> float:
        """`busiest` over the mean of all cores; 1 is perfect."""
        done = work(self.estimate.counts)
        return float(done.max() / done.mean())

    @property
    def least(self) -> float:
        """What `busiest` is at least on as many cores: see `least_work`."""
        return least_work(self.estimate.counts)

    @property
    def latency_s(self) -> float | None:
        """From a token's arrival to its answer, fall-through: a lower bound."""
        return self.estimate.fall_through.latency_s

    @property
    def energy_j(self) -> float | None:
        """Of a token in a pipeline, joules."""
        return self.estimate.pipelined.energy_per_token_j


def work(counts: Counts) -> np.ndarray:
    """What each core does for a token, mean over a run, shape (K,).

    The largest of its synaptic operations, its instructions and the messages that it
    sends; no public figure relates them, so one counts as much as the other.
    """
    real = counts.real
    parts = (real.synops, real.per_core["instructions"], real.per_core["messages_out"])
    return np.max([part.mean(axis=0) for part in parts], axis=0)


def least_work(counts: Counts) -> float:
    """What the busiest core does at least, however a network is cut.

    A core has neurons of one group. With ``n`` cores of a group, one of them has at
    least a share of ``1 / n`` in each of its totals, wherever it is cut; and no way to
    give cores to groups has a smaller largest share than this one, which gives each
    core to the group whose share is largest. Synaptic operations and instructions are
    taken; messages depend on the cut, and only add to this. Where groups share cores
    it is an even share of all.

    Parameters
    ----------
    counts : Counts
        Of any mapping on as many cores.

    Returns
    -------
    float
        Of a token, mean over the run, in the unit of `work`.
    """
    real, mapping = counts.real, counts.mapping
    done = [*(f"{n}_synops" for n in FORMATS), "instructions"]
    *synops, executed = (real.per_part[name].mean(axis=0) for name in done)
    parts = np.stack([np.sum(synops, axis=0), executed])
    if mapping.share > 1:
        return float(parts.sum(axis=1).max() / len(mapping))
    starts = np.searchsorted(mapping.group_of, np.arange(len(mapping.groups)))
    totals = np.add.reduceat(parts, starts, axis=1).max(axis=0)
    cores = np.ones(len(totals))
    while cores.sum() < len(mapping):
        cores[np.argmax(totals / cores)] += 1
    return float((totals / cores).max())


def _shortest(choice: Choice) -> tuple[float, ...]:
    # Without coefficients of time, the busiest core is all that is known of it.
    return (choice.latency_s or 0.0, choice.busiest)


def _most_copies(choice: Choice) -> tuple[float, ...]:
    return (-choice.mapping.copies, choice.busiest)


def _least_energy(choice: Choice) -> tuple[float, ...]:
    messages = choice.estimate.counts.real.per_token("messages_out")
    return (choice.energy_j or 0.0, messages, choice.busiest)


OBJECTIVES: dict[str, Callable[[Choice], tuple[float, ...]]] = {
    "latency": _shortest,
    "copies": _most_copies,
    "energy": _least_energy,
}
"""What is made as small as it can be; of equal ones, what comes next."""


def sweep(
    network: Network,
    x: SequencesLike,
    target: Board | Chip | str | Path = "oheo_gulch",
    preset: Coefficients | str | Path = "loihi1",
    cores: Sequence[int] | None = None,
    activity: Activity | Dict[str, Any] | None = None,
) -> list[Choice]:
    """Mappings on more and more cores, counted and weighed on the same run.

    Parameters
    ----------
    network : Network
    x : array of int, shape (T, d_in) or (N, T, d_in), or a list of arrays (T_i, d_in)
        Real input, as the counts depend on it.
    target : Board, Chip, str or Path
        See `map_network`.
    preset : Coefficients, str or Path
        See `estimate`.
    cores : sequence of int, optional
        Numbers of cores; by default `STEPS` of them from the fewest to a chip's.
    activity : Activity or trace, optional
        What mappings are balanced by; measured on ``x`` if not given.

    Returns
    -------
    list of Choice
        By number of cores; numbers that use no more cores than the one before are
        left out.

    Raises
    ------
    Loihi2Error, SpecError
    """
    board, coefficients = as_board(target), as_coefficients(preset)
    check_network(network, "sweep", x)
    trace = traced(network, x)
    busy = as_activity(network, trace if activity is None else activity)
    fewest = map_network(network, board, activity=busy)
    if cores is None:
        most = min(board.cores, max(board.chip.cores, 4 * len(fewest)))
        cores = _numbers(len(fewest), max(most, len(fewest)))
    choices: list[Choice] = []
    for n in sorted(set(cores)):
        mapping = map_network(network, board, n, activity=busy)
        if not choices or len(mapping) > len(choices[-1].mapping):
            counts = count(network, x, mapping, trace)
            choices.append(Choice(mapping, weigh(counts, coefficients)))
    if not choices:
        raise Loihi2Error("sweep: no number of cores was given")
    return choices


def _numbers(fewest: int, most: int) -> list[int]:
    """Numbers between two, in equal ratios."""
    return np.unique(np.rint(np.geomspace(fewest, most, STEPS)).astype(int)).tolist()


def best(choices: Sequence[Choice], objective: str) -> Choice:
    """The choice that an objective of `OBJECTIVES` makes.

    Raises
    ------
    SpecError
        When there is no such objective; the message lists them.
    Loihi2Error
        When there is no choice.
    """
    key = choose("objective", objective, OBJECTIVES)
    if not choices:
        raise Loihi2Error("best: choices is empty; sweep makes some")
    return min(choices, key=key)
