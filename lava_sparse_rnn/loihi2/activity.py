# SPDX-License-Identifier: BSD-3-Clause
"""How busy real input keeps a network: what a mapping can be balanced by.

A core's time follows from the synapses that messages meet, not from those that are
stored: where half of the senders are silent, half of the synapses cost nothing.
"""

from __future__ import annotations

from collections.abc import Mapping as Dict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import Brief
from lava_sparse_rnn.loihi2.counts import active_on, instructions_of
from lava_sparse_rnn.loihi2.errors import Loihi2Error
from lava_sparse_rnn.loihi2.groups import INPUT, ChipGroup, neuron_groups
from lava_sparse_rnn.spec import Network, check_network, reference
from lava_sparse_rnn.spec.sequences import Sequences, SequencesLike

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Activity(Brief):
    """What the neurons of a network do for a token, averaged over a run.

    Parameters
    ----------
    tokens : int
        Of the run.
    messages : dict of str to array, shape (n,)
        How often each sender of each wire, and of ``input``, sends: from 0 to 1.
    instructions : dict of str to array, shape (n,)
        What each neuron of each group executes.
    """

    tokens: int
    messages: dict[str, FloatArray]
    instructions: dict[str, FloatArray]

    def _about(self) -> str:
        sent = np.concatenate(list(self.messages.values()))
        return f"{self.tokens} tokens, a sender sends in {sent.mean():.0%} of them"

    @classmethod
    def of_trace(cls, network: Network, trace: Dict[str, Any]) -> Activity:
        """What a trace of `spec.reference.run`, or of another backend's, shows.

        Parameters
        ----------
        network : Network
        trace : mapping from str to array, shape (T, n) or (N, T, n), or list of such
            ``input`` may be among them, the tokens; without it every input is taken
            to arrive.

        Raises
        ------
        Loihi2Error
            When a wire is missing or of another width, or there is no token.
        """
        groups = neuron_groups(network)
        active = {
            wire: active_on(trace, wire, group.size)
            for group in groups
            for wire in group.wires
        }
        tokens = len(next(iter(active.values())))
        if not tokens:
            raise Loihi2Error("activity: no tokens, at least one is needed")
        if INPUT in trace:
            active[INPUT] = active_on(trace, INPUT, network.d_in)
        else:
            active[INPUT] = np.ones((1, network.d_in), bool)
        return cls(
            tokens,
            {wire: sent.mean(axis=0) for wire, sent in active.items()},
            {g.name: _instructions(g, active) for g in groups},
        )


def _instructions(group: ChipGroup, active: dict[str, NDArray[np.bool_]]) -> FloatArray:
    return instructions_of(group, [active[w] for w in group.wires], True).mean(axis=0)


def measure(network: Network, x: SequencesLike) -> Activity:
    """Run a network on real input and look how busy it is.

    Parameters
    ----------
    network : Network
    x : array of int, shape (T, d_in) or (N, T, d_in), or a list of arrays (T_i, d_in)

    Returns
    -------
    Activity
        For `map_network`.

    Raises
    ------
    Loihi2Error
        When there is no token.
    SpecError
        When ``x`` does not fit the network.
    """
    check_network(network, "measure", x)
    return Activity.of_trace(network, traced(network, x))


def traced(network: Network, x: SequencesLike) -> dict[str, Any]:
    """The trace of a run of the reference executor, its tokens among it."""
    sequences = Sequences.of(network, x)
    trace: dict[str, Any] = {}
    reference.run(network, x, trace)
    return {**trace, INPUT: sequences.tokens}


def as_activity(
    network: Network, activity: Activity | Dict[str, Any] | None
) -> Activity | None:
    """An activity from itself or from a trace; None stays None."""
    if activity is None or isinstance(activity, Activity):
        return activity
    if isinstance(activity, Dict):
        return Activity.of_trace(network, activity)
    raise Loihi2Error(
        f"activity: is of type {type(activity).__name__}, must be a loihi2.Activity "
        "or a trace; loihi2.measure(network, x) makes one"
    )
