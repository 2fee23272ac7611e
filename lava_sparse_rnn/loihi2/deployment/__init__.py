# SPDX-License-Identifier: BSD-3-Clause
"""From a mapped network to a board: bundles, and the backends that run them.

A bundle is a folder with all that a board needs. A *deployment backend* runs one; do
not take it for `lava_sparse_rnn.backends`, the ways to run a description on a CPU.
"""

from lava_sparse_rnn.loihi2.deployment.backends import (
    ENTRY_POINTS,
    CheckResult,
    DeploymentBackend,
    available,
    check,
    create,
    opened,
)
from lava_sparse_rnn.loihi2.deployment.bundle import Bundle
from lava_sparse_rnn.loihi2.deployment.cpu import CpuBackend
from lava_sparse_rnn.loihi2.deployment.errors import BundleError, DeploymentError
from lava_sparse_rnn.loihi2.deployment.images import (
    BoardImage,
    CoreImage,
    CoreSynapses,
    Route,
    board_image,
)
from lava_sparse_rnn.loihi2.deployment.manifest import (
    MODES,
    SCHEMA_VERSION,
    Manifest,
    json_schema,
)
from lava_sparse_rnn.loihi2.deployment.program import GroupProgram, group_program
from lava_sparse_rnn.loihi2.deployment.read import load_bundle
from lava_sparse_rnn.loihi2.deployment.write import write_bundle

__all__ = [
    "ENTRY_POINTS",
    "MODES",
    "SCHEMA_VERSION",
    "BoardImage",
    "Bundle",
    "BundleError",
    "CheckResult",
    "CoreImage",
    "CoreSynapses",
    "CpuBackend",
    "DeploymentBackend",
    "DeploymentError",
    "GroupProgram",
    "Manifest",
    "Route",
    "available",
    "board_image",
    "check",
    "create",
    "group_program",
    "json_schema",
    "load_bundle",
    "opened",
    "write_bundle",
]
