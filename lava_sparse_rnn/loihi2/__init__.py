# SPDX-License-Identifier: BSD-3-Clause
"""Loihi 2: limits of the chip, a network's place on it, and what that costs.

No hardware is needed and none was run: capacity is from public sources, counts are
from runs of the reference executor, time and energy are estimates.
"""

from lava_sparse_rnn.loihi2 import tables
from lava_sparse_rnn.loihi2.activity import Activity, measure
from lava_sparse_rnn.loihi2.bounds import Estimate, Mode, TermTime
from lava_sparse_rnn.loihi2.chip import BOARDS, Board, Chip, as_board
from lava_sparse_rnn.loihi2.coefficients import PRESETS, Coefficients, as_coefficients
from lava_sparse_rnn.loihi2.cost import estimate, weigh
from lava_sparse_rnn.loihi2.counts import Counts, Tally, count
from lava_sparse_rnn.loihi2.deployment import (
    Bundle,
    BundleError,
    DeploymentError,
    load_bundle,
    write_bundle,
)
from lava_sparse_rnn.loihi2.errors import Loihi2Error
from lava_sparse_rnn.loihi2.groups import ChipGroup, Connection, neuron_groups
from lava_sparse_rnn.loihi2.mapping import Mapping
from lava_sparse_rnn.loihi2.memory import MemoryModel
from lava_sparse_rnn.loihi2.place import map_network
from lava_sparse_rnn.loihi2.report import estimate_dict, mapping_dict
from lava_sparse_rnn.loihi2.rules import RULES, Violation, violations
from lava_sparse_rnn.loihi2.sweep import (
    OBJECTIVES,
    Choice,
    best,
    least_work,
    sweep,
    work,
)

__all__ = [
    "BOARDS",
    "OBJECTIVES",
    "PRESETS",
    "RULES",
    "Activity",
    "Board",
    "Bundle",
    "BundleError",
    "Chip",
    "ChipGroup",
    "Choice",
    "Coefficients",
    "Connection",
    "Counts",
    "DeploymentError",
    "Estimate",
    "Loihi2Error",
    "Mapping",
    "MemoryModel",
    "Mode",
    "Tally",
    "TermTime",
    "Violation",
    "as_board",
    "as_coefficients",
    "best",
    "count",
    "estimate",
    "estimate_dict",
    "least_work",
    "load_bundle",
    "map_network",
    "mapping_dict",
    "measure",
    "neuron_groups",
    "sweep",
    "tables",
    "violations",
    "weigh",
    "work",
    "write_bundle",
]
