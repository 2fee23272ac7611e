# SPDX-License-Identifier: BSD-3-Clause
"""Finding a place on the cores of a board for every neuron of a network."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lava_sparse_rnn.fixed_point import check_number, check_whole
from lava_sparse_rnn.loihi2.activity import Activity, as_activity
from lava_sparse_rnn.loihi2.chip import Board, Chip, as_board
from lava_sparse_rnn.loihi2.errors import Loihi2Error
from lava_sparse_rnn.loihi2.groups import neuron_groups
from lava_sparse_rnn.loihi2.mapping import Mapping
from lava_sparse_rnn.loihi2.memory import MemoryModel, store
from lava_sparse_rnn.loihi2.partition import Planner
from lava_sparse_rnn.loihi2.rules import check_chips, require, violations
from lava_sparse_rnn.loihi2.search import improve
from lava_sparse_rnn.spec import Network, check_network

IntArray = NDArray[np.int64]


def map_network(
    network: Network,
    target: Board | Chip | str | Path = "oheo_gulch",
    cores: int | None = None,
    model: MemoryModel | None = None,
    activity: Activity | Dict[str, Any] | None = None,
    search: float | None = None,
    seed: int = 0,
    share: int = 1,
) -> Mapping:
    """Distribute a network over the cores of a chip or board.

    Each core has neurons of one group, a contiguous run of them, with all of their
    synapses; with `share`, such a run of each of a few groups. Within a group the cut
    makes the most that any core has to do (synapses or instructions, whichever is
    more) as small as it can, then the lesser of the two, then memory. Cores beyond the
    fewest go to the groups whose cores have most to do.

    Parameters
    ----------
    network : Network
    target : Board, Chip, str or Path
        A preset's name is enough: oheo_gulch, kapoho_point, hala_point.
    cores : int, optional
        How many to use; by default as few as the limits allow, which leaves room for
        the most copies. Some may stay unused where another would not help.
    model : MemoryModel, optional
        Sizes of table entries.
    activity : Activity or trace, optional
        Balance what a run has shown instead: synapses that messages meet,
        instructions that are executed, and messages; see `measure`.
    search : float, optional
        Seconds at most in which local moves make the busiest core's work less; a
        search that finds nothing more ends before. See `search.improve`.
    seed : int
        Of the search.
    share : int
        How many groups a core may have neurons of; more than one needs a `search`,
        which finds who shares with whom. Whether groups may share a core is not
        public.

    Returns
    -------
    Mapping

    Raises
    ------
    Loihi2Error
        When the network does not fit; the message says what breaks which limit.
    """
    check_network(network, "map_network", target)
    if cores is not None:
        cores = check_whole("map_network: cores", cores, 1, error=Loihi2Error)
    share = check_whole("map_network: share", share, 1, error=Loihi2Error)
    seed = check_whole("map_network: seed", seed, error=Loihi2Error)
    _check_search(search, share)
    board, model = as_board(target), MemoryModel() if model is None else model
    if not isinstance(model, MemoryModel):
        kind = type(model).__name__
        raise Loihi2Error(
            f"map_network: model is of type {kind}, must be a loihi2.MemoryModel"
        )
    groups = neuron_groups(network)
    stored = {
        g.name: tuple(store(c, board.chip, model) for c in g.inputs) for g in groups
    }
    busy = as_activity(network, activity)
    cuts = Planner(groups, stored, board, model, busy).plan(cores)
    group_of = np.repeat(np.arange(len(groups)), [len(c) - 1 for c in cuts])
    start = np.concatenate([c[:-1] for c in cuts])
    stop = np.concatenate([c[1:] for c in cuts])
    unplaced = Mapping(
        board, model, groups, stored, group_of, start, stop, np.arange(len(start))
    )
    place = _places(unplaced.synapses, board.chip)
    check_chips(int(place[-1]) // board.chip.cores + 1, board)
    mapping = Mapping(board, model, groups, stored, group_of, start, stop, place)
    require(violations(mapping))
    if search is None:
        return mapping
    return improve(replace(mapping, share=share), search, seed, busy, cores)


def _check_search(search: float | None, share: int) -> None:
    if search is None and share > 1:
        raise Loihi2Error(
            f"map_network: share is {share}, but there is no search, which finds who "
            "shares with whom; give search, in seconds"
        )
    if search is not None:
        what = "map_network: search, in seconds,"
        check_number(what, search, above=0, error=Loihi2Error)


def _places(synapses: IntArray, chip: Chip) -> IntArray:
    """Core after core; the next chip where this one is full or has enough synapses."""
    places, chip_number, used, held = [], 0, 0, 0
    for n in synapses.tolist():
        if used == chip.cores or (used and held + n > chip.synapses):
            chip_number, used, held = chip_number + 1, 0, 0
        places.append(chip_number * chip.cores + used)
        used, held = used + 1, held + n
    return np.array(places)
